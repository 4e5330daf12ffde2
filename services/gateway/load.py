"""Who is let in: decided in memory on the event loop, from figures of all gateways that are a moment old.

A refusal costs no thread and no call of the database. What is known of the whole (open turns by tenant, how long turns
wait for a generator) is looked up once in a while by a thread of its own; what this gateway let in and saw end since is
added to it.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable

import structlog

from services.common.errors import ResourceExhausted
from services.common.store import DATABASE_AWAY, Request, Store
from services.common.store.turn_reads import OpenTurns
from services.gateway.settings import GatewaySettings
from services.gateway.threads import Threads

log = structlog.get_logger(__name__)
LOOK_SECONDS, LOOK_SECONDS_IDLE = 0.25, 1.0
LOOK_SHARE = 20  # a look that takes long is made less often: at most a twentieth of the time goes into it
QUEUE_SECONDS = 0.25  # how long a tenant's turns may wait to be accepted before no more are taken of it
QUOTA_SECONDS = 1.0  # how long a tenant's quota is trusted before a turn that it refuses asks the database
REQUESTS_KEPT = TENANTS_KEPT = 10_000
SHRINKS, GROWS = 0.85, 1.2


class Admitted:
    """A turn that was let in and is being accepted; ``near``: its tenant is not far from its limit, which the database
    has to count."""

    def __init__(self, load: Load, tenant: str, request: Request, near: bool) -> None:
        self._load, self._tenant, self._request = load, tenant, request
        self.near = near

    def answered(self, *, created: bool) -> None:
        """The turn is stored, or was there already, or was refused after all."""
        self._load.answered(self._tenant, self._request, created=created)


class Load:
    """The limits of open turns. Only the event loop calls it, except for ``look`` and ``allow``."""

    def __init__(self, settings: GatewaySettings, store: Store, turns: Threads) -> None:
        """`turns` are the threads that accept turns."""
        self._settings = settings
        self._store = store
        self._turns = turns
        self._limit = float(settings.open_turns)  # found by trying: see `_adapt`
        self._open: Counter[str] = Counter()
        self._since: Counter[str] = Counter()  # let in here since the last look, less those that ended
        self._during: Counter[str] = Counter()  # the same since the look began that is being made now
        self._allowed: dict[
            str, tuple[int, float]
        ] = {}  # open turns that a tenant may have, and since when that is known
        self._requests: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)
        self._stopping = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._busy = False
        self.generator_up = False

    # -- deciding -------------------------------------------------------------------------------

    def admit(self, tenant: str, request: Request) -> Admitted:
        """Let a turn in. Raises ResourceExhausted: LIMIT_REACHED (the tenant's open turns), OVERLOADED.

        A request that was accepted here before is let in always, for it makes no turn.
        """
        self._busy = True
        mine = self.open_of(tenant)
        allowed, since = self._allowed.get(tenant, (self._settings.open_turns_per_tenant, 0.0))
        if (tenant, request.key) not in self._requests:
            if mine >= allowed:
                if time.monotonic() - since < QUOTA_SECONDS:
                    raise self._refused(f"the tenant has {allowed} open turns", "")
                self._allowed[tenant] = (
                    allowed,
                    time.monotonic(),
                )  # this one hears from the database what is allowed now
            self._check_all(tenant, mine)
        self._count(tenant, 1)
        return Admitted(self, tenant, request, near=2 * mine >= allowed)

    def _check_all(self, tenant: str, mine: int) -> None:
        total = sum(self._open.values()) + sum(self._since.values())
        if total >= self._settings.open_turns:
            raise self._refused(f"{self._settings.open_turns} turns are open in all", "OVERLOADED")
        tenants = len(self._open.keys() | self._since.keys() | {tenant})
        if total >= self._limit and mine >= self._limit / tenants:
            raise self._refused("turns wait for a generator", "OVERLOADED")
        if self._turns.waited(tenant) > QUEUE_SECONDS:
            raise self._refused("more turns come than can be accepted", "OVERLOADED")

    def _refused(self, why: str, reason: str) -> ResourceExhausted:
        return ResourceExhausted(why, retry_after=self._settings.retry_after_seconds, reason=reason)

    def open_of(self, tenant: str) -> int:
        """Open turns of a tenant, as far as is known."""
        return max(0, self._open[tenant] + self._since[tenant])

    # -- hearing --------------------------------------------------------------------------------

    def answered(self, tenant: str, request: Request, *, created: bool) -> None:
        if not created:
            self._count(tenant, -1)
            return
        self._requests[tenant, request.key] = None
        if len(self._requests) > REQUESTS_KEPT:
            self._requests.popitem(last=False)

    def ended(self, tenant: str) -> None:
        """A turn that was accepted here has ended."""
        self._count(tenant, -1)

    def _count(self, tenant: str, change: int) -> None:
        for counts in (self._since, self._during):
            counts[tenant] += change
            if not counts[tenant]:
                del counts[tenant]

    def allow(self, tenant: str, turns: int) -> bool:
        """So many open turns are the tenant's; tells whether that was known. Any thread may say it."""
        before, _ = self._allowed.get(tenant, (self._settings.open_turns_per_tenant, 0.0))
        if len(self._allowed) >= TENANTS_KEPT:
            self._allowed.clear()
        self._allowed[tenant] = turns, time.monotonic()
        return before == turns

    # -- looking --------------------------------------------------------------------------------

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look for the first time, and from then on in a thread."""
        self._loop = loop
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(10)

    def _run(self) -> None:
        took = 0.0
        while True:
            began = time.monotonic()
            try:
                self._tell(self.begin_look)
                open_turns, up = self._store.turns.open_now(), bool(self._store.serving.alive())
                self._tell(lambda open_turns=open_turns, up=up: self.take(open_turns, up))  # type: ignore[misc]
            except DATABASE_AWAY as error:
                log.info("load_unknown", error=repr(error))
            except Exception:
                if self._loop is None or self._loop.is_closed():
                    return
                log.exception("load_unknown")
            took = time.monotonic() - began
            pause = LOOK_SECONDS if self._busy else LOOK_SECONDS_IDLE
            self._busy = False
            if self._stopping.wait(max(pause, LOOK_SHARE * took)):
                return

    def _tell(self, call: Callable[[], None]) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(call)

    def begin_look(self) -> None:
        """What changes from now on may or may not be in what is read."""
        self._during = Counter()

    def take(self, look: OpenTurns, generator_up: bool) -> None:
        """Go by these figures from now on."""
        self._open = Counter(look.by_tenant)
        self._since = self._during.copy()
        self.generator_up = generator_up
        self._adapt(sum(look.by_tenant.values()), look.waits if generator_up else 0.0)

    def _adapt(self, total: int, waits: float) -> None:
        """Additive-increase, multiplicative-decrease (Chiu and Jain 1989), both in proportion: fewer turns are let in
        while they wait too long for a generator, more while they do not and the limit is what holds them."""
        if waits > self._settings.turn_wait_seconds:
            self._limit = max(self._settings.open_turns_least, SHRINKS * min(self._limit, total))
        elif total > SHRINKS * self._limit:
            self._limit = min(self._settings.open_turns, GROWS * self._limit)
