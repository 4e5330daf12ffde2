"""The engine: one thread that owns the backend and decodes all open drafts together."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

from services.generator.engine.errors import DuplicateKey, EngineClosed, PromptTooLong
from services.generator.engine.line import WaitingLine
from services.generator.engine.pace import PrefillPace
from services.generator.engine.request import DraftListener, DraftRequest, FinishedDraft, FinishReason
from services.generator.engine.rows import Row
from services.generator.engine.stats import Counters, EngineStats
from services.generator.engine.text import DraftText

if TYPE_CHECKING:
    from services.generator.backends.base import Backend, Codec

log = logging.getLogger(__name__)
T = TypeVar("T")
COMFORT_SECONDS = 0.25


class _Nobody:
    """Listens to a history that is computed for later."""

    def on_delta(self, text: str, token_ids: list[int]) -> None: ...
    def on_progress(self) -> None: ...
    def on_finish(self, draft: FinishedDraft) -> None: ...
    def on_error(self, error: Exception) -> None: ...


_NOBODY = _Nobody()


class Engine:
    """Continuous batching over one backend.

    Public methods may be called from any thread; listeners hear on the engine thread alone. Between two decode
    steps the thread admits waiting drafts and computes at most one chunk of their prompts, sized to take about
    `prefill_ms`, so that a long prompt never stalls the replies of others for longer.

    `on_step_end` is called on the engine thread after every pass in which a listener heard something: the
    moment to send what the pass produced as one message.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        waiting_limit: int = 256,
        prefill_ms: float = 50.0,
        on_step_end: Callable[[], None] | None = None,
    ) -> None:
        self._backend = backend
        self._line = WaitingLine(waiting_limit)
        self._pace = PrefillPace(prefill_ms / 1000)
        self._on_step_end = on_step_end or (lambda: None)
        self._rows: list[Row] = []
        self._open: dict[str, Row] = {}
        self._calls: list[Callable[[], None]] = []
        self._hints: dict[tuple[str, str], tuple[str, tuple[int, ...]]] = {}
        self._counters = Counters()
        self._figures: dict[str, float] = backend.figures()
        self._wake = threading.Condition()
        self._closing = False
        self._spoke = False
        self._comforted = 0.0
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    @property
    def codec(self) -> Codec:
        """The base model's text codec; its methods are thread-safe."""
        return self._backend.codec

    @property
    def capacity(self) -> int:
        """Rows decoded together at most."""
        return self._backend.capacity

    @property
    def context_limit(self) -> int:
        """Most tokens of prompt and reply together."""
        return self._backend.context_limit

    def submit(self, request: DraftRequest, listener: DraftListener) -> None:
        """Take a draft in work as soon as a row is free.

        Raises:
            EngineFull: too many drafts wait already.
            EngineClosed: the engine is shutting down.
            DuplicateKey: a draft with this key is open.
            PromptTooLong: the prompt leaves no room for one token of reply.
            ValueError: the prompt is empty.
        """
        size = len(request.history) + len(request.tail)
        if size == 0:
            raise ValueError("the prompt is empty")
        if size >= self.context_limit:
            raise PromptTooLong(f"the prompt has {size} tokens, the context {self.context_limit}")
        row = Row(request, listener, DraftText(self.codec, request.settings.stop))
        with self._wake:
            if self._closing:
                raise EngineClosed("the engine is shutting down")
            if request.key in self._open:
                raise DuplicateKey(f"draft {request.key} is open already")
            self._line.put(row)
            self._open[request.key] = row
            self._wake.notify()

    def cancel(self, key: str) -> bool:
        """End the draft within one step; its listener hears `on_finish` with `cancelled`.

        False: no such draft is open.
        """
        with self._wake:
            row = self._open.get(key)
            if row is None:
                return False
            row.cancelled = True
            self._wake.notify()
            return True

    def remember(self, tenant: str, session: str, version: str, history: tuple[int, ...]) -> None:
        """Compute an accepted history when nothing else is to do, so that the next turn finds it.

        A hint: it is dropped when the engine is busy for long, and it never answers.
        """
        if not 0 < len(history) < self.context_limit:
            return
        with self._wake:
            self._hints[(tenant, session)] = (version, history)
            while len(self._hints) > self.capacity:
                del self._hints[next(iter(self._hints))]
            self._wake.notify()

    def forget(self, tenant: str, session: str) -> Future[None]:
        """Erase what is remembered of the session."""
        with self._wake:
            self._hints.pop((tenant, session), None)
        return self.apply(lambda backend: backend.forget(tenant, session))

    def apply(self, call: Callable[[Backend], T]) -> Future[T]:
        """Run `call` on the engine thread between two steps: loading a version, reading the memory.

        Raises:
            EngineClosed: the engine is shutting down.
        """
        answer: Future[T] = Future()

        def run() -> None:
            if not answer.set_running_or_notify_cancel():
                return
            try:
                answer.set_result(call(self._backend))
            except BaseException as error:
                answer.set_exception(error)

        with self._wake:
            if self._closing:
                raise EngineClosed("the engine is shutting down")
            self._calls.append(run)
            self._wake.notify()
        return answer

    def close(self, drain: bool = True, timeout: float | None = None) -> bool:
        """Take no more drafts; let the open ones end (`drain`) or cancel them; free the backend.

        After `timeout` seconds of draining the rest is cancelled. Answers whether all ended by themselves.
        """
        with self._wake:
            self._closing = True
            if not drain:
                self._cancel_all()
            self._wake.notify()
        self._thread.join(timeout)
        if not self._thread.is_alive():
            return drain
        with self._wake:
            self._cancel_all()
            self._wake.notify()
        self._thread.join()
        return False

    def stats(self) -> EngineStats:
        """Totals and gauges."""
        with self._wake:
            waiting, rows = len(self._line), len(self._rows)
        return self._counters.snapshot(waiting, rows, self.capacity, self._figures)

    def _cancel_all(self) -> None:
        for row in self._open.values():
            row.cancelled = True

    # -- the engine thread ------------------------------------------------------------------------------

    def _run(self) -> None:
        while self._wait():
            self._spoke = False
            self._drop_cancelled()
            self._admit()
            self._prefill()
            self._step()
            self._comfort()
            self._figures = self._backend.figures()
            if self._spoke:
                try:
                    self._on_step_end()
                except Exception:
                    log.exception("on_step_end failed")
        self._backend.close()

    def _wait(self) -> bool:
        """Sleep until there is something to do; False: closed and all done."""
        while True:
            with self._wake:
                while not (self._busy() or self._closing or self._hints):
                    self._wake.wait()
                calls, self._calls = self._calls, []
                if not calls and self._closing and not self._busy():
                    return False
            for call in calls:
                call()
            if self._rows or len(self._line):
                return True
            self._remember_one()

    def _busy(self) -> bool:
        return bool(self._rows or self._calls or len(self._line))

    def _remember_one(self) -> None:
        """Compute one hinted history, chunk by chunk, as long as nothing else comes."""
        with self._wake:
            if not self._hints:
                return
            (tenant, session), (version, history) = self._hints.popitem()
        row = Row(DraftRequest("", tenant, session, version, history, ()), _NOBODY, DraftText(self.codec))
        try:
            if not self._backend.admit(row):
                return
        except Exception:
            log.exception("a history could not be remembered")
            return
        try:
            while not (row.ready or self._busy() or self._closing):
                self._backend.prefill([row], self._pace.budget(alone=False))
        except Exception:
            log.exception("a history could not be remembered")
            self._backend.release(row, keep=False)
            return
        self._backend.release(row, keep=True)
        if not row.ready and not self._closing:
            with self._wake:
                self._hints.setdefault((tenant, session), (version, history))

    def _drop_cancelled(self) -> None:
        with self._wake:
            dropped = self._line.remove(lambda row: row.cancelled)
        for row in dropped:
            self._finish(row, "cancelled")
        for row in [row for row in self._rows if row.cancelled]:
            self._finish(row, "cancelled")

    def _admit(self) -> None:
        working = Counter(row.request.tenant for row in self._rows)
        while len(self._rows) < self._backend.capacity:
            failed: list[tuple[Row, Exception]] = []

            def admit(row: Row) -> bool:
                try:
                    return self._backend.admit(row)
                except Exception as error:
                    failed.append((row, error))  # noqa: B023  (used within this pass only)
                    return True

            with self._wake:
                taken = self._line.take(admit, working)
            for row, error in failed:
                self._fail(row, error)
            if taken is None:
                return
            if failed:
                continue
            taken.admitted_at = time.monotonic()
            self._counters.queue_seconds += taken.admitted_at - taken.submitted_at
            self._counters.prompt_tokens += taken.prompt_length
            self._counters.reused_tokens += taken.reused
            self._rows.append(taken)
            working[taken.request.tenant] += 1

    def _prefill(self) -> None:
        rows = [row for row in self._rows if not row.ready]
        if not rows:
            return
        rows.sort(key=lambda row: row.missing)  # the shortest first: most replies start soonest
        started = time.monotonic()
        budget = self._pace.budget(alone=len(rows) == len(self._rows))
        before = [row.known for row in rows]
        done = self._prefill_apart(rows, budget)
        seconds = time.monotonic() - started
        self._pace.learn(done, seconds)
        self._counters.prefill_seconds += seconds
        for row, known in zip(rows, before, strict=True):
            if row.known > known:
                self._tell(row, row.listener.on_progress)

    def _prefill_apart(self, rows: list[Row], budget: int) -> int:
        """Prefill the rows together; if that fails, each alone, so that one bad prompt ends alone."""
        try:
            return self._backend.prefill(rows, budget)
        except Exception as error:
            if len(rows) == 1:
                self._fail(rows[0], error)
                return 0
            log.exception("a prefill of %d rows failed; trying each alone", len(rows))
        return sum(self._prefill_apart([row], budget) for row in rows)

    def _step(self) -> None:
        rows = [row for row in self._rows if row.ready and not row.cancelled]
        if not rows:
            return
        started = time.monotonic()
        for row in rows:
            row.ready_at = row.ready_at or started
        answers = self._step_apart(rows)
        seconds = time.monotonic() - started
        self._counters.steps += 1
        self._counters.step_rows = len(rows)
        self._counters.step_seconds = seconds
        self._counters.decode_seconds += seconds
        for row, ids in answers:
            self._emit(row, ids)

    def _step_apart(self, rows: list[Row]) -> list[tuple[Row, list[int]]]:
        """Step the rows together; if that fails, each alone, so that one bad draft ends alone."""
        try:
            return list(zip(rows, self._backend.step(rows), strict=True))
        except Exception as error:
            if len(rows) == 1:
                self._fail(rows[0], error)
                return []
            log.exception("a step of %d rows failed; stepping each alone", len(rows))
        return [answer for row in rows for answer in self._step_apart([row])]

    def _comfort(self) -> None:
        """Say to those who wait for a row or for their prompt's turn that the engine moves: it comes to them.

        Their leases would end otherwise, and five times so in a long line would be a failure without a fault.
        """
        now = time.monotonic()
        if not self._rows or now - self._comforted < COMFORT_SECONDS:
            return
        self._comforted = now
        with self._wake:
            waiting = self._line.rows()
        for row in [*waiting, *(row for row in self._rows if not row.ready)]:
            self._tell(row, row.listener.on_progress)

    def _emit(self, row: Row, ids: list[int]) -> None:
        settings = row.request.settings
        row.first_at = row.first_at or time.monotonic()
        shown = ""
        for token in ids:
            if token in self.codec.end_ids:
                row.finish_reason = "stop"
                break
            row.ids.append(token)
            self._counters.generated_tokens += 1
            shown += row.text.push(token)
            if row.text.stopped:
                row.finish_reason = "stop"
                break
            if len(row.ids) - row.prompt_length >= settings.max_new_tokens or len(row.ids) >= self.context_limit:
                row.finish_reason = "length"
                break
        if row.finish_reason is not None:
            self._tell(row, row.listener.on_progress)
            self._finish(row, row.finish_reason, shown)
            return
        if shown:
            self._delta(row, shown)
        self._tell(row, row.listener.on_progress)

    def _delta(self, row: Row, text: str) -> None:
        ids = row.ids[row.prompt_length + row.emitted : row.prompt_length + row.text.whole_tokens()]
        row.emitted += len(ids)
        self._tell(row, lambda: row.listener.on_delta(text, ids))

    def _finish(self, row: Row, reason: FinishReason, shown: str = "") -> None:
        shown += row.text.flush()
        if shown:
            self._delta(row, shown)
        ids = tuple(row.generated[: row.text.whole_tokens()])
        draft = FinishedDraft(row.text.text, ids, reason, row.usage(), row.timings(), row.log_likelihood)
        if reason == "cancelled":
            self._counters.cancelled += 1
        else:
            self._counters.finished += 1
        self._leave(row, keep=True)
        self._tell(row, lambda: row.listener.on_finish(draft))

    def _fail(self, row: Row, error: Exception) -> None:
        self._counters.failed += 1
        self._leave(row, keep=False)
        self._tell(row, lambda: row.listener.on_error(error))

    def _leave(self, row: Row, keep: bool) -> None:
        if row in self._rows:
            self._backend.release(row, keep)
        with self._wake:
            if row in self._rows:
                self._rows.remove(row)
            self._open.pop(row.request.key, None)

    def _tell(self, row: Row, call: Callable[[], None]) -> None:
        self._spoke = True
        try:
            call()
        except Exception:
            log.exception("a listener failed; its draft is cancelled")
            row.cancelled = True
