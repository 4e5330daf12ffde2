"""The rows in work: what the engine thread does with them in one pass."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from services.generator.engine.errors import DuplicateKey
from services.generator.engine.line import WaitingLine
from services.generator.engine.pace import PrefillPace
from services.generator.engine.replies import Replies
from services.generator.engine.request import DecodeSettings, DraftListener
from services.generator.engine.rows import Row
from services.generator.engine.stats import Counters
from services.generator.engine.text import DraftText
from services.generator.engine.together import prefill_together, step_together

if TYPE_CHECKING:
    from services.generator.backends.base import Backend

COMFORT_SECONDS = 0.25


class Work:
    """All open drafts by key, those of them that have a row, and the line of those that wait for one.

    Only the engine thread calls the methods; `open` and `line` are shared with other threads under `lock`.
    """

    def __init__(self, backend: Backend, lock: threading.Condition, waiting_limit: int, pace: PrefillPace) -> None:
        self._backend = backend
        self._lock = lock
        self._pace = pace
        self._comforted = 0.0
        self.line = WaitingLine(waiting_limit)
        self.rows: list[Row] = []
        self.open: dict[str, Row] = {}
        self.counters = Counters()
        self.replies = Replies(backend, self.counters, self._leave)

    def advance(self) -> None:
        """One pass: let cancelled drafts end, admit waiting ones, compute a chunk of prompts, take a step."""
        self.replies.spoke = False
        self._drop_cancelled()
        self._admit()
        self._prefill()
        self._step()
        self._comfort()

    def fork(self, key: str, other: str, listener: DraftListener, settings: DecodeSettings | None) -> bool:
        """Open `other` beside the open draft `key`; see `Engine.fork`."""
        source = self.open.get(key)
        if other in self.open:
            raise DuplicateKey(f"draft {other} is open already")
        if source is None or source not in self.rows or len(self.rows) >= self._backend.capacity:
            return False
        request = replace(source.request, key=other, settings=settings or source.request.settings)
        row = Row(request, listener, DraftText(self._backend.codec, request.settings.stop))
        row.ids, row.prompt_length = list(source.ids), source.prompt_length
        row.log_likelihood = source.log_likelihood
        if not self._backend.fork(source, row):
            return False
        row.admitted_at = row.submitted_at
        with self._lock:
            self.open[other] = row
            self.rows.append(row)
        self.replies.show(row, "".join(row.text.push(token) for token in row.generated))
        return True

    def _drop_cancelled(self) -> None:
        with self._lock:
            dropped = self.line.remove(lambda row: row.cancelled)
        for row in dropped:
            self.replies.finish(row, "cancelled")
        for row in [row for row in self.rows if row.cancelled]:
            self.replies.finish(row, "cancelled")

    def _admit(self) -> None:
        working = Counter(row.request.tenant for row in self.rows)
        while len(self.rows) < self._backend.capacity:
            failed: list[tuple[Row, Exception]] = []

            def admit(row: Row) -> bool:
                try:
                    return self._backend.admit(row)
                except Exception as error:
                    failed.append((row, error))  # noqa: B023  (used within this pass only)
                    return True

            with self._lock:
                taken = self.line.take(admit, working)
            for row, error in failed:
                self.replies.fail(row, error)
            if taken is None:
                return
            if failed:
                continue
            taken.admitted_at = time.monotonic()
            self.counters.queue_seconds += taken.admitted_at - taken.submitted_at
            self.counters.prompt_tokens += taken.prompt_length
            self.counters.reused_tokens += taken.reused
            self.rows.append(taken)
            working[taken.request.tenant] += 1

    def _prefill(self) -> None:
        rows = [row for row in self.rows if not row.ready]
        if not rows:
            return
        rows.sort(key=lambda row: row.missing)  # the shortest first: most replies start soonest
        started = time.monotonic()
        budget = self._pace.budget(alone=len(rows) == len(self.rows))
        before = [row.known for row in rows]
        done = prefill_together(self._backend, rows, budget, self.replies.fail)
        seconds = time.monotonic() - started
        self._pace.learn(done, seconds)
        self.counters.prefill_seconds += seconds
        for row, known in zip(rows, before, strict=True):
            if row.known > known:
                self.replies.tell(row, row.listener.on_progress)

    def _step(self) -> None:
        rows = [row for row in self.rows if row.ready and not row.cancelled]
        if not rows:
            return
        started = time.monotonic()
        for row in rows:
            row.ready_at = row.ready_at or started
        answers = step_together(self._backend, rows, self.replies.fail)
        seconds = time.monotonic() - started
        self.counters.steps += 1
        self.counters.step_rows = len(rows)
        self.counters.step_seconds = seconds
        self.counters.decode_seconds += seconds
        for row, ids in answers:
            self.replies.emit(row, ids)

    def _comfort(self) -> None:
        """Say to those who wait for a row or for their prompt's turn that the engine moves: it comes to them.

        Their leases would end otherwise, and five times so in a long line would be a failure without a fault.
        """
        now = time.monotonic()
        if not self.rows or now - self._comforted < COMFORT_SECONDS:
            return
        self._comforted = now
        with self._lock:
            waiting = self.line.rows()
        for row in [*waiting, *(row for row in self.rows if not row.ready)]:
            self.replies.tell(row, row.listener.on_progress)

    def _leave(self, row: Row, keep: bool) -> None:
        if row in self.rows:
            self._backend.release(row, keep)
        with self._lock:
            if row in self.rows:
                self.rows.remove(row)
            self.open.pop(row.request.key, None)
