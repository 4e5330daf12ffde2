"""How much a tenant uses of what quotas limit: counted where it stands, or in a window that all gateways share."""

from __future__ import annotations

from datetime import datetime, timedelta

from pymongo.errors import DuplicateKeyError

from services.common.clock import now
from services.common.store.connection import Concern, Connection, Document, Scoped
from services.common.store.requests import Request

PARTS = 12  # of a window; what leaves it leaves by such a part, so that a window may seem up to 1/12 longer


class Usage:
    """Counts of one tenant's documents, and the ``usage`` collection: one document a tenant and window."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _of(self, tenant: str, name: str) -> Scoped:
        return self._connection.scoped(name, tenant, Concern.QUICK)

    def spend(self, tenant: str, what: str, limit: int, seconds: float) -> float:
        """Take one of ``limit`` in any ``seconds`` (QUICK): 0 where it was granted, else how long until one is free.

        One conditional write on the database's clock decides, so that several gateways count together.
        """
        part = seconds * 1000 / PARTS
        fresh = {"$filter": {"input": {"$ifNull": ["$parts", []]}, "cond": {"$gte": ["$$this.at", _minus("$part")]}}}
        kept = {"$filter": {"input": "$parts", "cond": {"$lt": ["$$this.at", "$part"]}}}
        same = {"$filter": {"input": "$parts", "cond": {"$eq": ["$$this.at", "$part"]}}}
        added = {"at": "$part", "count": {"$add": [1, {"$sum": {"$map": {"input": same, "in": "$$this.count"}}}]}}
        pipeline: list[Document] = [
            {"$set": {"part": {"$floor": {"$divide": [{"$toLong": "$$NOW"}, part]}}, "at": "$$NOW"}},
            {"$set": {"parts": fresh}},
            {"$set": {"granted": {"$lt": [{"$sum": "$parts.count"}, limit]}}},
            {"$set": {"parts": {"$cond": ["$granted", {"$concatArrays": [kept, [added]]}, "$parts"]}}},
        ]
        for _ in range(2):  # the first of all may meet another first one
            try:
                window = self._of(tenant, "usage").find_one_and_update(
                    {"_id": f"{tenant}/{what}"}, pipeline, upsert=True
                )
                break
            except DuplicateKeyError:
                continue
        else:
            raise RuntimeError("two upserts of one window lost to others that are not there")
        assert window is not None
        if window["granted"]:
            return 0.0
        freed = float(window["parts"][0]["at"] + PARTS + 1) * part / 1000
        now_s: float = window["at"].timestamp()
        return max(0.1, freed - now_s)

    def knows(self, tenant: str, name: str, request: Request) -> bool:
        """Whether this request has made a document of that collection before, and so costs nothing more."""
        field = "revision_requests" if request.method in ("ReviseTurn", "RetryTurn") else "request.id"
        return self._of(tenant, name).count({field: request.id}, limit=1) > 0

    def open_sessions(self, tenant: str, limit: int) -> int:
        """Sessions that have not ended, counted up to ``limit``."""
        return self._of(tenant, "sessions").count({"status": "open"}, limit=limit)

    def pending_feedback(self, tenant: str, limit: int) -> int:
        """Feedback records that wait to be processed, counted up to ``limit``."""
        return self._of(tenant, "feedback").count({"status": "stored"}, limit=limit)

    def document_bytes(self, tenant: str, but: str) -> int:
        """Bytes of the newest revisions of all documents; the one with the id ``but`` is left out."""
        groups = self._of(tenant, "sources").aggregate(
            [
                {"$match": {"document": {"$ne": but}}},
                {"$sort": {"document": 1, "revision": -1}},
                {"$group": {"_id": "$document", "size": {"$first": "$size"}, "status": {"$first": "$status"}}},
                {"$match": {"status": {"$nin": ["deleted", "failed"]}}},
                {"$group": {"_id": None, "size": {"$sum": "$size"}}},
            ]
        )
        return sum(int(group["size"]) for group in groups)

    def facts(self, tenant: str, but: str) -> int:
        """Facts whose last statement was not taken back; the one with the id ``but`` is left out."""
        groups = self._of(tenant, "facts").aggregate(
            [
                {"$match": {"fact": {"$ne": but}}},
                {"$sort": {"fact": 1, "revision": -1}},
                {"$group": {"_id": "$fact", "last": {"$first": "$operation"}}},
                {"$match": {"last": "assert"}},
                {"$count": "facts"},
            ]
        )
        return sum(int(group["facts"]) for group in groups)

    def trainings(self, tenant: str, seconds: float) -> list[datetime]:
        """When the trainings of the last so many seconds were started, the earliest first."""
        since: Document = {"created_at": {"$gt": now() - timedelta(seconds=seconds)}}
        return [run["created_at"] for run in self._of(tenant, "training_runs").find(since).sort("_id", 1)]


def _minus(part: str) -> Document:
    return {"$subtract": [part, PARTS]}
