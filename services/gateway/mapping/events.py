"""Events of a turn's stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from antiphon.v1 import common_pb2
from antiphon.v1 import conversation_pb2 as pb

from services.gateway.mapping.states import state_message
from services.gateway.mapping.times import timestamp
from services.gateway.mapping.turns import (
    CANCEL_REASONS,
    STATUSES,
    draft_message,
    evidence_message,
    fact_refs,
    passage_refs,
    ready_message,
    understood_message,
)
from services.gateway.streams import Outgoing


def event_message(turn: str, item: Outgoing) -> pb.TurnEvent:
    """What a client is shown of an event."""
    place = common_pb2.Position(round=item.round, attempt=item.attempt, offset=item.offset, writer=item.writer)
    made = pb.TurnEvent(turn_id=turn, position=place)
    payload = item.payload
    if item.kind == "delta":
        made.delta.text = payload["text"]
    elif item.kind == "queued":
        made.queued.place = payload.get("place") or 0
        made.queued.SetInParent()
    elif item.kind == "understood":
        made.understood.CopyFrom(understood_message(payload.get("understood") or {}))
    elif item.kind == "state":
        state = payload["state"]
        made.state.CopyFrom(pb.TurnState(state=state_message(state), revision=state.get("base_revision") or 0))
    elif item.kind == "ready":
        made.ready.CopyFrom(ready_message(payload["ready"]))
    elif item.kind == "grounding":
        made.grounding.CopyFrom(_grounding(payload))
    elif item.kind == "restarted":
        made.restarted.reason = payload["reason"]
    else:
        _end(made, item.kind, payload)
    return made


def _grounding(payload: Mapping[str, Any]) -> pb.TurnGrounding:
    return pb.TurnGrounding(
        passages=passage_refs(payload.get("passages") or ()),
        facts=fact_refs(payload.get("facts") or ()),
        watermark=payload.get("watermark") or 0,
        evidence=evidence_message(payload.get("evidence")),
    )


def _end(made: pb.TurnEvent, kind: str, payload: Mapping[str, Any]) -> None:
    if kind == "completed":
        made.completed.draft.CopyFrom(draft_message(payload["draft"]))
    elif kind == "cancelled":
        draft = payload.get("draft") or {}
        reason = CANCEL_REASONS.get(payload.get("reason") or "", pb.CANCEL_REASON_UNSPECIFIED)
        made.cancelled.CopyFrom(
            pb.TurnCancelled(reason=reason, draft=draft_message(draft) if draft.get("text") else None)
        )
    else:
        error = pb.TurnError(reason=payload.get("reason") or "INTERNAL", message=payload.get("message") or "")
        made.failed.CopyFrom(pb.TurnFailed(error=error))


def accepted_message(turn: Mapping[str, Any], *, generator_up: bool, repeated: bool) -> pb.TurnEvent:
    """The first event of every stream."""
    return pb.TurnEvent(
        turn_id=turn["_id"],
        position=common_pb2.Position(round=turn["round"], attempt=turn["attempt"]),
        accepted=pb.TurnAccepted(
            session_id=turn["session"],
            turn_number=turn["n"],
            status=STATUSES[turn["status"]],
            generator_up=generator_up,
            version_id=turn.get("version") or "",
            deadline=timestamp(turn.get("deadline_at")),
            repeated_request=repeated,
        ),
    )
