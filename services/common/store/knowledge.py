"""Knowledge in MongoDB: documents, passages, vectors, facts, candidates, and the one log of what changed.

Everything an index needs is an immutable revision. After it is written, one entry with the tenant's next number
is appended to `knowledge_log`; that number is the watermark. The log is what the indexes follow, so a write
counts from its log entry on, and the same write sent again finds its entry and adds none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import BulkWriteError, DuplicateKeyError

from services.common.store.connection import Concern, Connection, Document, Scoped

SCHEMA_VERSION = 1
UP, DOWN = ASCENDING, DESCENDING
_DUPLICATE = 11000

KNOWLEDGE_INDEXES: dict[str, list[IndexModel]] = {
    "sources": [
        IndexModel([("tenant", UP), ("name", UP), ("revision", UP)], name="one_per_revision", unique=True),
        IndexModel(
            [("tenant", UP), ("request.id", UP)],
            name="one_per_request",
            unique=True,
            partialFilterExpression={"request.id": {"$exists": True}},
        ),
        IndexModel([("status", UP), ("created_at", UP)], name="unfinished"),
    ],
    "uploads": [IndexModel([("tenant", UP), ("_id", UP)], name="of_tenant")],
    "passages": [IndexModel([("tenant", UP), ("source", UP)], name="of_source")],
    "vectors": [IndexModel([("tenant", UP), ("_id", UP)], name="of_tenant")],
    "facts": [
        IndexModel([("tenant", UP), ("fact", UP), ("revision", UP)], name="one_per_revision", unique=True),
        IndexModel(
            [("tenant", UP), ("request.method", UP), ("request.id", UP)],
            name="one_per_request",
            unique=True,
            partialFilterExpression={"request.id": {"$exists": True}},
        ),
        IndexModel([("tenant", UP), ("author", UP)], name="of_author"),
    ],
    "candidates": [
        IndexModel([("tenant", UP), ("status", UP), ("_id", UP)], name="by_status"),
        IndexModel([("tenant", UP), ("origin", UP)], name="one_per_origin", unique=True),
    ],
    "knowledge_log": [
        IndexModel([("tenant", UP), ("seq", UP)], name="order", unique=True),
        IndexModel([("tenant", UP), ("what", UP)], name="one_per_write", unique=True),
    ],
}


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Change:
    """An entry of the log: `kind` is passages, fact, vectors, removed or erased; `ids` what it is about."""

    tenant: str
    seq: int
    kind: str
    ids: tuple[str, ...]
    detail: Document


def read_change(document: Document) -> Change:
    """The Change a `knowledge_log` document holds."""
    return Change(
        document["tenant"], document["seq"], document["kind"], tuple(document["ids"]), document.get("detail", {})
    )


class KnowledgeLog:
    """The numbered log of a database: one sequence without gaps per tenant."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def append(self, tenant: str, what: str, kind: str, ids: Sequence[str], detail: Document | None = None) -> int:
        """Appends one entry and returns its number, the watermark. KEPT.

        `what` names the write; the same `what` again returns the number it got first. Numbers are given in the
        order in which entries become visible: n + 1 is only written by who has seen n.
        """
        log = self.connection.scoped("knowledge_log", tenant)
        while True:
            present = log.find_one({"what": what}, {"seq": 1})
            if present is not None:
                return int(present["seq"])
            try:
                seq = self.head(tenant) + 1
                log.insert_one(
                    {
                        "_id": f"{tenant}/{seq}",
                        "schema_version": SCHEMA_VERSION,
                        "seq": seq,
                        "what": what,
                        "kind": kind,
                        "ids": list(ids),
                        "detail": detail or {},
                        "at": now(),
                    }
                )
                return seq
            except DuplicateKeyError:
                continue  # another writer took the number: read on from there

    def head(self, tenant: str) -> int:
        """The number of the tenant's last entry, 0 when it has none."""
        last = self.connection.scoped("knowledge_log", tenant).find_one({}, {"seq": 1}, sort=[("seq", DOWN)])
        return int(last["seq"]) if last else 0

    def heads(self) -> dict[str, int]:
        """The last number of every tenant that has knowledge. For the index's start and after a lost feed."""
        grouped = self.connection.every_tenant("knowledge_log").aggregate(
            [{"$group": {"_id": "$tenant", "seq": {"$max": "$seq"}}}]
        )
        return {row["_id"]: int(row["seq"]) for row in grouped}

    def tail(self, tenant: str, after: int, limit: int = 10_000) -> list[Change]:
        """The tenant's entries with a number above `after`, in order."""
        cursor = self.connection.scoped("knowledge_log", tenant).find({"seq": {"$gt": after}})
        return [read_change(document) for document in cursor.sort("seq", UP).limit(limit)]


def insert_missing(collection: Scoped, documents: Iterable[Document]) -> None:
    """Inserts the documents that are not there yet, by `_id`; those that are there stay as they are. KEPT."""
    rows = list(documents)
    if not rows:
        return
    try:
        collection.insert_many(rows, ordered=False)
    except BulkWriteError as error:
        others = [one for one in error.details.get("writeErrors", []) if one.get("code") != _DUPLICATE]
        if others:
            raise


def read_in_chunks(collection: Scoped, ids: Sequence[str], projection: Any = None) -> Iterator[Document]:
    """The documents with these ids, in no order; asks for a thousand at a time."""
    for start in range(0, len(ids), 1000):
        yield from collection.find({"_id": {"$in": list(ids[start : start + 1000])}}, projection)


__all__ = ["KNOWLEDGE_INDEXES", "Change", "Concern", "KnowledgeLog", "insert_missing", "read_change", "read_in_chunks"]
