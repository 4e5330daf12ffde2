"""The engine over the echo backend: admission, streaming, cancel, fairness, shutdown."""

from __future__ import annotations

import random
import threading
from collections import abc
from concurrent.futures import Future

import pytest

from services.generator.engine import (
    DecodeSettings,
    DraftRequest,
    DuplicateKey,
    Engine,
    EngineClosed,
    EngineFull,
    PromptTooLong,
)
from services.generator.engine.backends.echo import EchoBackend
from services.generator.engine.sequence import Sequence
from tests.unit.generator.conftest import Heard, ask


class GatedEcho(EchoBackend):
    """Takes a step only when the test opens the gate."""

    def __init__(self, capacity: int = 2) -> None:
        super().__init__(capacity)
        self.gate = threading.Semaphore(0)
        self.order: list[str] = []
        self.poison: str | None = None

    def admit(self, row: Sequence) -> bool:
        admitted = super().admit(row)
        if admitted:
            self.order.append(row.request.key)
        return admitted

    def step(self, rows: abc.Sequence[Sequence]) -> list[list[int]]:
        assert self.gate.acquire(timeout=60)
        if any(row.request.key == self.poison for row in rows):
            raise RuntimeError("poison")
        return super().step(rows)


def test_echo_streams_the_users_words_and_ends(echo_engine: Engine) -> None:
    heard = ask(echo_engine, "a", "Grüße aus Zürich 你好")
    draft = heard.wait()
    assert draft.text == heard.text == "Grüße aus Zürich 你好"
    assert draft.finish_reason == "stop"
    assert echo_engine.codec.decode(draft.token_ids) == draft.text
    assert [i for _, ids in heard.deltas for i in ids] == list(draft.token_ids)
    assert draft.usage.completion == len(draft.token_ids)


def test_a_draft_ends_at_its_length(echo_engine: Engine) -> None:
    draft = ask(echo_engine, "a", "one two three", max_new_tokens=5).wait()
    assert draft.finish_reason == "length"
    assert draft.text == "one t"


def test_stop_strings_are_cut_and_never_shown(echo_engine: Engine) -> None:
    heard = ask(echo_engine, "a", "say END of it", stop=(" of",))
    draft = heard.wait()
    assert (draft.text, draft.finish_reason) == ("say END", "stop")
    assert heard.text == draft.text


def test_a_cancelled_draft_keeps_its_partial_text_and_frees_its_row() -> None:
    backend = GatedEcho(capacity=1)
    engine = Engine(backend)
    first = ask(engine, "a", "one two three four")
    backend.gate.release()
    first.wait_for_deltas(1)
    second = ask(engine, "b", "next")
    assert engine.cancel("a")
    backend.gate.release()  # the step that was under way
    draft = first.wait()
    assert draft.finish_reason == "cancelled"
    assert draft.text == first.text
    assert draft.text in ("one", "one two")
    for _ in range(4):
        backend.gate.release()
    assert second.wait().text == "next"
    assert not engine.cancel("a")
    engine.close()


def test_a_waiting_draft_can_be_cancelled_before_it_gets_a_row() -> None:
    backend = GatedEcho(capacity=1)
    engine = Engine(backend)
    first, second = ask(engine, "a", "one two"), ask(engine, "b", "two")
    engine.cancel("b")
    backend.gate.release()
    assert second.wait().finish_reason == "cancelled"
    engine.cancel("a")
    backend.gate.release()
    first.wait()
    assert engine.close()
    assert backend.order == ["a"]


def test_tenants_take_turns_whoever_filled_the_line_first() -> None:
    backend = GatedEcho(capacity=1)
    engine = Engine(backend)
    heard = [ask(engine, f"big{i}", "x", tenant="big") for i in range(4)]
    heard += [ask(engine, f"small{i}", "x", tenant="small") for i in range(2)]
    for _ in range(40):
        backend.gate.release()
    for one in heard:
        one.wait()
    engine.close()
    assert backend.order[:4] in (["big0", "small0", "big1", "small1"], ["big0", "big1", "small0", "big2"])
    assert backend.order.index("small1") < backend.order.index("big3")


def test_in_a_tenants_line_the_higher_priority_goes_first() -> None:
    backend = GatedEcho(capacity=1)
    engine = Engine(backend)
    heard = [ask(engine, "first", "x")]
    backend.gate.release()
    heard[0].wait_for_deltas(1)
    for key, priority in (("low", 0), ("high", 5)):
        heard.append(Heard())
        engine.submit(
            DraftRequest(key, "t", key, "v", (), tuple(engine.codec.encode("y")), priority=priority), heard[-1]
        )
    for _ in range(10):
        backend.gate.release()
    for one in heard:
        one.wait()
    engine.close()
    assert backend.order == ["first", "high", "low"]


def test_a_fork_goes_on_from_where_the_draft_is() -> None:
    backend = GatedEcho(capacity=2)
    engine = Engine(backend)
    first = ask(engine, "a", "one two three four")
    backend.gate.release()
    first.wait_for_deltas(1)
    other, third = Heard(), Heard()
    forked = engine.fork("a", "b", other)
    backend.gate.release()  # the step that may be under way
    assert forked.result(60)
    taken = engine.fork("a", "c", third)
    for _ in range(10):
        backend.gate.release()
    assert not taken.result(60), "both rows are taken"
    assert not engine.fork("gone", "d", third).result(60)
    assert first.wait().text == "one two three four"
    assert other.wait().text == other.text == "one two three four"
    assert other.deltas[0][0].startswith("one")
    engine.close()
    assert backend.figures()["rows_open"] == 0


def test_ten_thousand_random_submits_cancels_and_forks_leave_no_row_open() -> None:
    luck = random.Random(0)
    backend = EchoBackend(capacity=6, tokens=8, step_ms=0.05)
    engine = Engine(backend, waiting_limit=40)
    heard: list[Heard] = []
    keys: list[str] = []
    forks: list[tuple[Future[bool], Heard]] = []
    for n in range(10_000):
        action = luck.random()
        heard = [one for one in heard if not one.done.is_set()]
        if len(heard) > luck.choice([2, 4, 20]):  # now with free rows, now with a line before them
            heard[0].wait()
        if action < 0.4:
            heard.append(ask(engine, f"k{n}", "a b c d"[: luck.randrange(1, 8)], tenant=luck.choice("xyz")))
            keys.append(f"k{n}")
        elif action < 0.6 and keys:
            engine.cancel(luck.choice(keys[-12:]))
        elif keys:
            forks.append((engine.fork(luck.choice(keys[-12:]), f"f{n}", listener := Heard()), listener))
    made = [listener for future, listener in forks if future.result(60)]
    for one in [*heard, *made]:
        one.wait()
    stats = engine.stats()
    assert (stats.rows, stats.waiting, stats.failed) == (0, 0, 0)
    assert made
    assert engine.close()
    assert backend.figures()["rows_open"] == 0


def test_a_full_line_refuses_at_once() -> None:
    backend = GatedEcho(capacity=1)
    engine = Engine(backend, waiting_limit=1)
    first = ask(engine, "a", "x")
    backend.gate.release()
    first.wait_for_deltas(1)
    ask(engine, "b", "x")
    with pytest.raises(EngineFull):
        ask(engine, "c", "x")
    for _ in range(10):
        backend.gate.release()
    engine.close()


def test_keys_are_unique_among_open_drafts_and_prompts_must_fit(echo_engine: Engine) -> None:
    backend = GatedEcho()
    engine = Engine(backend)
    ask(engine, "a", "x")
    with pytest.raises(DuplicateKey):
        ask(engine, "a", "x")
    with pytest.raises(PromptTooLong):
        engine.submit(DraftRequest("b", "t", "s", "v", tuple([65] * 65536), ()), Heard())
    with pytest.raises(ValueError, match="empty"):
        engine.submit(DraftRequest("c", "t", "s", "v", (), ()), Heard())
    for _ in range(5):
        backend.gate.release()
    engine.close()


def test_one_bad_draft_ends_alone() -> None:
    backend = GatedEcho(capacity=4)
    backend.poison = "bad"
    engine = Engine(backend)
    good, bad = ask(engine, "good", "one two"), ask(engine, "bad", "x")
    for _ in range(20):
        backend.gate.release()
    assert good.wait().text == "one two"
    with pytest.raises(RuntimeError, match="poison"):
        bad.wait()
    assert engine.stats().failed == 1
    engine.close()


def test_a_failing_listener_costs_its_own_draft_only(echo_engine: Engine) -> None:
    class Broken(Heard):
        def on_delta(self, text: str, token_ids: list[int]) -> None:
            raise RuntimeError("listener")

    broken = Broken()
    tail = tuple(echo_engine.codec.encode("one two three"))
    echo_engine.submit(DraftRequest("x", "t", "s", "v", (), tail, DecodeSettings()), broken)
    good = ask(echo_engine, "good", "fine words")
    assert good.wait().text == "fine words"
    assert broken.wait().finish_reason == "cancelled"


def test_closing_drains_and_then_refuses() -> None:
    engine = Engine(EchoBackend(capacity=1))
    heard = [ask(engine, str(i), "a b c") for i in range(5)]
    assert engine.close()
    assert all(one.wait().text == "a b c" for one in heard)
    with pytest.raises(EngineClosed):
        ask(engine, "late", "x")


def test_step_ends_are_told_after_the_listeners() -> None:
    steps: list[int] = []
    heard = Heard()
    engine = Engine(EchoBackend(), on_step_end=lambda: steps.append(len(heard.deltas)))
    tail = tuple(engine.codec.encode("a b c"))
    engine.submit(DraftRequest("x", "t", "s", "v", (), tail), heard)
    heard.wait()
    engine.close()
    assert {1, 2, 3} <= set(steps)


def test_calls_run_on_the_engine_thread_between_steps(echo_engine: Engine) -> None:
    name = echo_engine.apply(lambda backend: threading.current_thread().name).result(60)
    assert name == "engine"
    failing = echo_engine.apply(lambda backend: 1 // 0)
    assert isinstance(failing.exception(60), ZeroDivisionError)
