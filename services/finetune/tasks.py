"""The fine-tune service's jobs on Celery: a wake-up for batches, and training runs.

A training outlives any acknowledgement timeout of a broker, so its message is acknowledged early; the run's lease
and the resender bring it back when its worker dies.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog
from celery import Celery

from services.common.bus import topology
from services.common.bus.jobs import Jobs
from services.common.errors import Unavailable
from services.common.store import DATABASE_AWAY, Store
from services.common.store.trainings import MAX_RUN_ATTEMPTS
from services.finetune.batches import Batcher

log = structlog.get_logger(__name__)
BATCH = "feedback.batch"
TRAIN = "training.run"
MINE = "knowledge.mine"
RESEND_SECONDS = 5.0


def register_batches(app: Celery, batcher: Batcher) -> None:
    """Bind the wake-up: what there is to do stands in the database."""

    @app.task(name=BATCH)  # type: ignore[untyped-decorator]
    def batch(tenant: str = "") -> None:
        batcher.wake()


def register_trainings(app: Celery, work: Callable[[str, str], None]) -> None:
    """Bind the training job to what works on a tenant's run."""

    @app.task(name=TRAIN, acks_late=False)  # type: ignore[untyped-decorator]
    def train(tenant: str, training: str) -> None:
        work(tenant, training)


def claim_sender(jobs: Jobs) -> Callable[[str, list[str]], None]:
    """Hands records with claims to the knowledge service, which proposes facts from them."""

    def send(tenant: str, feedback: list[str]) -> None:
        jobs.send(topology.INGEST_JOBS, MINE, tenant=tenant, feedback=feedback)

    return send


class Resender(threading.Thread):
    """Sends trainings again that no worker holds, and ends those that used up their attempts."""

    def __init__(self, store: Store, jobs: Jobs, stopping: threading.Event, seconds: float = RESEND_SECONDS) -> None:
        super().__init__(name="training-resend", daemon=True)
        self._seconds = seconds
        self._store = store
        self._jobs = jobs
        self._stopping = stopping

    def run(self) -> None:
        while not self._stopping.wait(self._seconds):
            try:
                self.resend()
            except (*DATABASE_AWAY, Unavailable) as error:
                log.warning("training_not_resent", error=repr(error))

    def resend(self) -> None:
        """One round."""
        for run in self._store.trainings.abandoned():
            if run["attempt"] >= MAX_RUN_ATTEMPTS:
                message = f"{run['attempt']} workers were lost over it"
                self._store.trainings.end(run["tenant"], run["_id"], "failed", {"error": message})
            else:
                self._jobs.send(topology.TRAINING_JOBS, TRAIN, tenant=run["tenant"], training=run["_id"])
