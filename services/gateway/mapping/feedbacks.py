"""Feedback and constraints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from antiphon.v1 import feedback_pb2

from services.common.store.imports import RefusedLine
from services.gateway.mapping.times import timestamp

_KIND_PREFIX, _UNIT_PREFIX, _SOURCE_PREFIX = "CONSTRAINT_KIND_", "LENGTH_UNIT_", "CONSTRAINT_SOURCE_"


def constraint_json(message: feedback_pb2.Constraint) -> dict[str, Any]:
    """A typed constraint as it is stored; unspecified enums become empty words."""
    return {
        "kind": _word(feedback_pb2.ConstraintKind, message.kind, _KIND_PREFIX),
        "value": message.value,
        "unit": _word(feedback_pb2.LengthUnit, message.unit, _UNIT_PREFIX),
        "min": message.min if message.HasField("min") else None,
        "max": message.max if message.HasField("max") else None,
        "source": "typed",
    }


def constraint_messages(documents: Iterable[Mapping[str, Any]]) -> list[feedback_pb2.Constraint]:
    """Stored constraints as messages."""
    return [
        feedback_pb2.Constraint(
            kind=_number(feedback_pb2.ConstraintKind, one.get("kind"), _KIND_PREFIX),
            value=one.get("value") or "",
            unit=_number(feedback_pb2.LengthUnit, one.get("unit"), _UNIT_PREFIX),
            min=one.get("min"),
            max=one.get("max"),
            source=_number(feedback_pb2.ConstraintSource, one.get("source"), _SOURCE_PREFIX),
        )
        for one in documents
    ]


def _word(enum: Any, number: int, prefix: str) -> str:
    name: str = enum.Name(number) if number in enum.values() else ""
    word = name.removeprefix(prefix).lower()
    return "" if word == "unspecified" else word


def _number(enum: Any, word: str | None, prefix: str) -> Any:
    name = f"{prefix}{(word or 'unspecified').upper()}"
    return enum.Value(name) if name in enum.keys() else 0  # noqa: SIM118  (no mapping)


def feedback_json(message: feedback_pb2.Feedback) -> dict[str, Any]:
    """Feedback as it is stored with a draft or a record."""
    return {
        "rating": message.rating if message.HasField("rating") else None,
        "comment": message.comment,
        "edited_text": message.edited_text if message.HasField("edited_text") else None,
        "constraints": [constraint_json(one) for one in message.constraints],
    }


def feedback_message(document: Mapping[str, Any] | None) -> feedback_pb2.Feedback | None:
    """Stored feedback; None where there is none."""
    if not document:
        return None
    return feedback_pb2.Feedback(
        rating=document.get("rating"),
        comment=document.get("comment") or "",
        edited_text=document.get("edited_text"),
        constraints=constraint_messages(document.get("constraints") or ()),
    )


_STATUSES = {
    "stored": feedback_pb2.FEEDBACK_STATUS_STORED,
    "processed": feedback_pb2.FEEDBACK_STATUS_PROCESSED,
    "refused": feedback_pb2.FEEDBACK_STATUS_REFUSED,
    "held": feedback_pb2.FEEDBACK_STATUS_HELD,
}


def record_message(record: Mapping[str, Any]) -> feedback_pb2.FeedbackRecord:
    """A feedback record as stored."""
    return feedback_pb2.FeedbackRecord(
        id=record["_id"],
        turn_id=record.get("turn") or "",
        session_id=record.get("session") or "",
        round=record.get("round") or 0,
        user_id=record.get("user") or "",
        feedback=feedback_message(record),
        understood=constraint_messages(record.get("understood") or ()),
        prompt=record.get("prompt") or "",
        reply=record.get("reply") or "",
        status=_STATUSES.get(record.get("status", "stored"), feedback_pb2.FEEDBACK_STATUS_STORED),
        refusal=record.get("refusal") or "",
        import_id=record.get("import") or "",
        line=record.get("line") or 0,
        create_time=timestamp(record.get("created_at")),
        accepted=record.get("accepted", False),
        revised_reply=record.get("revised") or "",
        earlier_turns=[
            feedback_pb2.EarlierTurn(turn_id=turn["_id"], prompt=turn["text"], reply=turn["reply"])
            for turn in record.get("earlier") or ()
        ],
        suggested_draft_id=record.get("draft") or "",
        sent_draft_id=record.get("sent") or "",
        example_id=record.get("example") or "",
        version_ids=record.get("versions") or (),
        reviewed=bool(record.get("reviewed") or record.get("import")),
    )


_IMPORT_STATUSES = {"open": feedback_pb2.IMPORT_STATUS_OPEN, "closed": feedback_pb2.IMPORT_STATUS_CLOSED}


def import_message(document: Mapping[str, Any], counts: Mapping[str, int]) -> feedback_pb2.Import:
    """An import with its counts; closed and wholly processed is done."""
    status = _IMPORT_STATUSES[document["status"]]
    if document["status"] == "closed" and counts["processed"] == counts["stored"]:
        status = feedback_pb2.IMPORT_STATUS_DONE
    return feedback_pb2.Import(
        id=document["_id"],
        name=document["name"],
        status=status,
        next_line=document["next_line"],
        stored=counts["stored"],
        processed=counts["processed"],
        refused=counts["refused"],
        create_time=timestamp(document["created_at"]),
    )


def refused_message(line: RefusedLine) -> feedback_pb2.RefusedLine:
    """A refused line."""
    return feedback_pb2.RefusedLine(line=line.line, field=line.field, reason=line.reason)
