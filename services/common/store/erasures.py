"""Erasing a user: everywhere, twice, and counted.

Tombstone first, so that nothing new of the user is taken; delete; wait longer than any lease, in which a stale worker
may still write; delete again; count zero. The user's name itself is kept nowhere afterwards, only its hash.
"""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta

from pymongo.errors import DuplicateKeyError

from services.common.clock import now
from services.common.errors import NotFound, PermissionDenied
from services.common.ids import new_id
from services.common.store.connection import Concern, Connection, Document, Scoped
from services.common.store.knowledge.erasing import ErasingStore
from services.common.store.knowledge.log import KnowledgeLog
from services.common.store.requests import Request
from services.common.store.traces import search
from services.common.store.turns import SCHEMA_VERSION
from services.common.store.versions import Versions

# Collections whose documents name their user; those in SESSIONS are found by the user's sessions as well.
OF_USER = ("sessions", "turns", "feedback", "examples")
OF_SESSION = ("turns", "feedback")
ERASED = "(erased)"


def user_hash(tenant: str, user: str) -> str:
    """How an erased user is remembered, so that asking again finds the erasure and nobody finds the user."""
    return hashlib.sha256(f"{tenant}\x00{user}".encode()).hexdigest()[:32]


class Erasures:
    """Operations on ``erasures``, and the deletions they consist of."""

    def __init__(self, connection: Connection, versions: Versions, lease_seconds: float) -> None:
        self._wait = timedelta(seconds=3 * lease_seconds)
        self._connection = connection
        self._versions = versions
        self._knowledge = ErasingStore(connection, KnowledgeLog(connection))

    def _of(self, tenant: str, name: str = "erasures") -> Scoped:
        return self._connection.scoped(name, tenant, Concern.KEPT)

    def begin(self, tenant: str, user: str, request: Request, *, withdraw: bool) -> Document:
        """Set the tombstone (KEPT). The name stays in the erasure until it is done."""
        made: Document = {
            "_id": new_id("erasure"),
            "schema_version": SCHEMA_VERSION,
            "request": request.document(),
            "user_hash": user_hash(tenant, user),
            "name": user,
            "withdraw": withdraw,
            "status": "tombstoned",
            "open": True,
            "erased": [],
            "versions": [],
            "created_at": now(),
            "next_at": now(),
        }
        try:
            self._of(tenant).insert_one(made)
        except DuplicateKeyError:
            known = self._of(tenant).find_one({"request.id": request.id})
            if known is None:
                known = self._of(tenant).find_one({"user_hash": made["user_hash"], "open": True})
            if known is None:
                raise
            return known
        return {**made, "tenant": tenant}

    def get(self, tenant: str, erasure: str) -> Document:
        """The erasure. Raises NotFound."""
        found = self._of(tenant).find_one({"_id": erasure})
        if found is None:
            raise NotFound(f"no erasure {erasure}")
        return found

    def refuse_erased(self, tenant: str, user: str) -> None:
        """Raises PermissionDenied (USER_ERASED) while the user is being erased."""
        if user and self._of(tenant).count({"user_hash": user_hash(tenant, user), "open": True}, limit=1):
            raise PermissionDenied("this user is being erased", reason="USER_ERASED")

    def due(self, limit: int = 20) -> list[Document]:
        """Open erasures of all tenants whose next step is due."""
        every = self._connection.every_tenant("erasures")
        return list(every.find({"open": True, "next_at": {"$lte": now()}}).limit(limit))

    def advance(self, erasure: Document) -> list[str]:
        """Take the next step of an erasure; answers the sessions it deleted, which generators still remember.

        Steps may be repeated and may overlap.
        """
        tenant, user = erasure["tenant"], erasure["name"]
        sessions = self.sessions(erasure)
        said: Document = {"$or": [{"user": user}, {"session": {"$in": sessions}}]}
        turns, feedback = ([one["_id"] for one in self._of(tenant, name).find(said, ("_id",))] for name in OF_SESSION)
        learned = self._knowledge.erase_user(tenant, user, turns, feedback)
        counts, versions = self._delete(tenant, user, said, turns, withdraw=erasure["withdraw"])
        counts |= learned
        fields: Document = {
            "erased": _added(erasure["erased"], counts),
            "versions": sorted({*erasure["versions"], *versions}),
        }
        if erasure["status"] == "tombstoned":
            fields |= {"status": "waiting", "next_at": now() + self._wait}
        elif self.count(tenant, user) == 0:
            left = search(self._connection, tenant, {user, f"jwt:{user}"})
            fields |= {
                "status": "done",
                "ended_at": now(),
                "name": "",
                "searched": [{"collection": name, "documents": count} for name, count in left.items()],
            }
        else:
            fields |= {"next_at": now() + self._wait}
        update: Document = {"$set": fields}
        if fields.get("status") == "done":
            update["$unset"] = {"open": "", "next_at": ""}
        self._of(tenant).update_one({"_id": erasure["_id"], "status": erasure["status"]}, update)
        return sessions

    def sessions(self, erasure: Document) -> list[str]:
        """The user's sessions that are still there."""
        mine = self._of(erasure["tenant"], "sessions").find({"user": erasure["name"]}, ("_id",))
        return [session["_id"] for session in mine]

    def note(self, tenant: str, erasure: str, counts: dict[str, int]) -> None:
        """Add what was erased outside of the database (KEPT), such as dead letters."""
        found = self.get(tenant, erasure)
        self._of(tenant).update_one({"_id": erasure}, {"$set": {"erased": _added(found["erased"], counts)}})

    def count(self, tenant: str, user: str) -> int:
        """Documents of the user that are left, in all collections."""
        left = sum(self._of(tenant, name).count({"user": user}) for name in OF_USER)
        return left + self._knowledge.count_of_user(tenant, user)

    def _delete(
        self, tenant: str, user: str, said: Document, turns: list[str], *, withdraw: bool
    ) -> tuple[dict[str, int], list[str]]:
        counts: dict[str, int] = {}
        made: Document = {"$or": [{"user": user}, {"turn": {"$in": turns}}]}
        examples = [one["_id"] for one in self._of(tenant, "examples").find(made, ("_id",))]
        versions = self._versions.mark_erased(tenant, examples) if examples else []
        if versions and withdraw:
            self._versions.withdraw(tenant, versions, by="erasure", comment="trained on an erased user's words")
        counts["examples"] = self._of(tenant, "examples").delete_many({"_id": {"$in": examples}}).deleted_count
        for name in OF_SESSION:
            counts[name] = self._of(tenant, name).delete_many(said).deleted_count
        counts["sessions"] = self._of(tenant, "sessions").delete_many({"user": user}).deleted_count
        counts["keys"] = self._of(tenant, "keys").delete_many({"user": user}).deleted_count
        counts |= self._unnamed(tenant, user)
        return {name: count for name, count in counts.items() if count or name in OF_USER}, versions

    def _unnamed(self, tenant: str, user: str) -> dict[str, int]:
        """Take the user's name out of what is others' and stays: who made a session, gave or decided on feedback,
        corrected a state; and out of names of files and reasons of refusals that hold it."""
        actor = f"jwt:{user}"
        counts: dict[str, int] = {}
        for name, field in (
            ("sessions", "owner"),
            ("sessions", "agent"),
            ("feedback", "by"),
            ("feedback", "reviewed_by"),
        ):
            changed = self._of(tenant, name).update_many({field: actor}, {"$set": {field: ERASED}}).modified_count
            counts[f"{name}.{field}"] = changed
        corrected = {"$set": {"corrections.$[mine].by": ERASED}}
        for session in self._of(tenant, "sessions").find({"corrections.by": actor}, ("_id",)):
            self._of(tenant, "sessions").update_one(
                {"_id": session["_id"]}, corrected, array_filters=[{"mine.by": actor}]
            )
        for name, field in (("imports", "name"), ("refused_lines", "reason")):
            holds = {field: {"$regex": rf"(?<!\w){re.escape(user)}(?!\w)"}}
            counts[f"{name}.{field}"] = (
                self._of(tenant, name).update_many(holds, {"$set": {field: ERASED}}).modified_count
            )
        return counts


def _added(before: list[Document], counts: dict[str, int]) -> list[Document]:
    total = {one["collection"]: one["documents"] for one in before}
    for name, count in counts.items():
        total[name] = total.get(name, 0) + count
    return [{"collection": name, "documents": count} for name, count in sorted(total.items())]
