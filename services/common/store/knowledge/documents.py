"""Documents as clients know them: uploaded, of which revision, deleted with everything made of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from bson.binary import Binary
from pymongo.errors import DuplicateKeyError

from services.common.clock import now
from services.common.errors import AlreadyExists, NotFound
from services.common.ids import new_id
from services.common.store.connection import Document
from services.common.store.knowledge.ingesting import IngestStore
from services.common.store.knowledge.log import SCHEMA_VERSION

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


class DocumentStore(IngestStore):
    """Sources: one document per revision, its progress in it. The raw upload lives until it is searchable."""

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

    def contents(self, tenant: str, document: str) -> tuple[Document, list[str]]:
        """A document's newest upload, and the passages of its newest revision that was read, in the document's order.

        Raises NotFound where there is none, or it was deleted.
        """
        newest = self._newest(tenant, document)
        if newest is None or newest["status"] == "deleted":
            raise NotFound("there is no such document")
        read = self._connection.scoped("sources", tenant).find_one(
            {"document": document, "passages": {"$exists": True}}, {"passages": 1}, sort=[("revision", -1)]
        )
        return newest, list(read["passages"]) if read else []

    def labels_of(self, tenant: str, documents: Iterable[str]) -> dict[str, set[str]]:
        """The callers' words about documents, by document id."""
        rows = self._connection.scoped("sources", tenant).find(
            {"document": {"$in": sorted(set(documents))}}, ("document", "labels", "revision")
        )
        found: dict[str, set[str]] = {}
        for row in rows.sort("revision", 1):
            found[row["document"]] = {word for word in row["labels"].get("words", "").split("\n") if word}
        return found
