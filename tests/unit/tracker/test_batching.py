"""Turns that arrive together are tracked together, and none waits for company or suffers from it."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from services.common.schema import Schema, parse_schema
from services.common.work_budget import OverBudget
from services.tracker.batching import BatchingTracker
from services.tracker.domain.rules import RuleTracker
from services.tracker.domain.state import State
from services.tracker.domain.tracker import TrackRequest

SCHEMA = parse_schema("services: {food: {slots: {cuisine: {values: [italian, indian]}}}}")


class Slow:
    """Tracks by rules, noting the batches; a text "bad" fails, and the first batch waits until it is let go."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.working = threading.Event()
        self.go_on = threading.Event()

    def track(self, schema: Schema, previous: State, system_text: str, user_text: str, turn: int) -> State:
        return RuleTracker().track(schema, previous, system_text, user_text, turn)

    def track_many(self, requests: Sequence[TrackRequest]) -> list[State]:
        self.batches.append(len(requests))
        self.working.set()
        assert self.go_on.wait(10)
        if any(r.user_text == "bad" for r in requests):
            raise RuntimeError("cannot be tracked")
        return RuleTracker().track_many(requests)


@contextmanager
def batching(limit: int = 8) -> Iterator[tuple[BatchingTracker, Slow]]:
    slow = Slow()
    tracker = BatchingTracker(slow, limit)
    try:
        yield tracker, slow
    finally:
        slow.go_on.set()
        tracker.close()


def test_what_waits_is_tracked_in_one_batch() -> None:
    with batching() as (tracker, slow), ThreadPoolExecutor(4) as pool:
        first = pool.submit(tracker.track, SCHEMA, State(), "", "indian", 1)
        assert slow.working.wait(10)
        rest = [TrackRequest(SCHEMA, State(), "", text, 1) for text in ("italian", "indian", "hello")]
        later = pool.submit(tracker.track_many, rest)
        slow.go_on.set()
        assert first.result(10).value("food", "cuisine") == "indian"
        assert [s.value("food", "cuisine") for s in later.result(10)] == ["italian", "indian", None]
    assert sum(slow.batches) == 4
    assert len(slow.batches) < 4


def test_a_turn_that_fails_takes_no_other_with_it() -> None:
    with batching() as (tracker, slow), ThreadPoolExecutor(4) as pool:
        slow.go_on.set()
        good = pool.submit(tracker.track, SCHEMA, State(), "", "indian", 1)
        bad = pool.submit(tracker.track, SCHEMA, State(), "", "bad", 1)
        assert good.result(10).value("food", "cuisine") == "indian"
        with pytest.raises(RuntimeError, match="cannot be tracked"):
            bad.result(10)


def test_batches_keep_to_their_limit() -> None:
    with batching(limit=2) as (tracker, slow):
        slow.go_on.set()
        tracker.track_many([TrackRequest(SCHEMA, State(), "", "indian", n) for n in range(7)])
    assert max(slow.batches) <= 2


class Endless(RuleTracker):
    """Tracks by rules; a text "endless" computes for ever."""

    def track_many(self, requests: Sequence[TrackRequest]) -> list[State]:
        while any(request.user_text == "endless" for request in requests):
            pass
        return super().track_many(requests)


def test_a_turn_that_computes_for_ever_is_stopped_and_its_company_is_tracked() -> None:
    tracker = BatchingTracker(Endless(), 8, cpu_seconds=0.2)
    with ThreadPoolExecutor(8) as pool:
        texts = ("endless", "italian", "endless", "indian", "hello")
        futures = [pool.submit(tracker.track, SCHEMA, State(), "", text, 1) for text in texts]
        found = [(future.exception(60), text) for future, text in zip(futures, texts, strict=True)]
    assert [isinstance(error, OverBudget) for error, _ in found] == [text == "endless" for _, text in found]
    assert futures[1].result().value("food", "cuisine") == "italian"
    tracker.close()
