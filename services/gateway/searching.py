"""Searches on their way to a knowledge worker and back over the reply queue."""

from __future__ import annotations

import asyncio
from typing import Any

from services.common.bus import Bus, topology
from services.common.bus.search import TIMEOUT, SearchRequest
from services.common.errors import Unavailable
from services.common.ids import new_id
from services.gateway.threads import Threads


class Searching:
    """Asks and waits; only the event loop touches what is waited for."""

    def __init__(self, bus: Bus, threads: Threads, reply_to: str) -> None:
        self._bus = bus
        self._threads = threads
        self._reply_to = reply_to
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}

    async def search(
        self, tenant: str, query: str, limit: int, min_watermark: int, labels: list[str]
    ) -> dict[str, Any]:
        """What was found: ``passages``, ``facts`` (references with scores) and ``watermark``. Raises Unavailable."""
        request = SearchRequest(new_id("search"), tenant, self._reply_to, query, limit, min_watermark, labels)
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[request.id] = future
        try:
            await self._threads.run(self._bus.publish_raw, topology.SEARCH, request.encode())
            found = await asyncio.wait_for(future, TIMEOUT)
        except TimeoutError:
            raise Unavailable("no knowledge worker has answered") from None
        finally:
            self._waiting.pop(request.id, None)
        if found.get("error"):
            raise Unavailable(f"the knowledge base has not reached watermark {min_watermark}")
        return found

    def arrived(self, event: dict[str, Any]) -> None:
        """Hand an answer to whoever waits for it."""
        future = self._waiting.get(event["turn"])
        if future is not None and not future.done():
            future.set_result(event)
