"""Drafts that servers write: one thread with an event loop holds all streams."""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

import httpx2

from services.generator.decoding.settings import DecodeSettings
from services.generator.engine.draft_engine import Ability, VersionParts
from services.generator.engine.errors import (
    DuplicateKey,
    EngineClosed,
    EngineError,
    EngineFull,
    EngineLacks,
    PromptTooLong,
    UnknownVersion,
)
from services.generator.engine.request import DraftListener, DraftRequest, FinishedDraft, FinishReason
from services.generator.engine.stats import Counters, EngineStats
from services.generator.engine.upstream.draft import UpstreamDraft
from services.generator.engine.upstream.piece_codec import PieceCodec
from services.generator.engine.upstream.pool import HEALTH_SECONDS, Patience, ServerPool
from services.generator.engine.upstream.probe import Server
from services.generator.engine.upstream.rows import Rows
from services.generator.engine.upstream.wire import StreamReader, UnreadableStream, chat_body

log = logging.getLogger(__name__)
T = TypeVar("T")
_HEALTHY = 4
"""Silences that a reply may have from a server which answers when it is asked how it is."""
_BACK_OFF = (0.1, 0.2, 0.4, 0.8, 1.0)


class _Busy(Exception):
    """The server has no room now."""


class _Lost(Exception):
    """The server is not there, or does not say what a server says."""


class UpstreamEngine:
    """An engine over servers that serve the same model; see `DraftEngine`.

    A session's drafts go to the same server as long as it answers, so that its prefix is found there. Before its first
    token a draft may go to another one; after it, a lost server loses the attempt.
    """

    def __init__(
        self,
        servers: Sequence[Server],
        *,
        key: str = "",
        capacity: int = 32,
        waiting_limit: int = 256,
        context: int = 0,
        patience: Patience | None = None,
        on_step_end: Callable[[], None] | None = None,
    ) -> None:
        """`context`: most tokens of prompt and reply; 0 takes the least that the servers say, else 4096."""
        self._codec = PieceCodec()
        self._capacity = capacity
        self._waiting_limit = waiting_limit
        told = [server.context for server in servers if server.context]
        self._context = context or min(told, default=4096)
        self._patience = patience or Patience()
        self._pool = ServerPool(servers, self._patience)
        self._on_step_end = on_step_end or (lambda: None)
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._lock = threading.Lock()
        self._open: dict[str, UpstreamDraft] = {}
        self._closing = False
        self._flushing = False
        self._counters = Counters()
        self._loop = asyncio.new_event_loop()
        self._drained = threading.Condition(self._lock)
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()
        self._started.wait()

    @property
    def codec(self) -> PieceCodec:
        """Pieces of text."""
        return self._codec

    @property
    def capacity(self) -> int:
        """Streams open at the same time."""
        return self._capacity

    @property
    def context_limit(self) -> int:
        """In pieces, which are near the server's tokens."""
        return self._context

    @property
    def proposes(self) -> bool:
        """A server tells no likelihoods that are worth it."""
        return False

    @property
    def abilities(self) -> frozenset[Ability]:
        """What every server was seen to do."""
        return self._pool.abilities

    @property
    def identity(self) -> Mapping[str, Any]:
        """The servers' release and what is withheld."""
        return self._pool.identity

    @property
    def ready(self) -> bool:
        """Whether a server answers."""
        return not self._closing and self._pool.ready

    def submit(self, request: DraftRequest, listener: DraftListener) -> None:
        """Take a draft in work. Raises EngineFull, EngineClosed, DuplicateKey, PromptTooLong, ValueError."""
        size = len(request.history) + len(request.tail)
        if size == 0:
            raise ValueError("the prompt is empty")
        if size >= self._context:
            raise PromptTooLong(f"the prompt has about {size} tokens, the context {self._context}")
        if request.branching is not None or request.soft:
            raise ValueError("a server elsewhere takes neither branches nor soft tokens")
        draft = UpstreamDraft(request, listener, self._codec)
        with self._lock:
            if not self.ready:
                raise EngineClosed("the engine is shutting down" if self._closing else "no upstream server answers")
            if request.key in self._open:
                raise DuplicateKey(f"draft {request.key} is open already")
            if len(self._open) >= self._capacity + self._waiting_limit:
                raise EngineFull(f"{self._waiting_limit} drafts are waiting already")
            self._open[request.key] = draft
            self._loop.call_soon_threadsafe(self._begin, draft)

    def cancel(self, key: str) -> bool:
        """Close the draft's stream; its listener hears `on_finish` with `cancelled`. False: it is not open."""
        with self._lock:
            draft = self._open.get(key)
            if draft is None:
                return False
            draft.cancelled = True
            self._loop.call_soon_threadsafe(self._stop, draft)
            return True

    def fork(
        self, key: str, other: str, listener: DraftListener, settings: DecodeSettings | None = None
    ) -> Future[bool]:
        """Never to be had."""
        answer: Future[bool] = Future()
        answer.set_result(False)
        return answer

    def remember(self, tenant: str, session: str, version: str, history: tuple[int, ...]) -> None:
        """Servers keep their prefix cache themselves."""

    def forget(self, tenant: str, session: str) -> Future[None]:
        """Nothing is remembered here; a server's cache is its own, see docs/engines.md."""
        answer: Future[None] = Future()
        answer.set_result(None)
        return answer

    def hold(self, parts: VersionParts) -> None:
        """Raises UnknownVersion: a server elsewhere serves its own model alone."""
        raise UnknownVersion("the upstream server serves its own model alone")

    def release(self, parts: VersionParts) -> bool:
        """Nothing is held."""
        return True

    def between_steps(self, call: Callable[[], T]) -> Future[T]:
        """Run `call` on the client thread. Raises EngineClosed."""
        answer: Future[T] = Future()

        def run() -> None:
            if answer.set_running_or_notify_cancel():
                try:
                    answer.set_result(call())
                except BaseException as error:
                    answer.set_exception(error)
            self._flush_soon()

        with self._lock:
            if self._closing:
                raise EngineClosed("the engine is shutting down")
            self._loop.call_soon_threadsafe(run)
        return answer

    def stats(self) -> EngineStats:
        """Totals and gauges."""
        with self._lock:
            count = len(self._open)
        rows = min(count, self._capacity)
        figures = {"servers": float(len(self._pool.servers)), "servers_lost": float(self._pool.lost)}
        return self._counters.snapshot(count - rows, rows, self._capacity, figures)

    def close(self, drain: bool = True, timeout: float | None = None) -> bool:
        """Take no more drafts; let the open ones end (`drain`) or cancel them."""
        with self._lock:
            self._closing = True
            drained = drain and self._drained.wait_for(lambda: not self._open, timeout)
            keys = list(self._open)
        for key in keys:
            self.cancel(key)
        with self._lock:
            self._drained.wait_for(lambda: not self._open, timeout)
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ending.set)
            self._thread.join()
        return drained

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self._ending = asyncio.Event()
        self._rows = Rows(self._capacity, self._patience.silence * _HEALTHY)
        # A connection for each draft: llama.cpp's server closes one after a stream without having said so, and a draft
        # that is sent into it looks like one whose server has died.
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
        timeout = httpx2.Timeout(None, connect=5.0)  # how long an answer may take is the patience's question
        async with httpx2.AsyncClient(headers=self._headers, limits=limits, timeout=timeout) as client:
            self._client = client
            watching = asyncio.create_task(self._pool.watch(client))
            self._started.set()
            await self._ending.wait()
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    def _begin(self, draft: UpstreamDraft) -> None:
        draft.task = self._loop.create_task(self._write(draft))
        draft.task.add_done_callback(lambda task: self._ended(draft, task))
        if draft.cancelled:
            draft.task.cancel()

    @staticmethod
    def _stop(draft: UpstreamDraft) -> None:
        if draft.task is not None:
            draft.task.cancel()

    def _ended(self, draft: UpstreamDraft, task: asyncio.Task[FinishReason]) -> None:
        with self._lock:
            self._open.pop(draft.request.key, None)
            self._drained.notify_all()
        error = None if task.cancelled() else task.exception()
        try:
            if isinstance(error, Exception):
                self._counters.failed += not draft.request.read
                draft.listener.on_error(error)
            else:
                self._finish(draft, draft.finished("cancelled" if task.cancelled() else task.result()))
        except Exception:
            log.exception("a listener failed")
        self._flush_soon()

    def _finish(self, draft: UpstreamDraft, finished: FinishedDraft) -> None:
        self._counters.cancelled += finished.finish_reason == "cancelled"
        self._counters.finished += finished.finish_reason != "cancelled"
        self._counters.prompt_tokens += finished.usage.prompt
        self._counters.reused_tokens += finished.usage.reused
        self._counters.generated_tokens += finished.usage.completion
        self._counters.queue_seconds += finished.timings.queue
        self._counters.prefill_seconds += finished.timings.prefill
        self._counters.decode_seconds += finished.timings.decode
        draft.listener.on_finish(finished)

    def _flush_soon(self) -> None:
        """Have the listeners' words sent when the loop has gone round, those of one round together."""
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        try:
            self._on_step_end()
        except Exception:
            log.exception("on_step_end failed")

    async def _write(self, draft: UpstreamDraft) -> FinishReason:
        """Have the draft written, by whichever server has room. Raises EngineError."""
        if draft.request.read:
            raise EngineLacks("likelihoods: a server tells them of what it writes alone")
        try:
            messages = self._codec.messages((*draft.request.history, *draft.request.tail))
        except ValueError as error:
            raise EngineLacks(f"partial_replies: {error}") from error
        deadline = time.monotonic() + self._patience.full
        async with self._rows.place(draft.listener):
            for tries in itertools.count():
                for server in self._pool.order(draft.request.session):
                    try:
                        return await self._stream(draft, server, messages)
                    except _Busy:
                        continue
                    except _Lost as loss:
                        self._pool.lose(server, str(loss))
                        if draft.begun:
                            raise EngineClosed(f"the upstream server was lost within a reply: {loss}") from loss
                if not self.ready:
                    raise EngineClosed("no upstream server answers")
                if time.monotonic() > deadline:
                    raise EngineFull("every upstream server refuses more work")
                draft.listener.on_progress()
                await asyncio.sleep(_BACK_OFF[min(tries, len(_BACK_OFF) - 1)])
        raise AssertionError  # the line above never ends

    async def _stream(self, draft: UpstreamDraft, server: Server, messages: list[dict[str, str]]) -> FinishReason:
        """Have one server write the draft. Raises _Busy, _Lost, EngineError."""
        settings = draft.request.settings
        body = chat_body(server.model, messages, settings, server.dialect, server.abilities, server.means)
        request = self._client.build_request("POST", f"{server.url}/v1/chat/completions", json=body)
        draft.sent()
        try:
            response = await self._patiently(self._client.send(request, stream=True), draft, server)
            try:
                await self._judge(response)
                return await self._read(draft, server, response)
            finally:
                await response.aclose()
        except (httpx2.HTTPError, httpx2.StreamError, UnreadableStream) as error:
            raise _Lost(f"{type(error).__name__} at {server.url}") from error

    async def _judge(self, response: httpx2.Response) -> None:
        """Raises _Busy, _Lost, EngineError for anything but a stream."""
        status = response.status_code
        if status in (429, 503):
            raise _Busy
        if status >= 500:
            raise _Lost(f"status {status}")
        if status != 200:
            words = (await asyncio.wait_for(response.aread(), self._patience.silence))[:4096].decode("utf-8", "replace")
            if "context" in words or "too long" in words:
                raise PromptTooLong("the upstream server says that the prompt does not fit its context")
            raise EngineError(f"the upstream server refuses the request with status {status}")

    async def _read(self, draft: UpstreamDraft, server: Server, response: httpx2.Response) -> FinishReason:
        """Read a stream to its end. Raises _Lost, UnreadableStream."""
        reader = StreamReader()
        lines = response.aiter_lines()
        while True:
            try:
                line = await self._patiently(anext(lines, None), draft, server)
            except (_Lost, httpx2.HTTPError, httpx2.StreamError):
                if reader.complete:  # nothing but counts is missing
                    break
                raise
            if line is None:
                break
            chunk = reader.read(line)
            if chunk is not None:
                self._rows.moved()
                ended = draft.take(chunk)
                self._flush_soon()
                if ended:
                    break
        if draft.reason is None and not reader.complete:
            raise _Lost(f"{server.url} cut its reply off")
        return draft.reason or "stop"

    async def _patiently(self, answer: Awaitable[T], draft: UpstreamDraft, server: Server) -> T:
        """What the server says next. A server that is healthy may take longer: to the first token as long as a long
        prompt takes, within a reply as long as the prompts of others do. Raises _Lost."""
        silence = self._patience.silence
        longest = silence * _HEALTHY if draft.begun else self._patience.first
        what = "fell silent within a reply" if draft.begun else "does not begin a reply"
        waiting = asyncio.ensure_future(answer)
        heard = time.monotonic()
        try:
            while max(time.monotonic() - heard - silence, time.monotonic() - draft.heard - longest) < 0:
                done, _ = await asyncio.wait({waiting}, timeout=min(HEALTH_SECONDS, silence / 2))
                if done:
                    return waiting.result()
                if await self._pool.healthy(self._client, server):
                    heard = time.monotonic()
                    self._rows.moved()
                    draft.listener.on_progress()
            raise _Lost(f"{server.url} {what}")
        finally:
            if not waiting.done():
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)
