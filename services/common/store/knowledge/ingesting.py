"""What the ingest job reads and writes: a revision's progress, its passages and their vectors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from bson.binary import Binary

from services.common.clock import now
from services.common.editions import Dated, Edition
from services.common.store.connection import Concern, Connection, Document
from services.common.store.knowledge.log import DOWN, KnowledgeLog, insert_missing, read_by_ids

_PLACE = {"order": 1, "structure": 1}
OPEN = ("queued", "running", "searchable")  # then: done, failed, superseded, deleted


class IngestStore:
    """Every step may be repeated after a crash: passages, vectors and log entries are there once."""

    def __init__(self, connection: Connection, log: KnowledgeLog) -> None:
        self._connection = connection
        self._log = log

    def unfinished(self, older_than_seconds: float, limit: int = 100) -> list[tuple[str, str]]:
        """(tenant, ingestion) of what is not finished and has not moved for so long; their jobs are sent again."""
        before = now() - timedelta(seconds=older_than_seconds)
        cursor = self._connection.every_tenant("sources").find(
            {"status": {"$in": list(OPEN)}, "updated_at": {"$lt": before}}, {"tenant": 1}
        )
        return [(row["tenant"], row["_id"]) for row in cursor.limit(limit)]

    def start_ingestion(self, tenant: str, ingestion: str) -> Document | None:
        """Marks an unfinished revision as running and returns it with its plan, None when it has ended. QUICK.

        `attempts` counts the calls since it last moved on (see `progress`), this one too.
        """
        return self._connection.scoped("sources", tenant, Concern.QUICK).find_one_and_update(
            {"_id": ingestion, "status": {"$in": list(OPEN)}},
            [
                {
                    "$set": {
                        "status": {"$cond": [{"$eq": ["$status", "queued"]}, "running", "$status"]},
                        "attempts": {"$add": [{"$ifNull": ["$attempts", 0]}, 1]},
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

    def describe(self, tenant: str, ingestion: str, title: str, edition: Document, warnings: Sequence[str]) -> None:
        """Writes what the revision's content says of itself, and what of it was not kept. QUICK: the job repeats it."""
        self._connection.scoped("sources", tenant, Concern.QUICK).update_one(
            {"_id": ingestion}, {"$set": {"own_title": title, "edition": edition, "warnings": list(warnings)}}
        )

    def add_passages(self, tenant: str, ingestion: str, chunk: int, passages: Sequence[Document]) -> int:
        """Inserts passages that are missing and logs them; returns the watermark. KEPT, idempotent by chunk.

        Of a passage that stays, where it stands in the document is written anew: its order and its structure.
        """
        collection = self._connection.scoped("passages", tenant)
        kept = {row["_id"]: row for row in read_by_ids(collection, [passage["_id"] for passage in passages], _PLACE)}
        for passage in passages:
            place = {name: passage.get(name) for name in ("order", "structure")}
            if passage["_id"] in kept and place != {name: kept[passage["_id"]].get(name) for name in place}:
                collection.update_one({"_id": passage["_id"]}, {"$set": place})
        insert_missing(collection, [passage for passage in passages if passage["_id"] not in kept])
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

    def table_rows(self, tenant: str, source: str, table: int) -> list[Document]:
        """The passages of one table of a document (`structure.table`), in the order of its rows; those of its newest
        revision alone."""
        newest = self._connection.scoped("sources", tenant).find_one(
            {"document": source, "passages": {"$exists": True}}, {"passages": 1}, sort=[("revision", DOWN)]
        )
        kept = set(newest["passages"]) if newest else set()
        rows = self._connection.scoped("passages", tenant).find({"source": source, "structure.table": table})
        return sorted((row for row in rows if row["_id"] in kept), key=lambda row: row["order"])

    def editions(self, tenant: str, documents: Iterable[str]) -> dict[str, Dated]:
        """Name, title and edition of the newest read revision of each of these documents, by document id."""
        rows = self._connection.scoped("sources", tenant).find(
            {"document": {"$in": sorted(set(documents))}, "edition": {"$exists": True}},
            ("document", "uri", "title", "own_title", "edition", "revision"),
        )
        return {
            row["document"]: Dated(row["uri"], row.get("own_title") or row["title"], Edition.of(row))
            for row in rows.sort("revision", 1)
        }

    def read_passages(self, tenant: str, passages: Sequence[str]) -> dict[str, Document]:
        """The passages' documents by id; ids without one are left out."""
        rows = read_by_ids(self._connection.scoped("passages", tenant), passages)
        return {row["_id"]: row for row in rows}

    def progress(self, tenant: str, ingestion: str, **fields: object) -> None:
        """Sets progress fields of a revision, which starts its attempts anew. QUICK: the job repeats it."""
        self._connection.scoped("sources", tenant, Concern.QUICK).update_one(
            {"_id": ingestion}, {"$set": {**fields, "attempts": 0, "updated_at": now()}}
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

    def _newest(self, tenant: str, document: str) -> Document | None:
        return self._connection.scoped("sources", tenant).find_one(
            {"document": document}, {"passages": 0}, sort=[("revision", DOWN)]
        )
