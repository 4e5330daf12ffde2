"""Who watches a tenant's conversations: one feed of changes a gateway, while somebody watches, and what each watcher
has not been told yet, put together by session so that a slow one costs no memory.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import structlog

from services.common.errors import ResourceExhausted
from services.common.store import Store
from services.common.store.changes import Change

log = structlog.get_logger(__name__)
MOST_WATCHERS = 1_000
MOST_OF_TENANT = 200
RESERVED = 0.25  # the share of either that is not for end users: however many pages of a shop are open, agents see
MOST_WAITING = 1_000  # sessions that a watcher may fall behind by before it has to read anew
GATHER_SECONDS = 0.05
QUIET_SECONDS = 15.0
RETRY_SECONDS = 5.0


@dataclass
class Seen:
    """What came since a watcher was told last. ``anew``: what was read before may be out of date. ``changed``:
    sessions that stand otherwise; ``grown``: by session the latest text of its reply in work."""

    anew: bool = False
    changed: set[str] = field(default_factory=set)
    grown: dict[str, Change] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.changed) + len(self.grown)


class Watcher:
    """One client that watches a tenant, or one session of it. Only the event loop touches it."""

    def __init__(self, tenant: str, session: str) -> None:
        self.tenant = tenant
        self.closed = False
        self._session = session
        self._seen = Seen()
        self._wake = asyncio.Event()

    def take(self, change: Change) -> None:
        """Note a change; one that only grows a text gives way to those that say more."""
        if self._session and change.session != self._session:
            return
        if change.text is None:
            self._seen.changed.add(change.session)
            self._seen.grown.pop(change.session, None)
        elif change.session not in self._seen.changed:
            self._seen.grown[change.session] = change
        if len(self._seen) > MOST_WAITING:
            self.begin()
        self._wake.set()

    def begin(self) -> None:
        """Whatever was not told is to be read anew, and is told from here on."""
        self._seen = Seen(anew=True)
        self._wake.set()

    def close(self) -> None:
        """Nothing more comes: the gateway goes."""
        self.closed = True
        self._wake.set()

    async def next(self) -> Seen:
        """What came; nothing where it was quiet for a while."""
        with suppress(TimeoutError):
            async with asyncio.timeout(QUIET_SECONDS):
                await self._wake.wait()
                await asyncio.sleep(GATHER_SECONDS)
        self._wake.clear()
        seen, self._seen = self._seen, Seen()
        return seen


class _Feed(threading.Thread):
    """Brings the changes to the loop until it is stopped."""

    def __init__(self, watching: Watching, store: Store, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(name="changes", daemon=True)
        self.stopping = threading.Event()
        self.begun = False
        self._watching = watching
        self._store = store
        self._loop = loop

    def run(self) -> None:
        try:
            for change in self._store.changes.follow(self.stopping):
                self._loop.call_soon_threadsafe(self._watching.deliver, self, change)
        except RuntimeError:  # the loop is closed
            log.info("changes_unheard")


class Watching:
    """All watchers of this gateway. Only the event loop touches it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._watchers: dict[str, set[Watcher]] = {}
        self._feed: _Feed | None = None
        self._ending = False

    @contextmanager
    def watch(self, tenant: str, session: str = "", *, end_user: bool = False) -> Iterator[Watcher]:
        """A watcher of the tenant's conversations, or of one. Raises ResourceExhausted."""
        watcher = self._open(tenant, session, 1 - RESERVED if end_user else 1)
        try:
            yield watcher
        finally:
            self._close(watcher)

    def _open(self, tenant: str, session: str, share: float) -> Watcher:
        of_tenant, of_all = len(self._watchers.get(tenant, ())), sum(map(len, self._watchers.values()))
        if of_tenant >= share * MOST_OF_TENANT or of_all >= share * MOST_WATCHERS:
            raise ResourceExhausted("too many watch already", retry_after=RETRY_SECONDS)
        watcher = Watcher(tenant, session)
        self._watchers.setdefault(tenant, set()).add(watcher)
        if self._feed is None:
            self._feed = _Feed(self, self._store, asyncio.get_running_loop())
            self._feed.start()
        elif self._feed.begun:
            watcher.begin()
        if self._ending:
            watcher.close()
        return watcher

    def _close(self, watcher: Watcher) -> None:
        left = self._watchers[watcher.tenant]
        left.discard(watcher)
        if not left:
            del self._watchers[watcher.tenant]
        if not self._watchers and self._feed is not None:
            self._feed.stopping.set()
            self._feed = None

    def deliver(self, feed: _Feed, change: Change | None) -> None:
        """Let a change in, to those who watch its tenant; None: changes before it may be lost."""
        if feed is not self._feed:
            return
        if change is not None:
            for watcher in self._watchers.get(change.tenant, ()):
                watcher.take(change)
            return
        feed.begun = True
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.begin()

    def stop(self) -> None:
        """End every watcher's stream, now and from now on."""
        self._ending = True
        if self._feed is not None:
            self._feed.stopping.set()
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.close()
