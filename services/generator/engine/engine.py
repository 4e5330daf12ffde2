"""The engine: one thread that owns the backend and decodes all open drafts together."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from services.generator.decoding.settings import DecodeSettings
from services.generator.engine.detokenizer import Detokenizer
from services.generator.engine.draft_engine import ALL_ABILITIES, Ability, VersionParts
from services.generator.engine.errors import DuplicateKey, EngineClosed, PromptTooLong
from services.generator.engine.idle_prefill import IdlePrefill
from services.generator.engine.prefill_budget import PrefillBudget
from services.generator.engine.request import DraftListener, DraftRequest
from services.generator.engine.scheduler import Scheduler
from services.generator.engine.sequence import Sequence
from services.generator.engine.stats import EngineStats

if TYPE_CHECKING:
    from services.generator.engine.backend import Backend, Codec

log = logging.getLogger(__name__)
T = TypeVar("T")
_CALL_SECONDS = 120.0


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
        self._wake = threading.Condition()
        self._budget = PrefillBudget(prefill_ms / 1000)
        self._scheduler = Scheduler(backend, self._wake, waiting_limit, self._budget)
        self._idle_prefill = IdlePrefill(self._wake, backend.capacity)
        self._on_step_end = on_step_end or (lambda: None)
        self._calls: list[Callable[[], None]] = []
        self._figures: dict[str, float] = backend.figures()
        self._closing = False
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

    @property
    def proposes(self) -> bool:
        """Whether drafts may branch here: there are likelihoods to propose tokens by."""
        return self._backend.proposes

    @property
    def abilities(self) -> frozenset[Ability]:
        """Everything; a backend of words alone stands for one that computes."""
        return ALL_ABILITIES

    @property
    def identity(self) -> Mapping[str, Any]:
        """Nothing beside what was loaded."""
        return {}

    @property
    def ready(self) -> bool:
        """Until it closes."""
        return not self._closing

    def submit(self, request: DraftRequest, listener: DraftListener) -> None:
        """Take a draft in work as soon as a row is free.

        Raises:
            EngineFull: too many drafts wait already.
            EngineClosed: the engine is shutting down.
            DuplicateKey: a draft with this key is open.
            PromptTooLong: the prompt leaves no room for one token of reply.
            ValueError: the prompt is empty, more rows are asked for than there are, or the backend proposes nothing.
        """
        size = len(request.history) + len(request.tail)
        if size == 0:
            raise ValueError("the prompt is empty")
        if size >= self.context_limit:
            raise PromptTooLong(f"the prompt has {size} tokens, the context {self.context_limit}")
        width = request.branching.width if request.branching is not None else 1
        if width > self.capacity:
            raise ValueError(f"a draft of {width} branches needs more than the {self.capacity} rows there are")
        if request.branching is not None and not self.proposes:
            raise ValueError("this backend proposes nothing: its drafts do not branch")
        sequence = Sequence(request, listener, Detokenizer(self.codec, request.settings.stop))
        with self._wake:
            if self._closing:
                raise EngineClosed("the engine is shutting down")
            if request.key in self._scheduler.open:
                raise DuplicateKey(f"draft {request.key} is open already")
            self._scheduler.queue.put(sequence)
            self._scheduler.open[request.key] = sequence
            self._wake.notify()

    def cancel(self, key: str) -> bool:
        """End the draft within one step; its listener hears `on_finish` with `cancelled`.

        False: no such draft is open.
        """
        with self._wake:
            sequence = self._scheduler.open.get(key)
            if sequence is None:
                return False
            sequence.cancelled = True
            self._wake.notify()
            return True

    def remember(self, tenant: str, session: str, version: str, history: tuple[int, ...]) -> None:
        """Compute an accepted history when nothing else is to do, so that the next turn finds it.

        A hint: it is dropped when the engine is busy for long, and it never answers.
        """
        if not 0 < len(history) < self.context_limit:
            return
        with self._wake:
            self._idle_prefill.add(tenant, session, version, history)
            self._wake.notify()

    def forget(self, tenant: str, session: str) -> Future[None]:
        """Erase what is remembered of the session."""
        with self._wake:
            self._idle_prefill.drop(tenant, session)
        return self.apply(lambda backend: backend.forget(tenant, session))

    def fork(
        self, key: str, other: str, listener: DraftListener, settings: DecodeSettings | None = None
    ) -> Future[bool]:
        """Open another draft, `other`, that goes on from where the open draft `key` is: with its prompt, its reply so
        far (the first delta) and a copy of its memory, under settings of its own.

        Answers False where no draft `key` is in work or no sequence is free; raises DuplicateKey where `other` is open.

        Raises:
            EngineClosed: the engine is shutting down.
        """
        return self.apply(lambda backend: self._scheduler.fork(key, other, listener, settings))

    def between_steps(self, call: Callable[[], T]) -> Future[T]:
        """Run `call` on the engine thread between two steps. Raises EngineClosed."""
        return self.apply(lambda _backend: call())

    def hold(self, parts: VersionParts) -> None:
        """Load a version's layers and head between two steps; what takes long is computed on the caller's thread.

        Raises:
            ValueError: the adapter does not fit the model.
        """
        prepared = self._backend.prepare_version(parts.adapter) if parts.name and parts.adapter is not None else None

        def load(backend: Backend) -> None:
            if parts.name:
                backend.load_version(parts.name, prepared)
            if parts.head_name and parts.head is not None:
                backend.load_head(parts.head_name, parts.head)

        self.apply(load).result(_CALL_SECONDS)

    def release(self, parts: VersionParts) -> bool:
        """Let layers and head go; a head left behind goes with nothing. False: an open sequence uses them."""

        def unload(backend: Backend) -> bool:
            if parts.name and not backend.unload_version(parts.name):
                return False
            return parts.head_name is None or backend.unload_head(parts.head_name) or parts.name is not None

        return self.apply(unload).result(_CALL_SECONDS)

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
            waiting, running = len(self._scheduler.queue), len(self._scheduler.running)
        return self._scheduler.counters.snapshot(waiting, running, self.capacity, self._figures)

    def _cancel_all(self) -> None:
        for sequence in self._scheduler.open.values():
            sequence.cancelled = True

    # -- the engine thread ------------------------------------------------------------------------------

    def _run(self) -> None:
        while self._wait():
            self._scheduler.advance()
            self._figures = self._backend.figures()
            if self._scheduler.output.spoke:
                try:
                    self._on_step_end()
                except Exception:
                    log.exception("on_step_end failed")
        self._backend.close()

    def _wait(self) -> bool:
        """Sleep until there is something to do; False: closed and all done."""
        while True:
            with self._wake:
                while not (self._busy() or self._closing or self._idle_prefill):
                    self._wake.wait()
                calls, self._calls = self._calls, []
                if not calls and self._closing and not self._busy():
                    return False
            for call in calls:
                call()
            if self._scheduler.running or len(self._scheduler.queue):
                return True
            self._idle_prefill.compute_one(self._backend, self._budget, self._interrupted, self._closing)

    def _interrupted(self) -> bool:
        return self._busy() or self._closing

    def _busy(self) -> bool:
        return bool(self._scheduler.running or self._calls or len(self._scheduler.queue))
