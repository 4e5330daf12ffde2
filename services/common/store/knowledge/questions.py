"""What a turn asks: its message, the messages before it, the labels its asker has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from services.common.store.connection import Connection
from services.common.store.knowledge.log import DOWN

_BEFORE = 2


@dataclass(frozen=True)
class Question:
    """`text` is the user's message, `before` the messages of the turns before it, the latest first.

    Of a round that obeys feedback, `comment` is what the reader said, and `grounding` what the turn was grounded on.
    """

    text: str
    before: tuple[str, ...]
    access: frozenset[str]
    comment: str = ""
    grounding: Mapping[str, Any] | None = None


class QuestionStore:
    """Reads for the ground step."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def read_question(self, tenant: str, session: str, n: int, round_number: int = 0) -> Question | None:
        """One read of the turn and the two before it; None when the turn is gone."""
        turns = self._connection.scoped("turns", tenant).find(
            {"session": session, "n": {"$gte": n - _BEFORE, "$lte": n}}, ("n", "text", "access", "status", "excluded")
        )
        rows = list(turns.sort("n", DOWN))
        if not rows or rows[0]["n"] != n:
            return None
        before = tuple(row["text"] for row in rows[1:] if row["status"] != "failed" and not row.get("excluded"))
        question = Question(rows[0]["text"], before, frozenset(rows[0].get("access") or ()))
        if not round_number:
            return question
        turn = self._connection.scoped("turns", tenant).find_one(
            {"session": session, "n": n}, ("drafts.round", "drafts.feedback", "grounding")
        )
        drafts = [draft for draft in (turn or {}).get("drafts", ()) if draft.get("round") == round_number]
        comment = str(((drafts[0].get("feedback") if drafts else None) or {}).get("comment") or "")
        return replace(question, comment=comment, grounding=(turn or {}).get("grounding"))
