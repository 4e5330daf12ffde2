"""The servers that a draft may go to: which answer, which were lost, and which is a session's own."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2

from services.generator.engine.draft_engine import ALL_ABILITIES, Ability
from services.generator.engine.upstream.probe import Server

log = logging.getLogger(__name__)
HEALTH_SECONDS = 1.0
"""Seconds between two looks at a server that says nothing."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: `silence` until a server that says nothing is given up, `first` until the first token of a server that
    is healthy, `full` until a draft is given up that every server refuses for want of room."""

    silence: float = 8.0
    first: float = 120.0
    full: float = 30.0


class ServerPool:
    """Servers of one model. Its coroutines run on the client thread; its properties may be read by others."""

    def __init__(self, servers: Sequence[Server], patience: Patience) -> None:
        self.servers = list(servers)
        self._patience = patience
        self._lost: set[str] = set()

    @property
    def abilities(self) -> frozenset[Ability]:
        """What every server was seen to do."""
        return frozenset(ALL_ABILITIES.intersection(*(server.abilities for server in self.servers)))

    @property
    def identity(self) -> Mapping[str, Any]:
        """The servers' releases, what is withheld, and by which means constraints are enforced."""
        means = frozenset.intersection(*(server.means for server in self.servers))
        return {
            "server": ", ".join(sorted({server.release or "unknown" for server in self.servers})),
            "withheld": sorted(ALL_ABILITIES - self.abilities),
            "enforced_by": sorted(means),
        }

    @property
    def lost(self) -> int:
        """Servers that do not answer."""
        return len(self._lost)

    @property
    def ready(self) -> bool:
        """Whether a server answers."""
        return self.lost < len(self.servers)

    def order(self, session: str) -> list[Server]:
        """Servers that answer, the session's own first (rendezvous hashing, Thaler and Ravishankar 1998)."""
        live = [server for server in self.servers if server.url not in self._lost]
        return sorted(live, key=lambda server: hashlib.sha256(f"{session}\0{server.url}".encode()).digest())

    def lose(self, server: Server, why: str) -> None:
        """Pass the server over until it answers again."""
        if server.url not in self._lost:
            self._lost.add(server.url)
            log.warning("upstream server lost: %s", why)

    async def watch(self, client: httpx2.AsyncClient) -> None:
        """Take lost servers in again when they answer; ends by being cancelled."""
        while True:
            await asyncio.sleep(HEALTH_SECONDS / 2)
            for server in self.servers:
                if server.url in self._lost and await self.healthy(client, server):
                    self._lost.discard(server.url)
                    log.warning("upstream server is back: %s", server.url)

    async def healthy(self, client: httpx2.AsyncClient, server: Server) -> bool:
        """Whether the server answers and serves: by /health where there is one, else by the list of its models."""
        for path in ("/health", "/v1/models"):
            with contextlib.suppress(httpx2.HTTPError):
                response = await client.get(f"{server.url}{path}", timeout=min(2.0, self._patience.silence / 2))
                if response.status_code != 404:
                    return response.status_code < 400 or response.status_code == 429
                continue
            return False
        return False
