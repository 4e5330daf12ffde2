"""What became of a piece of feedback, as far as the caller may know."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from services.common.drafts import judged_texts
from services.common.errors import NotFound
from services.common.privacy.asking import Asked
from services.common.store import Credential, Document, Store
from services.common.store.receipts import Learned
from services.gateway.access import Whose, may_see

MOST_REPLIES = 100
OWN_SECONDS = 2.0


@dataclass(frozen=True)
class Receipt:
    """A record with the texts it is about; the example it became, whether that is the last word and whose word is in
    its place; what learned it; the turns answered by it; the current version. `measured`: whether the caller is told
    how versions were judged, and of others' feedback."""

    record: Document
    example: Document | None
    holds: bool
    overruled_by: str
    learned: list[Learned]
    replies: list[Document]
    current: str
    measured: bool


def receipt(store: Store, credential: Credential, allowed: Whose, feedback_id: str) -> Receipt:
    """The receipt of a record. Raises NotFound where there is none, or none for this caller: feedback belongs to the
    session of its turn, what stands alone to those who see every session, and an end user's own is theirs alone."""
    tenant = credential.tenant
    record = store.feedback.get(tenant, feedback_id)
    sight = _Sight(store, credential, allowed)
    if not sight.record(record):
        raise NotFound(f"no feedback {feedback_id}")
    turns = store.turns.read(tenant, [record["turn"]]) if record.get("turn") else []
    if turns and not credential.granted(turns[0].get("access") or ()):
        raise NotFound(f"no feedback {feedback_id}")
    record = {**record, **judged_texts(turns[0] if turns else None, record)}
    own = Asked(partial(store.knowledge.is_own, tenant), OWN_SECONDS)
    masker = store.tenants.privacy(tenant).masker(own)
    example, measured = store.receipts.example(tenant, record, masker), allowed is Whose.ALL
    current = str(store.versions.pointer(tenant)["current"])
    if example is None:
        return Receipt(record, None, False, "", [], [], current, measured)
    standing = store.receipts.standing(tenant, example)
    holds = standing is not None and standing["_id"] == example["_id"]
    overruled = "" if holds or standing is None or not measured else str(standing.get("feedback") or "")
    replies = [turn for turn in store.receipts.replies(tenant, example["_id"], MOST_REPLIES) if sight.turn(turn)]
    learned = store.receipts.learned(tenant, example["_id"])
    return Receipt(record, example, holds, overruled, learned, replies, current, measured)


class _Sight:
    """What a caller may see; each session is looked up once."""

    def __init__(self, store: Store, credential: Credential, allowed: Whose) -> None:
        self._store = store
        self._credential = credential
        self._allowed = allowed
        self._sessions: dict[str, bool] = {}

    def record(self, record: Document) -> bool:
        if self._credential.user and record.get("user") != self._credential.user:
            return False
        if not record.get("session"):
            return self._allowed is Whose.ALL
        return self._session(record["session"])

    def turn(self, turn: Document) -> bool:
        return self._credential.granted(turn.get("access") or ()) and self._session(turn["session"])

    def _session(self, session: str) -> bool:
        if session not in self._sessions:
            self._sessions[session] = self._found(session)
        return self._sessions[session]

    def _found(self, session: str) -> bool:
        try:
            found: Any = self._store.sessions.get(self._credential.tenant, session)
        except NotFound:
            return False
        return may_see(found, self._credential, self._allowed)
