"""The knowledge service's jobs on Celery: thin, idempotent, acknowledged after the effect."""

from __future__ import annotations

import threading

import structlog
from celery import Celery

from services.common.bus import topology
from services.common.bus.jobs import Jobs
from services.common.errors import NotFound, Unavailable
from services.common.store import Store
from services.knowledge.ingest import Ingester
from services.knowledge.mining import Miner

log = structlog.get_logger(__name__)
INGEST = "knowledge.ingest"
MINE = "knowledge.mine"
PROPOSE = "knowledge.propose"


def register(app: Celery, ingester: Ingester, miner: Miner) -> None:
    """Binds the jobs to the application."""

    @app.task(name=INGEST)  # type: ignore[untyped-decorator]
    def ingest(tenant: str, ingestion: str) -> None:
        ingester.run(tenant, ingestion)

    @app.task(name=MINE)  # type: ignore[untyped-decorator]
    def mine(tenant: str, feedback: list[str]) -> None:
        miner.mine(tenant, feedback)

    @app.task(name=PROPOSE)  # type: ignore[untyped-decorator]
    def propose(tenant: str, turn: str) -> None:
        try:
            miner.run(tenant, turn)
        except NotFound:  # erased meanwhile
            log.info("turn_gone", tenant=tenant, turn=turn)


class Resender(threading.Thread):
    """Sends the jobs of ingestions that do not move again: the document is the job's outbox."""

    def __init__(self, store: Store, jobs: Jobs, after_seconds: float, stopping: threading.Event) -> None:
        super().__init__(name="ingest-resend", daemon=True)
        self._store = store
        self._jobs = jobs
        self._after = after_seconds
        self._stopping = stopping

    def run(self) -> None:
        while not self._stopping.wait(self._after / 2):
            self.resend()

    def resend(self) -> int:
        """One round; returns how many jobs were sent."""
        sent = 0
        try:
            for tenant, ingestion in self._store.knowledge.unfinished(self._after):
                self._jobs.send(topology.INGEST_JOBS, INGEST, tenant=tenant, ingestion=ingestion)
                sent += 1
        except Unavailable as error:
            log.warning("ingest_not_resent", error=str(error))
        return sent
