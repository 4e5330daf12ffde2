"""Erasing what a user brought into the knowledge base: text, vectors, raw bytes, facts and candidates."""

from __future__ import annotations

from collections.abc import Sequence

from services.common.ids import new_id
from services.common.store.connection import Connection, Document
from services.common.store.knowledge.log import KnowledgeLog


class ErasingStore:
    """Deletions by user. Every index follows by the log, where only ids stand."""

    def __init__(self, connection: Connection, log: KnowledgeLog) -> None:
        self._connection = connection
        self._log = log

    def erase_user(
        self, tenant: str, user: str, turns: Sequence[str] = (), feedback: Sequence[str] = ()
    ) -> dict[str, int]:
        """Deletes everything the user uploaded, taught or said, and answers how much of each. KEPT; may be repeated.

        ``turns`` and ``feedback`` are the user's: what was learned from them goes, whoever confirmed it. The log
        entry comes before the deletion, so that an index that dies in between still learns of it.
        """
        if not user:
            return {}
        mine = _of_user(user, turns, feedback)
        passages = [row["_id"] for row in self._find(tenant, "passages", {"user": user})]
        if passages:
            self._log.append(tenant, f"erase/{new_id('log')}", "removed", passages)
        facts = [f"{row['fact']}/{row['revision']}" for row in self._find(tenant, "facts", mine)]
        counts = {
            "passages": self._delete(tenant, "passages", {"user": user}),
            "vectors": self._delete(tenant, "vectors", {"owner": {"$in": [*passages, *facts]}}),
            "uploads": self._delete(tenant, "uploads", {"user": user}),
            "sources": self._delete(tenant, "sources", {"user": user}),
            "facts": self._delete(tenant, "facts", mine),
            "candidates": self._delete(tenant, "candidates", mine),
        }
        if facts:
            self._log.append(tenant, f"erase/{new_id('log')}", "erased", facts)
        return {name: count for name, count in counts.items() if count}

    def erase_of_feedback(self, tenant: str, feedback: Sequence[str]) -> int:
        """Deletes the candidates that feedback gave rise to and nobody has confirmed; answers how many. KEPT."""
        return self._delete(
            tenant, "candidates", {"provenance.feedback": {"$in": list(feedback)}, "status": {"$ne": "confirmed"}}
        )

    def count_of_user(self, tenant: str, user: str) -> int:
        """Documents of the user that are left."""
        by_user = sum(len(self._find(tenant, name, {"user": user})) for name in ("passages", "uploads", "sources"))
        return by_user + sum(len(self._find(tenant, name, _of_user(user, (), ()))) for name in ("facts", "candidates"))

    def _find(self, tenant: str, name: str, query: Document) -> list[Document]:
        return list(self._connection.scoped(name, tenant).find(query, ("_id", "fact", "revision")))

    def _delete(self, tenant: str, name: str, query: Document) -> int:
        return self._connection.scoped(name, tenant).delete_many(query).deleted_count


def _of_user(user: str, turns: Sequence[str], feedback: Sequence[str]) -> Document:
    """Facts and candidates that the user is the author of, or that rest on what they said."""
    return {
        "$or": [
            {"author": user},
            {"provenance.said_by": user},
            {"provenance.turn": {"$in": list(turns)}},
            {"provenance.feedback": {"$in": list(feedback)}},
        ]
    }
