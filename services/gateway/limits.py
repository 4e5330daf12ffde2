"""How often a tenant may call one gateway: a token bucket each, in memory."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from services.common.errors import ResourceExhausted

TENANTS_KEPT = 10_000
BURST_SECONDS = 2.0


class CallRate:
    """``per_second`` calls of a tenant in the long run, twice as many at once; 0 sets no limit. On the loop alone."""

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = per_second
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, tenant: str) -> None:
        """Count a call. Raises ResourceExhausted (RATE_LIMITED) with the time until the next one is taken."""
        if not self._rate:
            return
        at, most = self._clock(), max(1.0, self._rate * BURST_SECONDS)
        left, before = self._buckets.get(tenant, (most, at))
        left = min(most, left + (at - before) * self._rate)
        if left < 1:
            self._keep(tenant, left, at)
            raise ResourceExhausted(
                f"the tenant calls more than {self._rate:g} times a second",
                retry_after=(1 - left) / self._rate,
                reason="RATE_LIMITED",
            )
        self._keep(tenant, left - 1, at)

    def _keep(self, tenant: str, left: float, at: float) -> None:
        self._buckets[tenant] = (left, at)
        self._buckets.move_to_end(tenant)
        if len(self._buckets) > TENANTS_KEPT:
            self._buckets.popitem(last=False)
