"""The bounded pools in which the gateway calls the store and the broker, which block.

Each kind of call has threads of its own, so that none waits for another kind: accepting turns, cancelling them, talking
to the broker, and everything else.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, ParamSpec, TypeVar

import structlog

log = structlog.get_logger(__name__)
P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")
CANCELS, PUBLISHING = 4, 4
MOST_UNOBSERVED = 10_000

# Whose call the current one is; "" before that is known.
tenant_of_call: contextvars.ContextVar[str] = contextvars.ContextVar("tenant_of_call", default="")


class Answer(Generic[T, R]):
    """Lets work in a thread answer its caller before the work is done; the rest follows unobserved.

    ``arrive`` turns the given value into the caller's on the event loop, at once and in order with everything
    else that threads send there: what the work causes afterwards comes after it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, future: asyncio.Future[R], arrive: Callable[[T], R]) -> None:
        self._loop = loop
        self._future = future
        self._arrive = arrive

    def give(self, value: T) -> None:
        self._loop.call_soon_threadsafe(self._settle, value)

    def refuse(self, error: BaseException) -> None:
        self._loop.call_soon_threadsafe(self._fail, error)

    def _settle(self, value: T) -> None:
        if not self._future.done():  # else the caller has gone
            try:
                self._future.set_result(self._arrive(value))
            except Exception as error:
                self._future.set_exception(error)

    def _fail(self, error: BaseException) -> None:
        if not self._future.done():
            self._future.set_exception(error)
        elif not self._future.cancelled():
            log.error("work_after_answer_failed", error=repr(error))


class Threads:
    """Runs blocking calls; at most ``count`` at a time, the others wait in line, each tenant in its own.

    Whoever's line comes next in the round is served next. No tenant (and not all strangers together) ever has more than
    three quarters of the threads, so that one whose calls take long leaves some for the others.
    """

    def __init__(self, count: int, name: str = "store", unobserved: Threads | None = None) -> None:
        """`unobserved` are the threads for what nobody waits for; None: these."""
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)
        self._unobserved = unobserved or self
        self._count = count
        self._share = max(1, count * 3 // 4)
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._lines: OrderedDict[str, deque[tuple[float, Callable[[], object]]]] = OrderedDict()
        self._running: Counter[str] = Counter()

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of a blocking call. A caller that goes away stops only what looks up (``common.patience``)."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        context = contextvars.copy_context()  # the trace, and the names bound to the log

        def work() -> None:
            try:
                result = context.run(lambda: call(*args, **kwargs))
            except BaseException as error:
                loop.call_soon_threadsafe(_fail, future, error)
            else:
                loop.call_soon_threadsafe(_settle, future, result)

        self.start(work)
        return await future

    async def run_until_answered(self, work: Callable[[Answer[T, R]], None], arrive: Callable[[T], R]) -> R:
        """What ``work`` gives as its answer, turned by ``arrive`` on the loop; errors after that are logged."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        answer = Answer(loop, future, arrive)

        def guarded() -> None:
            try:
                work(answer)
            except BaseException as error:
                answer.refuse(error)

        context = contextvars.copy_context()
        self.start(lambda: context.run(guarded))
        return await future

    def waited(self, tenant: str) -> float:
        """How long the first call of a tenant's line has waited, in seconds; 0 where none waits."""
        with self._lock:
            line = self._lines.get(tenant)
            return time.monotonic() - line[0][0] if line else 0.0

    def submit(self, call: Callable[[], object]) -> None:
        """Run something nobody waits for; its errors are logged. Where very much of it waits, it is left undone."""
        context = contextvars.copy_context()

        def logged() -> None:
            try:
                context.run(call)
            except Exception as error:
                log.warning("background_call_failed", error=repr(error))

        if not self._unobserved.start(logged, MOST_UNOBSERVED):
            log.warning("background_call_left_out", waiting=MOST_UNOBSERVED)

    def close(self) -> None:
        """Wait for what runs and what waits in line."""
        with self._lock:
            while self._running:
                self._changed.wait()
        self._pool.shutdown(wait=True)

    def start(self, work: Callable[[], object], most: int = 0) -> bool:
        """Put a tenant's work into its line, and start what may run; False where the line holds ``most`` already."""
        tenant = tenant_of_call.get()
        with self._lock:
            line = self._lines.setdefault(tenant, deque())
            if most and len(line) >= most:
                return False
            line.append((time.monotonic(), work))
            self._serve()
        return True

    def _serve(self) -> None:
        """Start what may run, a line at a time; under the lock."""
        while self._running.total() < self._count:
            tenant = next((one for one in self._lines if self._running[one] < self._share), None)
            if tenant is None:
                return
            line = self._lines[tenant]
            _, work = line.popleft()
            self._lines.move_to_end(tenant)
            if not line:
                del self._lines[tenant]
            self._running[tenant] += 1
            self._pool.submit(self._work, tenant, work)

    def _work(self, tenant: str, work: Callable[[], object]) -> None:
        try:
            work()
        finally:
            with self._lock:
                self._running[tenant] -= 1
                if not self._running[tenant]:
                    del self._running[tenant]
                self._serve()
                self._changed.notify_all()


@dataclass(frozen=True)
class Pools:
    """The gateway's threads by what they do. What nobody waits for, which is talking to the broker, is ``publishing``'s
    whoever submits it: a broker that hangs holds up nothing else."""

    general: Threads
    turns: Threads
    cancels: Threads
    publishing: Threads

    @classmethod
    def of(cls, threads: int) -> Pools:
        """`threads` for accepting turns, and as many for what has no pool of its own."""
        publishing = Threads(PUBLISHING, "publishing")
        return cls(
            general=Threads(threads, "general", publishing),
            turns=Threads(threads, "turns", publishing),
            cancels=Threads(CANCELS, "cancels", publishing),
            publishing=publishing,
        )

    @staticmethod
    def connections(threads: int) -> int:
        """Connections to the database that all of them together may use."""
        return 2 * threads + CANCELS

    def close(self) -> None:
        """Let each finish what it has; publishing last, since the others give it work."""
        for pool in (self.turns, self.cancels, self.general, self.publishing):
            pool.close()


def _settle(future: asyncio.Future[T], result: T) -> None:
    if not future.done():  # else the caller has gone
        future.set_result(result)


def _fail(future: asyncio.Future[T], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
