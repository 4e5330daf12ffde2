"""Erasing what a user brought into the knowledge base: text, vectors, raw bytes, facts and candidates."""

from __future__ import annotations

from services.common.ids import new_id
from services.common.store.connection import Connection, Document
from services.common.store.knowledge.log import KnowledgeLog


class ErasingStore:
    """Deletions by user. Every index follows by the log, where only ids stand."""

    def __init__(self, connection: Connection, log: KnowledgeLog) -> None:
        self._connection = connection
        self._log = log

    def erase_user(self, tenant: str, user: str) -> dict[str, int]:
        """Deletes everything the user uploaded, taught or said, and answers how much of each. KEPT; may be repeated.

        The log entry comes before the deletion, so that an index that dies in between still learns of it.
        """
        if not user:
            return {}
        passages = [row["_id"] for row in self._find(tenant, "passages", {"user": user})]
        if passages:
            self._log.append(tenant, f"erase/{new_id('log')}", "removed", passages)
        facts = [f"{row['fact']}/{row['revision']}" for row in self._find(tenant, "facts", {"author": user})]
        counts = {
            "passages": self._delete(tenant, "passages", {"user": user}),
            "vectors": self._delete(tenant, "vectors", {"owner": {"$in": [*passages, *facts]}}),
            "uploads": self._delete(tenant, "uploads", {"user": user}),
            "sources": self._delete(tenant, "sources", {"user": user}),
            "facts": self._delete(tenant, "facts", {"author": user}),
            "candidates": self._delete(tenant, "candidates", {"author": user}),
        }
        if facts:
            self._log.append(tenant, f"erase/{new_id('log')}", "erased", facts)
        return {name: count for name, count in counts.items() if count}

    def count_of_user(self, tenant: str, user: str) -> int:
        """Documents of the user that are left."""
        by_user = sum(len(self._find(tenant, name, {"user": user})) for name in ("passages", "uploads", "sources"))
        return by_user + sum(len(self._find(tenant, name, {"author": user})) for name in ("facts", "candidates"))

    def _find(self, tenant: str, name: str, query: Document) -> list[Document]:
        return list(self._connection.scoped(name, tenant).find(query, ("_id", "fact", "revision")))

    def _delete(self, tenant: str, name: str, query: Document) -> int:
        return self._connection.scoped(name, tenant).delete_many(query).deleted_count
