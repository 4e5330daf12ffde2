"""Turns that arrive together are tracked together: one batch through a learned tracker instead of many passes."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future

from services.common.schema import Schema
from services.common.work_budget import WorkBudget
from services.tracker.domain.state import State
from services.tracker.domain.tracker import Tracker, TrackRequest

_Waiting = tuple[TrackRequest, "Future[State]"]


class BatchingTracker:
    """A `Tracker` whose callers, from many threads, share the inner tracker's batches.

    One thread works: it takes all that waits, at most `limit` turns, and starts at once. A lone turn is never held
    back for company; batches grow with the load by themselves.
    """

    def __init__(self, inner: Tracker, limit: int, cpu_seconds: float = 60.0) -> None:
        """``cpu_seconds``: what a batch may compute; where it takes more, each of its turns has as much to itself."""
        self._inner = inner
        self._limit = limit
        self._budget = WorkBudget(cpu_seconds)
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="track-batches", daemon=True)
        self._thread.start()

    def track(self, schema: Schema, previous: State, system_text: str, user_text: str, turn: int) -> State:
        """See `Tracker.track`; raises what the inner tracker raised for this turn."""
        return self.track_many([TrackRequest(schema, previous, system_text, user_text, turn)])[0]

    def track_many(self, requests: Sequence[TrackRequest]) -> list[State]:
        """See `Tracker.track_many`."""
        futures: list[Future[State]] = []
        for request in requests:
            future: Future[State] = Future()
            self._waiting.put((request, future))
            futures.append(future)
        return [future.result() for future in futures]

    def close(self) -> None:
        """Ends the thread once what waits is done."""
        self._waiting.put(None)
        self._thread.join(30)

    def _run(self) -> None:
        while True:
            first = self._waiting.get()
            if first is None:
                return
            batch = [first]
            ended = False
            while len(batch) < self._limit and not ended:
                try:
                    following = self._waiting.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    ended = True
                else:
                    batch.append(following)
            self._work(batch)
            if ended:
                return

    def _work(self, batch: list[_Waiting]) -> None:
        try:
            states = self._budget.run(lambda: self._inner.track_many([request for request, _ in batch]))
        except Exception as error:
            if len(batch) == 1:
                batch[0][1].set_exception(error)
            else:
                for one in batch:  # one turn that can't be tracked must not take its company with it
                    self._work([one])
            return
        for (_, future), state in zip(batch, states, strict=True):
            future.set_result(state)
