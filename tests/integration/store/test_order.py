"""Turns of a session run one after another in the order of their acceptance, whoever dies in between.

A model of the whole turn path without its services: acceptors, workers fed by a lossy queue, a sweep. Workers
die before they finish, and after it before they promote; messages are lost and doubled; callers cancel.
"""

from __future__ import annotations

import queue
import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from services.common.errors import FailedPrecondition
from services.common.settings import CommonSettings
from services.common.store import Document, NewTurn, Request, Store, TurnLimits
from services.common.store import sweep as sweep_module
from services.common.store import turns as turns_module
from tests.support.waiting import wait_until

TENANT = "default"
LIMITS = TurnLimits(open_per_tenant=100_000)
POLICIES = ("enqueue",) * 6 + ("interrupt", "rollback", "reject")


@dataclass
class World:
    """What happened, and the queue between acceptors and workers."""

    store: Store
    messages: queue.SimpleQueue[tuple[str, int] | None] = field(default_factory=queue.SimpleQueue)
    out_of_order: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    over: threading.Event = field(default_factory=threading.Event)

    def dispatch(self, turn: Document) -> None:
        """Send a turn: one message in thirty is lost, one in twenty is doubled."""
        copies = random.choices((0, 1, 2), (1, 27, 2))[0]
        self.counts["lost"] += copies == 0
        for _ in range(copies):
            self.messages.put((turn["_id"], turn["round"]))

    def accept(self, session: str) -> None:
        policy = random.choice(POLICIES)
        new = NewTurn(session, "hello", Request("SendTurn", f"r{random.getrandbits(64)}", "h"), policy)
        try:
            accepted = self.store.turns.accept_turn(TENANT, new, LIMITS)
        except FailedPrecondition:
            self.counts["rejected"] += 1
            return
        self.counts["accepted"] += 1
        if random.random() < 0.03:
            self.counts["gateway died"] += 1
            return
        for turn in accepted.dispatch:
            self.dispatch(turn)
        if random.random() < 0.05 and self.store.turns.cancel_turn(TENANT, accepted.turn["_id"]) is not None:
            self.counts["cancelled"] += 1
            self.promote(session)

    def work(self) -> None:
        """A worker's life: take, look whether anything before is open, finish, promote."""
        while (message := self.messages.get()) is not None:
            turn = self.store.steps.take_step(TENANT, message[0], message[1])
            if turn is None:
                continue
            before = self.store.connection.scoped("turns", TENANT).count(
                {"session": turn["session"], "open": True, "n": {"$lt": turn["n"]}}
            )
            if before:
                self.out_of_order.append(turn["_id"])
            if random.random() < 0.02:
                self.counts["died before finish"] += 1
                continue
            draft = {"text": "hi", "token_ids": [1]}
            if not self.store.steps.finish_draft(TENANT, turn["_id"], turn["holder"], turn["round"], draft):
                continue
            self.counts["finished"] += 1
            if random.random() < 0.05:
                self.counts["died before promote"] += 1
                continue
            self.promote(turn["session"])

    def promote(self, session: str) -> None:
        promoted = self.store.turns.promote(TENANT, session)
        if promoted is not None:
            self.dispatch(promoted)

    def sweep(self) -> None:
        """A gateway's sweep, without pause."""
        while not self.over.wait(0.02):
            for swept in self.store.sweep.sweep():
                self.counts[swept.action] += 1
                if swept.action not in ("failed", "cancelled"):
                    self.dispatch(swept.turn)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, settings: CommonSettings) -> CommonSettings:
    """Times so short that everything left behind is swept within the test."""
    for module in (turns_module, sweep_module):
        monkeypatch.setattr(module, "REDISPATCH_FIRST", 0.3)
        monkeypatch.setattr(module, "REDISPATCH_LAST", 1.0)
    return settings.model_copy(update={"lease_seconds": 1.0, "silent_seconds": 0.8, "max_attempts": 50})


def test_thousands_of_turns_run_in_order_and_none_is_stuck(impatient: CommonSettings) -> None:
    store = Store(impatient, pool=40)
    store.prepare()
    world = World(store)
    sessions = [f"session_{number}" for number in range(25)]
    total, workers = 2_400, 8

    def run(call: Callable[[], object]) -> None:
        try:
            call()
        except Exception as error:
            world.out_of_order.append(repr(error))

    with ThreadPoolExecutor(24) as pool:
        running = [pool.submit(run, world.work) for _ in range(workers)]
        running += [pool.submit(run, world.sweep) for _ in range(2)]
        acceptors = [
            pool.submit(run, lambda: [world.accept(random.choice(sessions)) for _ in range(total // 10)])
            for _ in range(10)
        ]
        for acceptor in acceptors:
            acceptor.result()
        every = store.connection.scoped("turns", TENANT)
        try:
            wait_until(lambda: not every.count({"open": True}), 40, "turns that are still open", interval=0.1)
        finally:
            world.over.set()
            for _ in range(workers):
                world.messages.put(None)
    numbers = Counter(turn["session"] for turn in every.find({}, ("session",)))
    for session in sessions:
        held = sorted(turn["n"] for turn in every.find({"session": session}, ("n",)))
        assert held == list(range(1, numbers[session] + 1)), "numbers without gap or double"
    assert world.out_of_order == []
    assert sum(numbers.values()) == world.counts["accepted"]
    assert world.counts["died before promote"] > 20
    assert every.count({"status": "failed"}) == 0
    store.close()
