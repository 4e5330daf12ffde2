"""One worker's hold on a training run: how far it came, and whether it still may go on."""

from __future__ import annotations

import threading
import time
from typing import Any

import structlog

from services.common.store import Document, Store
from services.finetune.settings import FinetuneSettings

TELL_SECONDS = 1.0
"""So often it is told at most how much was gathered."""

log = structlog.get_logger(__name__)


class Stopped(Exception):
    """The run was cancelled, or another worker holds it."""


class Hold:
    """A run that this worker took, with what it works on; a heartbeat keeps the lease while it is entered."""

    def __init__(self, settings: FinetuneSettings, store: Store, run: Document) -> None:
        self.settings = settings
        self.store = store
        self.run = run
        self.tenant: str = run["tenant"]
        self.id: str = run["_id"]
        self.holder: str = run["holder"]
        self._alive = True
        self._gathers = True
        self._gathered = self._to_gather = 0
        self._told_at = 0.0
        self._ended = threading.Event()
        self._heartbeat = threading.Thread(target=self._beat, name="training-heartbeat", daemon=True)

    def __enter__(self) -> Hold:
        self._heartbeat.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._heartbeat.join(5)

    def progress(self, **fields: Any) -> None:
        """Store how far the run came. Raises Stopped."""
        if self._renew(fields) is None:
            self._alive = False
            raise Stopped

    def gather(self, more: int) -> None:
        """So many replies more are wanted, or messages to be looked up; told until the first step. Raises Stopped."""
        self._to_gather += more
        self._tell_gathered()

    def gathered(self, more: int) -> None:
        """So many of them have come. Raises Stopped."""
        self._gathered += more
        self._tell_gathered()

    def _tell_gathered(self) -> None:
        if self._gathers and time.monotonic() - self._told_at >= TELL_SECONDS:
            self._told_at = time.monotonic()
            self.progress(step=self._gathered, total_steps=self._to_gather)

    def steps(self, first: int, total: int) -> StepProgress:
        """Tells of steps from `first` on; nothing is gathered any more."""
        self._gathers = False
        return StepProgress(self, first, total)

    def still(self) -> bool:
        """Whether the run may go on, as far as this worker knows."""
        return self._alive

    def check(self) -> None:
        """Raises Stopped where the run may not go on."""
        if not self._alive:
            raise Stopped

    def _renew(self, fields: Document) -> Document | None:
        lease = self.settings.train_lease_seconds
        return self.store.trainings.progress(self.tenant, self.id, self.holder, fields, lease)

    def _beat(self) -> None:
        while not self._ended.wait(self.settings.train_lease_seconds / 4):
            try:
                if self._renew({}) is None:
                    self._alive = False
                    return
            except Exception as error:
                log.warning("heartbeat_failed", training=self.id, error=repr(error))


class StepProgress:
    """Stores each step's loss and the seconds that are left by the pace so far."""

    def __init__(self, hold: Hold, first: int, total: int) -> None:
        self._hold = hold
        self._first, self._total = first, total
        self._started = time.monotonic()
        hold.progress(status="training", total_steps=total, step=first)

    def tell(self, step: int, loss: float) -> None:
        """Raises Stopped."""
        seconds = time.monotonic() - self._started
        eta = seconds / max(1, step - self._first) * (self._total - step)
        self._hold.progress(step=step, loss=loss, eta_seconds=round(eta, 1))
