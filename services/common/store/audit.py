"""Who changed what: an entry before each sensitive change and its outcome after, kept beyond what it is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.common.clock import now
from services.common.ids import new_id
from services.common.store.connection import Concern, Connection, Document, Scoped
from services.common.store.turns import SCHEMA_VERSION

BEGUN, DONE, REFUSED, FAILED = "begun", "done", "refused", "failed"


class Audit:
    """Operations on the ``audit`` collection. Entries hold ids, names of settings and hashes, never what users said.

    An entry that stays ``begun`` tells of a change whose process died: it may have happened.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _of(self, tenant: str) -> Scoped:
        return self._connection.scoped("audit", tenant, Concern.KEPT)

    def begin(self, tenant: str, actor: str, role: str, action: str, details: Mapping[str, Any], peer: str = "") -> str:
        """Write down (KEPT) that ``actor`` (a key's id, or ``jwt:`` and a subject) is about to act; answers the id."""
        entry: Document = {
            "_id": new_id("audit"),
            "schema_version": SCHEMA_VERSION,
            "at": now(),
            "actor": actor,
            "role": role,
            "action": action,
            "details": dict(details),
            "peer": peer,
            "outcome": BEGUN,
        }
        self._of(tenant).insert_one(entry)
        return str(entry["_id"])

    def end(self, tenant: str, entry: str, outcome: str, reason: str = "") -> None:
        """Write down (KEPT) how it went: ``done``, ``refused`` or ``failed``, once."""
        self._of(tenant).update_one({"_id": entry, "outcome": BEGUN}, {"$set": {"outcome": outcome, "reason": reason}})

    def page(self, tenant: str, *, action: str = "", before: str = "", limit: int = 50) -> list[Document]:
        """Entries of a tenant, the newest first; of one action where it is named."""
        query: Document = {"action": action} if action else {}
        if before:
            query["_id"] = {"$lt": before}
        return list(self._of(tenant).find(query).sort("_id", -1).limit(limit))
