"""Sessions' memory under anything that can happen to it: nothing leaks, nothing foreign shows, the budget holds."""

from __future__ import annotations

import random

import pytest
import torch

from services.generator.engine.backends.session_kv_cache import SessionKVCache, Slot, common_prefix
from services.models.llama.shape import LlamaShape
from services.models.llama.slots import KeyValueSlots, Window

SHAPE = LlamaShape(1, 32, 1, 1, 32, 32, 100, 256, 1e-5, True, 10000.0, {"rope_type": "default"})


def _write(store: KeyValueSlots, slot: Slot, start: int) -> None:
    """Stand in for a forward pass: each token's keys are its id."""
    positions = range(start, len(slot.ids))
    places = [position if store.window is None else store.window.place(position) for position in positions]
    for position, place in zip(positions, places, strict=True):  # in order: a ring overwrites
        store.keys[:, slot.index, :, place] = float(slot.ids[position])


def _holds(store: KeyValueSlots, slot: Slot) -> bool:
    """Whether all that the slot's next token sees is there and its own."""
    places = positions = list(range(len(slot.ids)))
    if store.window is not None:
        first = store.window.sinks + store.window.evicted(len(slot.ids))
        positions = [p for p in positions if p < store.window.sinks or p >= first]
        places = [store.window.place(p) for p in positions]
    wanted = torch.tensor([float(slot.ids[p]) for p in positions])
    return bool(torch.equal(store.keys[0, slot.index, 0, places, 0], wanted))


@pytest.mark.parametrize("window", [None, Window(sinks=16, limit=48, block=16, ring=48)])
def test_ten_thousand_random_operations_leak_nothing_and_mix_nothing(window: Window | None) -> None:
    luck = random.Random(0)
    store = KeyValueSlots(SHAPE, 6, 96, torch.float32, window=window)
    longest = 80 if window is None else 160
    budget = 200 * store.token_bytes
    memory = SessionKVCache(store, budget)
    open_slots: list[Slot] = []
    for _ in range(10_000):
        action = luck.random()
        if action < 0.4:
            key = ("t", f"s{luck.randrange(12)}", luck.choice(["v1", "v2"]))
            ids = [hash((key[1], i // 7, luck.random() < 0.02)) % 997 for i in range(luck.randrange(2, longest))]
            taken = memory.take(key, ids)
            if taken is None:
                assert len(open_slots) == 6
                continue
            slot, known = taken
            assert known < len(ids)
            assert slot.ids == ids[:known]
            assert _holds(store, slot), "what was remembered is not what was computed"
            slot.advance(ids[known:])
            _write(store, slot, known)
            open_slots.append(slot)
        elif action < 0.5 and (sources := [slot for slot in open_slots if slot.ids]):
            source = luck.choice(sources)
            fork = memory.fork(source, luck.randrange(1, len(source.ids) + 1))
            if fork is not None:
                assert _holds(store, fork)
                open_slots.append(fork)
        elif action < 0.6 and (sources := [slot for slot in open_slots if slot.ids]):
            source, slot = luck.choice(sources), luck.choice(open_slots)
            if source is not slot:
                memory.follow(source, slot, luck.randrange(1, len(source.ids) + 1))
                assert _holds(store, slot)
            assert _holds(store, source)
        elif action < 0.9 and open_slots:  # finish or cancel
            slot = open_slots.pop(luck.randrange(len(open_slots)))
            assert _holds(store, slot), "another session wrote here"
            memory.give_back(slot, keep=luck.random() < 0.8)
        elif action < 0.97:
            memory.forget("t", f"s{luck.randrange(12)}")
        else:
            memory.forget_version("v2")
        assert memory.open_slots == len(open_slots)
        assert 0 <= memory.used_bytes <= budget
    for slot in open_slots:
        memory.give_back(slot, keep=False)
    for n in range(12):
        memory.forget("t", f"s{n}")
    assert memory.used_bytes == 0
    assert memory.remembered == 0
    assert memory.open_slots == 0
    assert memory.evictions > 0


def test_an_evicted_session_starts_from_nothing_and_a_parked_one_from_its_copy() -> None:
    store = KeyValueSlots(SHAPE, 1, 96, torch.float32)
    memory = SessionKVCache(store, 50 * store.token_bytes)

    def turn(session: str, length: int) -> int:
        taken = memory.take(("t", session, "v"), list(range(length)))
        assert taken is not None
        slot, known = taken
        assert _holds(store, slot)
        slot.ids = list(range(length))
        _write(store, slot, known)
        memory.give_back(slot, keep=True)
        return known

    assert turn("a", 20) == 0
    assert turn("b", 20) == 0  # parks a
    assert turn("a", 30) == 20
    assert turn("c", 40) == 0  # 30 + 20 + 40 tokens are over the budget: the oldest go
    assert turn("b", 20) == 0


def test_common_prefix() -> None:
    for length in (0, 1, 255, 256, 257, 700):
        assert common_prefix(list(range(length)), [*range(length), 5]) == length
    assert common_prefix([*range(300), 1], [*range(300), 2]) == 300
