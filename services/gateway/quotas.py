"""Quotas: what an operator allows a tenant, checked before anything is stored.

All counting is the database's, so that gateways count together. Callers that meet at a limit in the same moment may
pass it by as many as they are, except for turns a minute, which are exact. A repeated request costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.common.clock import now
from services.common.errors import ResourceExhausted
from services.common.facts import fact_id
from services.common.store import Request, Store
from services.common.store.knowledge import document_id

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0


class Quotas:
    """Every check raises ResourceExhausted (QUOTA_EXCEEDED) with the time to wait; a quota of 0 limits nothing.

    All block; for the pool.
    """

    def __init__(self, store: Store, retry_after: float) -> None:
        self._store = store
        self._retry_after = retry_after

    def of(self, tenant: str) -> Mapping[str, Any]:
        """The tenant's quotas as stored."""
        return self._store.tenants.quotas(tenant)

    def turn(self, tenant: str, request: Request, quotas: Mapping[str, Any]) -> None:
        """A message, a revision or another try: turns_per_minute."""
        limit = int(quotas.get("turns_per_minute") or 0)
        if not limit:
            return
        wait = self._store.usage.spend(tenant, "turns", limit, MINUTE)
        if wait and not self._store.usage.knows(tenant, "turns", request):
            raise _exceeded(f"{limit} turns a minute", wait)

    def session(self, tenant: str, request: Request) -> None:
        """Another open session: sessions."""
        limit = int(self.of(tenant).get("sessions") or 0)
        if (
            limit
            and self._store.usage.open_sessions(tenant, limit) >= limit
            and not self._store.usage.knows(tenant, "sessions", request)
        ):
            raise _exceeded(f"{limit} open sessions", MINUTE)

    def feedback(self, tenant: str, new: int, request: Request | None = None) -> None:
        """``new`` more records: pending_feedback. More than the whole quota at once passes when nothing waits."""
        limit = int(self.of(tenant).get("pending_feedback") or 0)
        if not limit:
            return
        waiting = self._store.usage.pending_feedback(tenant, limit)
        if waiting and waiting + new > limit:
            if request is not None and self._store.usage.knows(tenant, "feedback", request):
                return
            raise _exceeded(f"{limit} feedback items that wait to be processed", self._retry_after)

    def document(self, tenant: str, name: str, size: int) -> None:
        """A document of ``size`` bytes, in the place of the one with its name: document_bytes."""
        limit = int(self.of(tenant).get("document_bytes") or 0)
        if limit and self._store.usage.document_bytes(tenant, document_id(name)) + size > limit:
            raise _exceeded(f"{limit} bytes of documents", HOUR)

    def fact(self, tenant: str, entity: str, slot: str) -> None:
        """A statement about an entity's slot: facts. A fact that is there already may change."""
        limit = int(self.of(tenant).get("facts") or 0)
        if limit and self._store.usage.facts(tenant, fact_id(entity, slot)) + 1 > limit:
            raise _exceeded(f"{limit} facts", HOUR)

    def training(self, tenant: str, request: Request) -> None:
        """Another training: trainings_per_day."""
        limit = int(self.of(tenant).get("trainings_per_day") or 0)
        if not limit:
            return
        started = self._store.usage.trainings(tenant, DAY)
        if len(started) >= limit and not self._store.usage.knows(tenant, "training_runs", request):
            raise _exceeded(f"{limit} trainings a day", started[-limit].timestamp() + DAY - now().timestamp())


def _exceeded(allowed: str, wait: float) -> ResourceExhausted:
    return ResourceExhausted(f"the tenant's quota is {allowed}", retry_after=max(0.1, wait), reason="QUOTA_EXCEEDED")
