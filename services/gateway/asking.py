"""Questions on their way to a worker and their answers back over the reply queue."""

from __future__ import annotations

import asyncio
from typing import Any

from services.common.bus import Bus
from services.common.bus.asking import Question
from services.common.errors import Unavailable
from services.gateway.threads import Threads


class Asking:
    """Asks and waits; only the event loop touches what is waited for."""

    def __init__(self, bus: Bus, threads: Threads, reply_to: str) -> None:
        """`threads` are those that talk to the broker."""
        self.reply_to = reply_to
        self._bus = bus
        self._threads = threads
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}

    async def ask(self, queue: str, question: Question, seconds: float, silence: str) -> dict[str, Any]:
        """The answer's event. Raises Unavailable, with `silence` as its message where no answer comes in time."""
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[question.id] = future
        try:
            await self._threads.run(self._bus.publish_raw, queue, question.encode())
            return await asyncio.wait_for(future, seconds)
        except TimeoutError:
            raise Unavailable(silence) from None
        finally:
            self._waiting.pop(question.id, None)

    def arrived(self, event: dict[str, Any]) -> None:
        """Hand an answer to whoever waits for it."""
        future = self._waiting.get(event["turn"])
        if future is not None and not future.done():
            future.set_result(event)
