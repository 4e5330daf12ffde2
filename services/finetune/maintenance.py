"""What has to be done in time and by nobody in particular: erasures go on, and what was kept long enough goes."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta

import structlog

from services.common.bus import Bus
from services.common.clock import now
from services.common.errors import AntiphonError, Unavailable
from services.common.store import DATABASE_AWAY, Document, Store

log = structlog.get_logger(__name__)
ERASE_SECONDS = 1.0
RETENTION_SECONDS = 600.0
_CENTURY = 100 * 365.25 * 86_400


class Maintenance(threading.Thread):
    """Every step is idempotent, so that several of these may run and any may die."""

    def __init__(self, store: Store, bus: Bus, stopping: threading.Event, audit_days: int = 400) -> None:
        super().__init__(name="maintenance", daemon=True)
        self._store = store
        self._bus = bus
        self._stopping = stopping
        self._audit_days = audit_days
        self._retained_at = -RETENTION_SECONDS

    def run(self) -> None:
        while not self._stopping.wait(ERASE_SECONDS):
            try:
                self.erase()
                if time.monotonic() - self._retained_at > RETENTION_SECONDS:
                    self._retained_at = time.monotonic()
                    self.retain()
            except (*DATABASE_AWAY, AntiphonError) as error:
                log.warning("maintenance_postponed", error=repr(error))
            except Exception:
                log.exception("maintenance_failed")

    def erase(self) -> None:
        """The next step of every erasure that is due; generators are told to forget the sessions."""
        for erasure in self._store.erasures.due():
            try:
                self._erase(erasure)
            except Unavailable as error:  # the broker is away; the other erasures' database is not
                log.warning("erasure_postponed", erasure=erasure["_id"], error=str(error))

    def _erase(self, erasure: Document) -> None:
        """What the broker and the generators hold goes first: once the sessions are gone nobody knows their ids."""
        tenant, sessions = erasure["tenant"], self._store.erasures.sessions(erasure)
        dropped = self._bus.drop_dead(sessions) if sessions else 0
        for session in sessions:
            self._bus.publish_control({"op": "forget", "tenant": tenant, "session": session})
        self._store.erasures.advance(erasure)
        if sessions:
            self._store.erasures.note(tenant, erasure["_id"], {"dead_letters": dropped})
        log.info("erasure_advanced", tenant=tenant, erasure=erasure["_id"])

    def retain(self) -> None:
        """Delete, tenant by tenant, what is older than the tenant wants it kept."""
        for tenant in self._store.tenants.page(limit=10_000):
            try:
                self._retain(tenant["_id"], tenant.get("retention") or {})
                self._store.audit.prune(tenant["_id"], _ago(self._audit_days * 86_400.0))
            except DATABASE_AWAY:
                raise
            except Exception:  # one tenant's trouble is no other's
                log.exception("retention_failed", tenant=tenant["_id"])
        self._store.versions.remove_orphans()

    def _retain(self, tenant: str, kept: Document) -> None:
        if kept.get("sessions"):
            for session in self._store.sessions.expired(tenant, _ago(kept["sessions"])):
                self._store.turns.delete_session(tenant, session)
                self._forget(tenant, {"session": session})
                self._store.sessions.delete(tenant, session)
        if kept.get("feedback"):
            self._forget(tenant, {"created_at": {"$lt": _ago(kept["feedback"])}})
        if kept.get("versions"):
            self._store.versions.remove_unserved(tenant, _ago(kept["versions"]))

    def _forget(self, tenant: str, query: Document) -> None:
        """Delete feedback and the examples made of it, which say the same."""
        gone = self._store.feedback.erase(tenant, query)
        self._store.examples.erase(tenant, {"feedback": {"$in": gone}})


def _ago(seconds: float) -> datetime:
    """So long ago, or a century, whichever is less: a time that was set too large keeps everything."""
    return now() - timedelta(seconds=min(seconds, _CENTURY))
