"""Documents on their way into the knowledge base: uploads, their revisions, passages and vectors."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bson.binary import Binary
from pymongo.errors import DuplicateKeyError

from services.common.errors import AlreadyExists, NotFound
from services.common.ids import new_id
from services.common.store.connection import Concern, Connection, Document
from services.common.store.knowledge.log import (
    DOWN,
    SCHEMA_VERSION,
    KnowledgeLog,
    insert_missing,
    now,
    read_by_ids,
)

OPEN = ("queued", "running", "searchable")  # then: done, failed, superseded, deleted
MAX_DOCUMENT_BYTES = 12 * 1024 * 1024


@dataclass(frozen=True)
class Upload:
    """A document as a client sends it. `uri` is what re-uploads are recognised by."""

    uri: str
    content: bytes
    media_type: str
    title: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    user: str = ""
    request_id: str = ""

    @property
    def hash(self) -> str:
        """Of everything that changes what is searched; the same upload again has the same."""
        head = repr((self.media_type, self.title, sorted(self.labels)))
        return hashlib.sha256(head.encode() + b"\x00" + self.content).hexdigest()


def document_id(uri: str) -> str:
    """The id of the document that a uri names."""
    return "doc_" + hashlib.sha256(uri.encode()).hexdigest()[:26]


class DocumentStore:
    """Sources: one document per revision, its progress in it. The raw upload lives until it is searchable."""

    def __init__(self, connection: Connection, log: KnowledgeLog) -> None:
        self._connection = connection
        self._log = log

    def accept_document(self, tenant: str, upload: Upload) -> tuple[Document, bool]:
        """Stores the upload as the next revision of its document and returns (source, created). KEPT.

        The newest revision's own content again, or a `request_id` seen before, returns what is there with
        created false. Raises AlreadyExists when the request id came with another upload. The caller sends the
        job `knowledge.ingest` for a created one; `unfinished` finds those whose job was lost.
        """
        sources = self._connection.scoped("sources", tenant)
        while True:
            if upload.request_id:
                same = sources.find_one({"request.id": upload.request_id}, {"passages": 0})
                if same is not None:
                    if same["content_hash"] != upload.hash or same["uri"] != upload.uri:
                        raise AlreadyExists("request_id was used with another document")
                    return self._announce(tenant, same), False
            newest = self._newest(tenant, document_id(upload.uri))
            if newest and newest["content_hash"] == upload.hash and newest["status"] not in ("failed", "deleted"):
                return self._announce(tenant, newest), False
            source: Document = {
                "_id": new_id("ing"),
                "schema_version": SCHEMA_VERSION,
                "uri": upload.uri,
                "document": document_id(upload.uri),
                "revision": newest["revision"] + 1 if newest else 1,
                "title": upload.title,
                "media_type": upload.media_type,
                "content_hash": upload.hash,
                "size": len(upload.content),
                "labels": dict(upload.labels),
                "user": upload.user,
                "status": "queued",
                "reason": "",
                "passages_total": 0,
                "passages_embedded": 0,
                "watermark": 0,
                "created_at": now(),
                "updated_at": now(),
            }
            if upload.request_id:
                source["request"] = {"id": upload.request_id}
            self._connection.scoped("uploads", tenant).insert_one(
                {"_id": source["_id"], "user": upload.user, "content": Binary(upload.content), "at": now()}
            )
            try:
                sources.insert_one(source)
            except DuplicateKeyError:  # another upload of this document came between: look again
                self._connection.scoped("uploads", tenant).delete_one({"_id": source["_id"]})
                continue
            return self._announce(tenant, source), True

    def _announce(self, tenant: str, source: Document) -> Document:
        """Gives the accepted revision its place in the log; indexes stop short of it until it is searchable."""
        watermark = self._log.append(tenant, f"{source['_id']}/accepted", "document", [source["_id"]])
        self._connection.scoped("sources", tenant).update_one(
            {"_id": source["_id"]}, {"$set": {"watermark": watermark}}
        )
        return {**source, "watermark": watermark}

    def get_ingestion(self, tenant: str, ingestion: str) -> Document:
        """The source revision with its progress. Raises NotFound."""
        found = self._connection.scoped("sources", tenant).find_one({"_id": ingestion}, {"passages": 0})
        if found is None:
            raise NotFound(f"no ingestion {ingestion}")
        return found

    def unfinished(self, older_than_seconds: float, limit: int = 100) -> list[tuple[str, str]]:
        """(tenant, ingestion) of what is not finished and has not moved for so long; their jobs are sent again."""
        before = now() - timedelta(seconds=older_than_seconds)
        cursor = self._connection.every_tenant("sources").find(
            {"status": {"$in": list(OPEN)}, "updated_at": {"$lt": before}}, {"tenant": 1}
        )
        return [(row["tenant"], row["_id"]) for row in cursor.limit(limit)]

    def start_ingestion(self, tenant: str, ingestion: str) -> Document | None:
        """Marks an unfinished revision as running and returns it with its plan, None when it has ended. QUICK."""
        return self._connection.scoped("sources", tenant, Concern.QUICK).find_one_and_update(
            {"_id": ingestion, "status": {"$in": list(OPEN)}},
            [
                {
                    "$set": {
                        "status": {"$cond": [{"$eq": ["$status", "queued"]}, "running", "$status"]},
                        "updated_at": "$$NOW",
                    }
                }
            ],
        )

    def read_upload(self, tenant: str, ingestion: str) -> bytes | None:
        """The raw bytes, None once they are no longer needed."""
        found = self._connection.scoped("uploads", tenant).find_one({"_id": ingestion})
        return bytes(found["content"]) if found else None

    def plan_passages(self, tenant: str, ingestion: str, passages: Sequence[str]) -> None:
        """Writes which passages the revision has, before the first is searchable. KEPT."""
        self._connection.scoped("sources", tenant).update_one(
            {"_id": ingestion},
            {"$set": {"passages": list(passages), "passages_total": len(passages), "updated_at": now()}},
        )

    def add_passages(self, tenant: str, ingestion: str, chunk: int, passages: Sequence[Document]) -> int:
        """Inserts passages that are missing and logs them; returns the watermark. KEPT, idempotent by chunk."""
        insert_missing(self._connection.scoped("passages", tenant), passages)
        return self._log.append(
            tenant, f"{ingestion}/passages/{chunk}", "passages", [passage["_id"] for passage in passages]
        )

    def retire_passages(self, tenant: str, ingestion: str) -> int:
        """Logs the end of every passage of the source that its newest revision lacks; returns the watermark. KEPT.

        Called after a revision's passages were added. Whichever of two revisions in work ends last sees the
        other's plan, so that only the newest one's passages stay.
        """
        sources = self._connection.scoped("sources", tenant)
        own = sources.find_one({"_id": ingestion}, {"document": 1})
        if own is None:
            return 0
        revisions = list(
            sources.find({"document": own["document"], "passages": {"$exists": True}}, {"revision": 1, "passages": 1})
        )
        newest = max(revisions, key=lambda one: one["revision"], default=None)
        kept = set(newest["passages"]) if newest else set()
        gone = sorted({passage for one in revisions for passage in one["passages"]} - kept)
        if not gone:
            return 0
        return self._log.append(tenant, f"{ingestion}/removed", "removed", gone)

    def missing_vectors(self, tenant: str, passages: Sequence[str], encoder: str) -> list[str]:
        """Those of the passages that this encoder has made no vector of."""
        wanted = {f"{passage}@{encoder}": passage for passage in passages}
        vectors = self._connection.scoped("vectors", tenant)
        for row in read_by_ids(vectors, list(wanted), {"_id": 1}):
            wanted.pop(row["_id"], None)
        return list(wanted.values())

    def add_vectors(
        self, tenant: str, what: str, source: str, encoder: str, vectors: Iterable[tuple[str, bytes]]
    ) -> int:
        """Stores (passage or fact revision, float16 bytes) and logs them under `what`; the watermark. KEPT."""
        rows: list[Document] = [
            {"_id": f"{owner}@{encoder}", "owner": owner, "source": source, "encoder": encoder, "vector": Binary(data)}
            for owner, data in vectors
        ]
        insert_missing(self._connection.scoped("vectors", tenant), rows)
        return self._log.append(tenant, what, "vectors", [str(row["owner"]) for row in rows])

    def read_vectors(self, tenant: str, owners: Sequence[str], encoder: str) -> dict[str, bytes]:
        """The float16 bytes of those owners that have a vector."""
        vectors = self._connection.scoped("vectors", tenant)
        ids = [f"{owner}@{encoder}" for owner in owners]
        return {row["owner"]: bytes(row["vector"]) for row in read_by_ids(vectors, ids)}

    def read_passages(self, tenant: str, passages: Sequence[str]) -> dict[str, Document]:
        """The passages' documents by id; ids without one are left out."""
        rows = read_by_ids(self._connection.scoped("passages", tenant), passages)
        return {row["_id"]: row for row in rows}

    def progress(self, tenant: str, ingestion: str, **fields: object) -> None:
        """Sets progress fields of a revision. QUICK: the job repeats it."""
        self._connection.scoped("sources", tenant, Concern.QUICK).update_one(
            {"_id": ingestion}, {"$set": {**fields, "updated_at": now()}}
        )

    def settle(self, tenant: str, ingestion: str) -> int:
        """Logs that a revision is searchable, or never will be; searches waiting for it go on. KEPT."""
        return self._log.append(tenant, f"{ingestion}/settled", "settled", [ingestion])

    def close_ingestion(self, tenant: str, ingestion: str, status: str, reason: str = "") -> None:
        """Ends a revision as done, failed or superseded and drops its raw bytes. KEPT."""
        self.settle(tenant, ingestion)
        self._connection.scoped("sources", tenant).update_one(
            {"_id": ingestion, "status": {"$in": list(OPEN)}},
            {"$set": {"status": status, "reason": reason, "updated_at": now()}},
        )
        self._connection.scoped("uploads", tenant).delete_one({"_id": ingestion})

    def is_newest(self, tenant: str, document: str, revision: int) -> bool:
        """False once a later revision of the source, or its deletion, was accepted."""
        newest = self._newest(tenant, document)
        return newest is not None and newest["revision"] == revision

    def delete_document(self, tenant: str, document: str) -> tuple[int, int]:
        """Ends a document: its passages leave every index, text, vectors and raw bytes are deleted. KEPT.

        Returns (the watermark from which no search finds it, passages it had); deleting again answers the same.
        Raises NotFound when there never was one.
        """
        sources = self._connection.scoped("sources", tenant)
        newest = self._newest(tenant, document)
        if newest is None:
            raise NotFound(f"no document {document}")
        if newest["status"] == "deleted":
            self._purge(tenant, document)
            return int(newest["watermark"]), int(newest["passages_total"])
        marker = {
            **{key: newest[key] for key in ("uri", "document", "title", "media_type", "labels", "user")},
            "_id": new_id("ing"),
            "schema_version": SCHEMA_VERSION,
            "revision": newest["revision"] + 1,
            "content_hash": "",
            "size": 0,
            "status": "deleted",
            "reason": "",
            "passages": [],
            "passages_total": newest["passages_total"],
            "passages_embedded": 0,
            "watermark": 0,
            "created_at": now(),
            "updated_at": now(),
        }
        try:
            sources.insert_one(marker)
        except DuplicateKeyError:
            return self.delete_document(tenant, document)
        watermark = self.retire_passages(tenant, marker["_id"]) or self._log.head(tenant)
        sources.update_one({"_id": marker["_id"]}, {"$set": {"watermark": watermark}})
        self._purge(tenant, document)
        return watermark, int(newest["passages_total"])

    def _purge(self, tenant: str, document: str) -> None:
        """Deletes text, vectors and raw bytes of a deleted document; safe to repeat. KEPT."""
        sources = self._connection.scoped("sources", tenant)
        self._connection.scoped("passages", tenant).delete_many({"source": document})
        self._connection.scoped("vectors", tenant).delete_many({"source": document})
        for row in sources.find({"document": document}, {"_id": 1}):
            self._connection.scoped("uploads", tenant).delete_one({"_id": row["_id"]})

    def list_sources(self, tenant: str, after: str = "", limit: int = 100) -> list[Document]:
        """The newest revision of every document that is not deleted, by uri, from after `after`."""
        rows = self._connection.scoped("sources", tenant).aggregate(
            [
                {"$match": {"uri": {"$gt": after}}},
                {"$sort": {"uri": 1, "revision": -1}},
                {"$project": {"passages": 0}},
                {"$group": {"_id": "$uri", "newest": {"$first": "$$ROOT"}}},
                {"$match": {"newest.status": {"$ne": "deleted"}}},
                {"$sort": {"_id": 1}},
                {"$limit": limit},
            ]
        )
        return [row["newest"] for row in rows]

    def labels_of(self, tenant: str, documents: Iterable[str]) -> dict[str, set[str]]:
        """The callers' words about documents, by document id."""
        rows = self._connection.scoped("sources", tenant).find(
            {"document": {"$in": sorted(set(documents))}}, ("document", "labels", "revision")
        )
        found: dict[str, set[str]] = {}
        for row in rows.sort("revision", 1):
            found[row["document"]] = {word for word in row["labels"].get("words", "").split("\n") if word}
        return found

    def _newest(self, tenant: str, document: str) -> Document | None:
        return self._connection.scoped("sources", tenant).find_one(
            {"document": document}, {"passages": 0}, sort=[("revision", DOWN)]
        )
