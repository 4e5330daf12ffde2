"""Searches, asked of a knowledge worker."""

from __future__ import annotations

from typing import Any

from services.common.bus import topology
from services.common.bus.search import TIMEOUT, SearchRequest
from services.common.errors import Unavailable
from services.common.ids import new_id
from services.gateway.asking import Asking


class Searching:
    """Has the knowledge base searched."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    async def search(
        self, tenant: str, query: str, limit: int, min_watermark: int, labels: list[str]
    ) -> dict[str, Any]:
        """What was found: ``passages``, ``facts`` (references with scores) and ``watermark``. Raises Unavailable."""
        request = SearchRequest(new_id("search"), tenant, self._asking.reply_to, query, limit, min_watermark, labels)
        found = await self._asking.ask(topology.SEARCH, request, TIMEOUT, "no knowledge worker has answered")
        if found.get("error"):
            raise Unavailable(f"the knowledge base has not reached watermark {min_watermark}")
        return found
