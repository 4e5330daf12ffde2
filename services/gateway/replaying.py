"""Replays of drafts, asked of a generator."""

from __future__ import annotations

from typing import Any

from services.common.bus import topology
from services.common.bus.replay import TIMEOUT, ReplayRequest
from services.common.errors import AntiphonError, FailedPrecondition, NotFound, Unavailable
from services.common.ids import new_id
from services.common.store import Document, Store
from services.gateway.asking import Asking
from services.gateway.threads import Threads

_ERRORS: dict[str, type[AntiphonError]] = {one.status: one for one in (NotFound, FailedPrecondition, Unavailable)}


class Replaying:
    """Has a draft written again from its manifest."""

    def __init__(self, asking: Asking, store: Store, threads: Threads) -> None:
        self._asking = asking
        self._store = store
        self._threads = threads

    async def replay(self, tenant: str, turn: str, round_number: int | None) -> dict[str, Any]:
        """What came of it, as `services.common.bus.replay` describes it; ``round_number`` None: the latest draft.

        Raises: NotFound, FailedPrecondition (TEXT_ERASED, STATE_CHANGED, CONTEXT_TOO_LONG, NO_MANIFEST), Unavailable.
        """
        number = await self._threads.run(self._find, tenant, turn, round_number)
        request = ReplayRequest(new_id("replay"), tenant, self._asking.reply_to, turn, number)
        found = await self._asking.ask(topology.REPLAY, request, TIMEOUT, "no generator has answered")
        if found.get("error"):
            kind = _ERRORS.get(found["error"], AntiphonError)
            raise kind(found["message"], reason=found["reason"])
        return found

    def _find(self, tenant: str, turn_id: str, round_number: int | None) -> int:
        """The draft's round. What can be seen here needs no generator, and no generator is no reason to wait."""
        turn: Document = self._store.turns.get(tenant, turn_id)
        number = turn["round"] if round_number is None else round_number
        draft = next((one for one in turn["drafts"] if one["round"] == number), None)
        if draft is None:
            raise NotFound(f"turn {turn_id} has no draft of round {number}")
        if not draft.get("manifest"):
            raise FailedPrecondition("no model has written this draft to its end", reason="NO_MANIFEST")
        if not self._store.serving.alive():
            raise Unavailable("no generator is up")
        return number
