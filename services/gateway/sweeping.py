"""The sweep's rhythm: about once a second, with jitter, so that several gateways rarely meet."""

from __future__ import annotations

import random
import threading
import time

import structlog

from services.common import metrics
from services.common.store import DATABASE_AWAY, Store, Swept
from services.gateway.dispatch import Dispatch

log = structlog.get_logger(__name__)
COUNT_SECONDS = 5.0
ERASE_AGAIN_SECONDS = 60.0  # beyond any lease: what a stale worker may have written of an erased session


class Sweeping:
    """A thread that moves on what a lost message, a dead worker or a dead gateway left behind."""

    def __init__(self, store: Store, dispatch: Dispatch, seconds: float) -> None:
        self._store = store
        self._dispatch = dispatch
        self._seconds = seconds
        self._stopping = threading.Event()
        self._erased_at = time.monotonic()
        self._counted_at = float("-inf")
        self._thread = threading.Thread(target=self._run, name="sweep", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._stopping.wait(self._seconds * random.uniform(0.75, 1.25)):
            try:
                self.once()
            except DATABASE_AWAY as error:
                log.warning("sweep_postponed", error=repr(error))
            except Exception:
                log.exception("sweep_failed")

    def once(self) -> None:
        """Sweep everything that is due now."""
        for swept in self._store.sweep.sweep():
            metrics.SWEPT_TURNS.inc()
            self._act(swept)
        for tenant, session in self._store.takeovers.unsettled():
            self._dispatch.settled(self._store.takeovers.settle(tenant, session))
        if time.monotonic() - self._counted_at > COUNT_SECONDS:
            self._counted_at = time.monotonic()
            turns, stuck = self._store.turns.open_and_stuck()
            metrics.OPEN_TURNS.set(turns)
            metrics.STUCK_TURNS.set(stuck)
        if time.monotonic() - self._erased_at > ERASE_AGAIN_SECONDS / 4:
            self._erased_at = time.monotonic()
            self._erase_again()

    def _act(self, swept: Swept) -> None:
        turn = swept.turn
        log.info(
            "turn_swept",
            action=swept.action,
            tenant=turn["tenant"],
            session=turn["session"],
            turn=turn["_id"],
            attempt=turn["attempt"],
        )
        if swept.action == "failed":
            self._dispatch.ended(turn)
        elif swept.action == "cancelled":
            self._dispatch.cancelled(turn)
        else:
            self._dispatch.turns([turn])

    def _erase_again(self) -> None:
        for tenant, session in self._store.sessions.erased_lately(ERASE_AGAIN_SECONDS):
            self._store.turns.delete_session(tenant, session)
            self._store.feedback.delete_session(tenant, session)
