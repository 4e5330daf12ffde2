"""The numbered log of what changed in a tenant's knowledge, and the indexes of all knowledge collections.

Everything a search index needs is an immutable revision. After it is written, one entry with the tenant's next
number is appended to `knowledge_log`; that number is the watermark. The log is what the search indexes follow, so
a write counts from its log entry on, and the same write sent again finds its entry and adds none.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import BulkWriteError, DuplicateKeyError, PyMongoError

from services.common.clock import now
from services.common.store.connection import Connection, Document, Scoped

log = structlog.get_logger(__name__)
SCHEMA_VERSION = 1
UP, DOWN = ASCENDING, DESCENDING
_DUPLICATE = 11000
_PER_REQUEST = {"unique": True, "partialFilterExpression": {"request.id": {"$exists": True}}}

KNOWLEDGE_INDEXES: dict[str, list[IndexModel]] = {
    "sources": [
        IndexModel([("tenant", UP), ("document", UP), ("revision", UP)], name="one_per_revision", unique=True),
        IndexModel([("tenant", UP), ("request.id", UP)], name="one_per_request", **_PER_REQUEST),
        IndexModel([("status", UP), ("created_at", UP)], name="unfinished"),
    ],
    "passages": [IndexModel([("tenant", UP), ("source", UP)], name="of_source")],
    "vectors": [IndexModel([("tenant", UP), ("source", UP)], name="of_source")],
    "facts": [
        IndexModel([("tenant", UP), ("fact", UP), ("revision", UP)], name="one_per_revision", unique=True),
        IndexModel([("tenant", UP), ("entity_key", UP), ("slot_key", UP)], name="of_entity"),
        IndexModel(
            [("tenant", UP), ("request.method", UP), ("request.id", UP)], name="one_per_request", **_PER_REQUEST
        ),
        IndexModel([("tenant", UP), ("author", UP)], name="of_author"),
    ],
    "candidates": [
        IndexModel([("tenant", UP), ("status", UP), ("_id", UP)], name="by_status"),
        IndexModel([("tenant", UP), ("origin", UP)], name="one_per_origin", unique=True),
        IndexModel([("outbox", UP)], name="outbox", partialFilterExpression={"outbox": {"$exists": True}}),
    ],
    "turns": [
        IndexModel(
            [("tenant", UP), (f"drafts.manifest.{group}.id", UP)],
            name=f"using_{group}",
            partialFilterExpression={f"drafts.manifest.{group}.id": {"$exists": True}},
        )
        for group in ("passages", "facts")
    ],
    "knowledge_log": [
        IndexModel([("tenant", UP), ("seq", UP)], name="order", unique=True),
        IndexModel([("tenant", UP), ("what", UP)], name="one_per_write", unique=True),
    ],
}


@dataclass(frozen=True)
class Change:
    """An entry of the log; `ids` are what it is about.

    `kind`: document (accepted, searchable from its `settled` on), settled, passages, removed, vectors, fact, erased.
    """

    tenant: str
    seq: int
    kind: str
    ids: tuple[str, ...]

    @classmethod
    def read(cls, document: Document) -> Change:
        """The change that a `knowledge_log` document holds."""
        return cls(document["tenant"], document["seq"], document["kind"], tuple(document["ids"]))


@dataclass(frozen=True)
class Heads:
    """Tenants with the number of their last entry: of all tenants where `complete`, else of those that moved."""

    seqs: dict[str, int]
    complete: bool


class KnowledgeLog:
    """One sequence without gaps per tenant."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(self, tenant: str, what: str, kind: str, ids: Sequence[str]) -> int:
        """Appends one entry and returns its number, the watermark. KEPT.

        `what` names the write; the same `what` again returns the number it got first. Numbers are given in the
        order in which entries become visible: n + 1 is only written by who has seen n.
        """
        log = self._connection.scoped("knowledge_log", tenant)
        while True:
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
                        "at": now(),
                    }
                )
                return seq
            except DuplicateKeyError:  # this write was made before, or another writer took the number
                present = self.watermark(tenant, what)
                if present:
                    return present

    def watermark(self, tenant: str, what: str) -> int:
        """The number that the write `what` got, 0 when it is not in the log."""
        found = self._connection.scoped("knowledge_log", tenant).find_one({"what": what}, {"seq": 1})
        return int(found["seq"]) if found else 0

    def head(self, tenant: str) -> int:
        """The number of the tenant's last entry, 0 when it has none."""
        last = self._connection.scoped("knowledge_log", tenant).find_one({}, {"seq": 1}, sort=[("seq", DOWN)])
        return int(last["seq"]) if last else 0

    def heads(self) -> dict[str, int]:
        """The last number of every tenant that has knowledge; for the start and after a lost feed."""
        grouped = self._connection.every_tenant("knowledge_log").aggregate(
            [{"$group": {"_id": "$tenant", "seq": {"$max": "$seq"}}}]
        )
        return {row["_id"]: int(row["seq"]) for row in grouped}

    def follow(self, stopping: threading.Event) -> Iterator[Heads]:
        """Yields who has new entries until `stopping`: first all heads, and all again after every lost stream.

        Notices may repeat and come late; the log itself says what is new. Ends within half a second of the stop.
        """
        collection = self._connection.every_tenant("knowledge_log")
        inserts = [{"$match": {"operationType": "insert"}}]
        while not stopping.is_set():
            try:
                with collection.watch(inserts, max_await_time_ms=500) as stream:
                    stream.try_next()  # the server has opened it: nothing written from here on goes unnoticed
                    yield Heads(self.heads(), complete=True)
                    while not stopping.is_set():
                        notice = stream.try_next()
                        if notice is not None:
                            entry = notice["fullDocument"]
                            yield Heads({entry["tenant"]: entry["seq"]}, complete=False)
            except PyMongoError as error:  # a lost connection or lost history: both end in reading the heads anew
                if not stopping.is_set():
                    log.warning("knowledge_log_lost", error=repr(error))
                    stopping.wait(0.5)

    def tail(self, tenant: str, after: int, limit: int = 1000) -> list[Change]:
        """At most `limit` entries of the tenant with numbers above `after`, in order."""
        cursor = self._connection.scoped("knowledge_log", tenant).find({"seq": {"$gt": after}})
        return [Change.read(document) for document in cursor.sort("seq", UP).limit(limit)]


def insert_missing(collection: Scoped, documents: Iterable[Document]) -> None:
    """Inserts the documents whose `_id` is not there yet and leaves those that are as they are. KEPT."""
    rows = list(documents)
    if not rows:
        return
    try:
        collection.insert_many(rows, ordered=False)
    except BulkWriteError as error:
        if any(one.get("code") != _DUPLICATE for one in (error.details or {}).get("writeErrors", [])):
            raise


def read_by_ids(collection: Scoped, ids: Sequence[str], projection: Any = None) -> Iterator[Document]:
    """The documents with these ids, in no order; asks for a thousand at a time."""
    for start in range(0, len(ids), 1000):
        yield from collection.find({"_id": {"$in": list(ids[start : start + 1000])}}, projection)
