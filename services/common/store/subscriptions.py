"""Whether a tenant has webhooks, asked by the writes whose events they may be told of."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a connection has one of these
    from services.common.store.connection import Connection

KNOWN_SECONDS = 2.0


class Subscriptions:
    """The tenants with a webhook that is on, as they were at most two seconds ago."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: frozenset[str] = frozenset()
        self._until = float("-inf")

    def subscribed(self, tenant: str) -> bool:
        """Whether anybody hears of the tenant's events."""
        if time.monotonic() > self._until:
            hooks = self._connection.every_tenant("webhooks")
            self._known = frozenset(hooks.distinct("tenant", {"disabled": False}))
            self._until = time.monotonic() + KNOWN_SECONDS
        return tenant in self._known

    def mark(self, tenant: str, value: object) -> dict[str, Any]:
        """The field that marks a document for the outbox, where anybody hears of it."""
        return {"outbox": value} if self.subscribed(tenant) else {}

    def forget(self) -> None:
        """Look again at the next event: this process has changed a webhook."""
        self._until = float("-inf")
