"""An uploaded document becomes passages that can be found: by words at once, by meaning as vectors come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import structlog

from services.common.store import Store
from services.knowledge.domain.passages import Passage, cut
from services.knowledge.domain.reading import Unreadable
from services.knowledge.parsing import read_limited
from services.models.sentence_encoder import SentenceEncoder

log = structlog.get_logger(__name__)
_PASSAGES = 256  # passages a log entry
_VECTORS = 64  # vectors a log entry


class Ingester:
    """Works on one ingestion at a time and thread; every step of it may be repeated after a crash."""

    def __init__(self, store: Store, encoder: SentenceEncoder) -> None:
        self._store = store.knowledge
        self._encoder = encoder

    def run(self, tenant: str, ingestion: str) -> None:
        """Reads, cuts, makes searchable, retires what the document lost, embeds what has no vector yet.

        A document that cannot be read ends as failed with the reason. What ended before is left alone.
        """
        source = self._store.start_ingestion(tenant, ingestion)
        if source is None:
            return
        if not self._store.is_newest(tenant, source["document"], source["revision"]):
            self._store.close_ingestion(tenant, ingestion, "superseded")
            return
        content = self._store.read_upload(tenant, ingestion)
        if content is None:
            self._store.close_ingestion(tenant, ingestion, "failed", "the upload is gone")
            return
        try:
            sections = read_limited(content, source["media_type"], source["title"])
        except Unreadable as error:
            log.info("document_unreadable", tenant=tenant, ingestion=ingestion, reason=str(error))
            self._store.close_ingestion(tenant, ingestion, "failed", str(error))
            return
        passages = cut(f"{tenant}/{source['document']}", sections, self._encoder.count_many)
        self._make_searchable(tenant, source, passages)
        self._embed(tenant, source, passages)
        if self._store.is_newest(tenant, source["document"], source["revision"]):
            self._store.close_ingestion(tenant, ingestion, "done")
        else:
            self._store.retire_passages(tenant, ingestion)
            self._store.close_ingestion(tenant, ingestion, "superseded")

    def _make_searchable(self, tenant: str, source: dict[str, Any], passages: Sequence[Passage]) -> None:
        ingestion = source["_id"]
        self._store.plan_passages(tenant, ingestion, [passage.id for passage in passages])
        for chunk, start in enumerate(range(0, len(passages), _PASSAGES)):
            some = passages[start : start + _PASSAGES]
            known = self._encoder.known([passage.text for passage in some])
            rows = [_document(source, passage, share) for passage, share in zip(some, known, strict=True)]
            self._store.add_passages(tenant, ingestion, chunk, rows)
        self._store.retire_passages(tenant, ingestion)
        self._store.settle(tenant, ingestion)
        self._store.progress(tenant, ingestion, status="searchable")

    def _embed(self, tenant: str, source: dict[str, Any], passages: Sequence[Passage]) -> None:
        ingestion = source["_id"]
        missing = set(self._store.missing_vectors(tenant, [one.id for one in passages], self._encoder.name))
        waiting = [passage for passage in passages if passage.id in missing]
        done = len(passages) - len(waiting)
        for start in range(0, len(waiting), _VECTORS):
            batch = waiting[start : start + _VECTORS]
            vectors = self._encoder.encode([passage.searchable for passage in batch])
            self._store.add_vectors(
                tenant,
                f"{ingestion}/vectors/{batch[0].id}",
                source["document"],
                self._encoder.name,
                [(one.id, vector.astype(np.float16).tobytes()) for one, vector in zip(batch, vectors, strict=True)],
            )
            done += len(batch)
            self._store.progress(tenant, ingestion, passages_embedded=done)
        self._store.progress(tenant, ingestion, passages_embedded=len(passages))


def _document(source: dict[str, Any], passage: Passage, known: float) -> dict[str, Any]:
    return {
        "_id": passage.id,
        "schema_version": 1,
        "source": source["document"],
        "uri": source["uri"],
        "revision": source["revision"],
        "heading": passage.heading,
        "text": passage.text,
        "order": passage.order,
        "known": round(known, 4),
        "access": sorted(one for one in source["labels"].get("access", "").split(",") if one),
        "user": source["user"],
    }
