"""An uploaded document becomes passages that can be found: by words at once, by meaning as vectors come."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import structlog

from services.common.store import Store
from services.common.store.turns import SCHEMA_VERSION
from services.knowledge.domain.blocks import Unreadable
from services.knowledge.domain.passages import Passage
from services.knowledge.parsing import Parsed, Source, parse_limited
from services.models.encoder_files import Vectors

log = structlog.get_logger(__name__)
_PASSAGES = 256  # passages a log entry
_VECTORS = 64  # vectors a log entry
MAX_ATTEMPTS = 3  # without any progress; then the document is at fault


class TextEncoder(Protocol):
    """What is needed of an encoder."""

    name: str
    tokenizer_file: Path

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of the texts."""
        ...


class Ingester:
    """Works on one ingestion at a time and thread; every step of it may be repeated after a crash."""

    def __init__(self, store: Store, encoder: TextEncoder) -> None:
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
        if source["attempts"] > MAX_ATTEMPTS:
            reason = f"reading it was tried {MAX_ATTEMPTS} times and never came to an end"
            log.warning("ingestion_given_up", tenant=tenant, ingestion=ingestion)
            self._store.close_ingestion(tenant, ingestion, "failed", reason)
            return
        what = Source(
            kind=source["media_type"],
            source=f"{tenant}/{source['document']}",
            pieces=self._encoder.tokenizer_file,
            title=source["title"],
            name=source["uri"],
        )
        try:
            parsed = parse_limited(content, what)
        except Unreadable as error:
            log.info("document_unreadable", tenant=tenant, ingestion=ingestion, reason=str(error))
            self._store.close_ingestion(tenant, ingestion, "failed", str(error))
            return
        self._make_searchable(tenant, source, parsed)
        self._embed(tenant, source, parsed.passages)
        if self._store.is_newest(tenant, source["document"], source["revision"]):
            self._store.close_ingestion(tenant, ingestion, "done")
        else:
            self._store.retire_passages(tenant, ingestion)
            self._store.close_ingestion(tenant, ingestion, "superseded")

    def _make_searchable(self, tenant: str, source: dict[str, Any], parsed: Parsed) -> None:
        ingestion = source["_id"]
        self._store.plan_passages(tenant, ingestion, [passage.id for passage in parsed.passages])
        self._store.describe(tenant, ingestion, parsed.title, parsed.edition.stored(), parsed.warnings)
        rows = [_document(source, *pair) for pair in zip(parsed.passages, parsed.known, strict=True)]
        for chunk, start in enumerate(range(0, len(rows), _PASSAGES)):
            self._store.add_passages(tenant, ingestion, chunk, rows[start : start + _PASSAGES])
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
        "schema_version": SCHEMA_VERSION,
        "source": source["document"],
        "uri": source["uri"],
        "revision": source["revision"],
        "heading": passage.heading,
        "text": passage.text,
        "order": passage.order,
        "structure": passage.structure.stored(),
        "known": round(known, 4),
        "access": sorted(one for one in source["labels"].get("access", "").split(",") if one),
        "user": source["user"],
    }
