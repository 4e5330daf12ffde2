"""Documents, facts, candidates and their uses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from antiphon.v1 import common_pb2
from antiphon.v1 import knowledge_pb2 as pb

from services.common.editions import Edition
from services.common.facts import BEGINNING
from services.common.passages import Structure
from services.common.store.knowledge import FactView, Use
from services.gateway.mapping.times import timestamp

_INGESTIONS = {
    "queued": pb.INGESTION_STATUS_ACCEPTED,
    "running": pb.INGESTION_STATUS_ACCEPTED,
    "searchable": pb.INGESTION_STATUS_SEARCHABLE,
    "done": pb.INGESTION_STATUS_COMPLETE,
    "failed": pb.INGESTION_STATUS_FAILED,
    "superseded": pb.INGESTION_STATUS_SUPERSEDED,
    "deleted": pb.INGESTION_STATUS_DELETED,
}
_FACTS = {
    "current": pb.FACT_STATUS_CURRENT,
    "superseded": pb.FACT_STATUS_SUPERSEDED,
    "retracted": pb.FACT_STATUS_RETRACTED,
}
_OPERATIONS = {
    "assert": pb.FACT_OPERATION_ASSERT,
    "retract": pb.FACT_OPERATION_RETRACT,
    "undo": pb.FACT_OPERATION_UNDO,
}
CANDIDATES: dict[int, str] = {
    pb.CANDIDATE_STATUS_WAITING: "waiting",
    pb.CANDIDATE_STATUS_CONFIRMED: "confirmed",
    pb.CANDIDATE_STATUS_REJECTED: "rejected",
}
_CANDIDATE_NUMBERS = {word: number for number, word in CANDIDATES.items()}


def ingestion_message(source: Mapping[str, Any]) -> pb.Ingestion:
    """One upload of a document, with its progress."""
    searchable = source["status"] in ("searchable", "done")
    return pb.Ingestion(
        id=source["_id"],
        name=source["uri"],
        revision=source["revision"],
        status=_INGESTIONS.get(source["status"], pb.INGESTION_STATUS_UNSPECIFIED),
        passages=source["passages_total"],
        searchable=source["passages_total"] if searchable else 0,
        embedded=source["passages_embedded"],
        watermark=source.get("watermark") or 0,
        error=source.get("reason") or "",
        create_time=timestamp(source["created_at"]),
        update_time=timestamp(source["updated_at"]),
        warnings=source.get("warnings") or (),
        effective=Edition.of(source).said,
    )


def provenance_json(given: pb.Provenance) -> dict[str, str]:
    """The parts of a provenance that are filled, by the store's names."""
    parts = {
        "turn": given.turn_id,
        "feedback": given.feedback_id,
        "document": given.document_name,
        "quote": given.quote,
    }
    return {name: value for name, value in parts.items() if value}


def _provenance(stored: Mapping[str, Any], author: str) -> pb.Provenance:
    return pb.Provenance(
        turn_id=stored.get("turn") or "",
        feedback_id=stored.get("feedback") or "",
        document_name=stored.get("document") or "",
        author=author,
        quote=stored.get("quote") or "",
    )


def fact_or_none(view: FactView | None) -> pb.Fact | None:
    """As ``fact_message``; None for none."""
    return None if view is None else fact_message(view)


def fact_message(view: FactView) -> pb.Fact:
    """A revision of a fact and what became of it."""
    fact = view.fact
    return pb.Fact(
        id=fact.id,
        revision=fact.revision,
        entity=fact.entity,
        slot=fact.slot,
        value=fact.value,
        text=fact.prompt_text if fact.operation == "assert" else "",
        status=_FACTS.get(view.status, pb.FACT_STATUS_UNSPECIFIED),
        valid_from=_since(fact.valid_from),
        valid_to=timestamp(fact.valid_to),
        superseded_by=view.superseded_by,
        depends_on=[common_pb2.FactRef(id=other, revision=revision) for other, revision in fact.depends_on],
        provenance=_provenance(fact.provenance, fact.author),
        create_time=timestamp(fact.recorded_at),
        operation=_OPERATIONS[fact.operation],
        undoes=fact.undoes,
        multi=fact.multi,
        authority=fact.authority,
        labels=fact.provenance.get("labels") or (),
        stale=view.stale,
    )


def _since(value: datetime) -> Any:
    return timestamp(value) if value > BEGINNING else None


def candidate_message(candidate: Mapping[str, Any], conflict: FactView | None = None) -> pb.Candidate:
    """A candidate, and the fact it would supersede."""
    return pb.Candidate(
        id=candidate["_id"],
        entity=candidate["entity"],
        slot=candidate["slot"],
        value=candidate["value"],
        text=candidate["text"],
        provenance=_provenance(candidate["provenance"], candidate.get("author") or ""),
        status=_CANDIDATE_NUMBERS.get(candidate["status"], pb.CANDIDATE_STATUS_UNSPECIFIED),  # type: ignore[arg-type]
        conflicts_with=fact_or_none(conflict),
        create_time=timestamp(candidate["created_at"]),
        question=candidate.get("question") or "",
        retracts=candidate.get("retracts") or "",
    )


def use_message(use: Use) -> pb.DraftUse:
    return pb.DraftUse(
        session_id=use.session,
        turn_id=use.turn,
        draft_id=use.draft,
        round=use.round,
        revision=use.revision,
        create_time=timestamp(use.at),
    )


def passage_message(row: Mapping[str, Any]) -> pb.Passage:
    """A stored passage."""
    structure = Structure.of(row)
    return pb.Passage(
        id=row["_id"],
        revision=row["revision"],
        document_name=row["uri"],
        document_revision=row["revision"],
        headings=[name for name in (structure.title, *structure.headings) if name],
        text=row["text"],
    )
