"""Who changed what: an entry before each sensitive change and its outcome after, kept beyond what it is about.

The entries of a tenant are a chain: each holds its number and the hash of the one before, so that one taken out, put in
or changed afterwards shows. Whoever may write to the database may also write the whole chain anew: keep the head
(``verify`` answers it) elsewhere, now and then.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo.errors import DuplicateKeyError

from services.common.clock import now
from services.common.ids import new_id
from services.common.store.connection import Concern, Connection, Document, Scoped
from services.common.store.turns import SCHEMA_VERSION

BEGUN, DONE, REFUSED, FAILED = "begun", "done", "refused", "failed"
_CHAINED = ("_id", "tenant", "number", "before", "at", "actor", "role", "action", "details", "peer")


@dataclass(frozen=True)
class Verified:
    """``broken``: the number of the first entry that does not follow from the one before, None where all do."""

    entries: int
    head: str
    broken: int | None


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
            "tenant": tenant,
            "schema_version": SCHEMA_VERSION,
            "actor": actor,
            "role": role,
            "action": action,
            "details": dict(details),
            "peer": peer,
            "outcome": BEGUN,
        }
        while True:
            last = self._of(tenant).find_one({"number": {"$gt": 0}}, ("number", "hash"), sort=[("number", -1)]) or {}
            at = now()
            entry |= {
                "number": last.get("number", 0) + 1,
                "before": last.get("hash", ""),
                # as it will be read again, so that the hash is of what is stored
                "at": at.replace(microsecond=at.microsecond // 1000 * 1000),
            }
            entry["hash"] = _hash(entry)
            try:
                self._of(tenant).insert_one(entry)
            except DuplicateKeyError:  # another gateway took the number
                continue
            return str(entry["_id"])

    def end(
        self, tenant: str, entry: str, outcome: str, reason: str = "", result: Mapping[str, Any] | None = None
    ) -> None:
        """Write down (KEPT) how it went: ``done``, ``refused`` or ``failed``, once; ``result`` is what came of it."""
        fields: Document = {"outcome": outcome, "reason": reason}
        if result:
            fields["result"] = dict(result)
        self._of(tenant).update_one({"_id": entry, "outcome": BEGUN}, {"$set": fields})

    def page(self, tenant: str, *, action: str = "", before: str = "", limit: int = 50) -> list[Document]:
        """Entries of a tenant, the newest first; of one action where it is named."""
        query: Document = {"action": action} if action else {}
        if before:
            query["_id"] = {"$lt": before}
        return list(self._of(tenant).find(query).sort("_id", -1).limit(limit))

    def prune(self, tenant: str, older_than: datetime) -> int:
        """Delete entries from before that moment (KEPT), from the chain's beginning on; answers how many."""
        first = self._of(tenant).find_one({"at": {"$gte": older_than}}, ("number",), sort=[("number", 1)])
        old: Document = {"at": {"$lt": older_than}}
        if first is not None and first.get("number"):
            old["$or"] = [{"number": {"$lt": first["number"]}}, {"number": {"$exists": False}}]
        return self._of(tenant).delete_many(old).deleted_count

    def verify(self, tenant: str) -> Verified:
        """Follow the tenant's chain from the oldest entry that is kept."""
        entries, head, number = 0, "", 0
        for entry in self._of(tenant).find({"number": {"$gt": 0}}).sort("number", 1):
            follows = not entries or (entry["before"] == head and entry["number"] == number + 1)
            if not follows or entry["hash"] != _hash(entry):
                return Verified(entries, head, entry["number"])
            entries, head, number = entries + 1, entry["hash"], entry["number"]
        return Verified(entries, head, None)


def _hash(entry: Document) -> str:
    chained = {name: entry[name] for name in _CHAINED}
    text = json.dumps(chained, sort_keys=True, default=_stored)
    return hashlib.sha256(text.encode()).hexdigest()


def _stored(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
