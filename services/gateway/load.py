"""How busy the whole is: looked up at most once a second, shared by all calls."""

from __future__ import annotations

import threading
import time

from services.common.errors import ResourceExhausted
from services.common.store import Store

FRESH_SECONDS = 1.0
TENANTS_KEPT = 10_000


class Load:
    """The number of open turns of all tenants, and whether a generator is up."""

    def __init__(self, store: Store, open_turns: int, retry_after: float) -> None:
        self._store = store
        self._limit = open_turns
        self._retry_after = retry_after
        self._lock = threading.Lock()
        self._looked_at = float("-inf")
        self._open = 0
        self._tenants: dict[str, tuple[float, int]] = {}
        self.generator_up = False

    def check(self) -> None:
        """Raises ResourceExhausted where too many turns are open in all. Blocks; for the pool."""
        self.refresh()
        if self._open >= self._limit:
            raise ResourceExhausted(
                f"{self._limit} turns are open in all", retry_after=self._retry_after, reason="OVERLOADED"
            )

    def refresh(self) -> None:
        """Look again if the last look is old. Blocks; for the pool."""
        if time.monotonic() - self._looked_at < FRESH_SECONDS or not self._lock.acquire(blocking=False):
            return  # fresh, or another thread looks right now
        try:
            self._open = self._store.turns.open_in_all(self._limit)
            self.generator_up = bool(self._store.serving.alive())
            self._looked_at = time.monotonic()
        finally:
            self._lock.release()

    def far_from(self, tenant: str, limit: int) -> bool:
        """Whether the tenant's open turns, counted within the last second and those accepted here since, stay
        below half of ``limit``: then they need not be counted again. Blocks; for the pool."""
        with self._lock:
            known = self._fresh(tenant)
        seen = 0 if known else self._store.turns.open_in_tenant(tenant, limit)
        with self._lock:  # who counted meanwhile has let turns in that were not seen
            looked_at, count = self._fresh(tenant) or known or (time.monotonic(), 0)
            count = max(count, seen)
            if len(self._tenants) >= TENANTS_KEPT:
                self._tenants.clear()
            self._tenants[tenant] = (looked_at, count + 1)
        return 2 * count < limit

    def _fresh(self, tenant: str) -> tuple[float, int] | None:
        """When the tenant's turns were counted and how many it has since, unless that is too long ago."""
        known = self._tenants.get(tenant)
        return known if known and time.monotonic() - known[0] <= FRESH_SECONDS else None
