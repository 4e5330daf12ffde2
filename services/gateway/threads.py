"""The bounded pool in which the gateway calls the store and the broker, which block."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, ParamSpec, TypeVar

import structlog

log = structlog.get_logger(__name__)
P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")


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
    """Runs blocking calls; at most ``count`` at a time, the others wait in line."""

    def __init__(self, count: int) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="store")

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of a blocking call. A caller that goes away does not stop it."""
        context = contextvars.copy_context()  # the trace, and the names bound to the log
        return await asyncio.get_running_loop().run_in_executor(
            self._pool, lambda: context.run(lambda: call(*args, **kwargs))
        )

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

        self._pool.submit(contextvars.copy_context().run, guarded)
        return await future

    def submit(self, call: Callable[[], object]) -> None:
        """Run something nobody waits for; its errors are logged."""

        def logged() -> None:
            try:
                call()
            except Exception as error:
                log.warning("background_call_failed", error=repr(error))

        self._pool.submit(logged)

    def close(self) -> None:
        self._pool.shutdown(wait=True)
