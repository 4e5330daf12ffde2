"""Accepted histories that are computed when nothing else is to do, so that the next turn finds them in memory."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from services.generator.engine.detokenizer import Detokenizer
from services.generator.engine.prefill_budget import PrefillBudget
from services.generator.engine.request import DraftRequest, FinishedDraft
from services.generator.engine.sequence import Sequence

if TYPE_CHECKING:
    from services.generator.engine.backend import Backend

log = logging.getLogger(__name__)


class _Nobody:
    """Listens to a history that is computed for later."""

    def on_delta(self, text: str, token_ids: list[int]) -> None: ...
    def on_progress(self) -> None: ...
    def on_finish(self, draft: FinishedDraft) -> None: ...
    def on_error(self, error: Exception) -> None: ...


_NOBODY = _Nobody()


class IdlePrefill:
    """At most `limit` histories by session, the oldest dropped first; guarded by the engine's lock."""

    def __init__(self, lock: threading.Condition, limit: int) -> None:
        self._lock = lock
        self._limit = limit
        self._waiting: dict[tuple[str, str], tuple[str, tuple[int, ...]]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, tenant: str, session: str, version: str, history: tuple[int, ...]) -> None:
        """Keep a session's latest history; the caller holds the lock."""
        self._waiting[(tenant, session)] = (version, history)
        while len(self._waiting) > self._limit:
            del self._waiting[next(iter(self._waiting))]

    def drop(self, tenant: str, session: str) -> None:
        """Forget a session's; the caller holds the lock."""
        self._waiting.pop((tenant, session), None)

    def compute_one(
        self, backend: Backend, budget: PrefillBudget, interrupted: Callable[[], bool], closing: bool
    ) -> None:
        """Compute the latest, chunk by chunk, until it is done or something else comes; on the engine thread."""
        with self._lock:
            if not self._waiting:
                return
            (tenant, session), (version, history) = self._waiting.popitem()
        sequence = Sequence(
            DraftRequest("", tenant, session, version, history, ()), _NOBODY, Detokenizer(backend.codec)
        )
        try:
            if not backend.admit(sequence):
                return
        except Exception:
            log.exception("a history could not be remembered")
            return
        try:
            while not (sequence.ready or interrupted()):
                backend.prefill([sequence], budget.tokens(alone=False))
        except Exception:
            log.exception("a history could not be remembered")
            backend.release(sequence, keep=False)
            return
        backend.release(sequence, keep=True)
        if not sequence.ready and not closing:
            with self._lock:
                self._waiting.setdefault((tenant, session), (version, history))
