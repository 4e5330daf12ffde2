"""Sessions and policies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from antiphon.v1 import conversation_pb2 as pb

from services.gateway.mapping.times import timestamp

POLICIES: dict[int, str] = {
    pb.DOUBLE_TEXTING_POLICY_ENQUEUE: "enqueue",
    pb.DOUBLE_TEXTING_POLICY_REJECT: "reject",
    pb.DOUBLE_TEXTING_POLICY_INTERRUPT: "interrupt",
    pb.DOUBLE_TEXTING_POLICY_ROLLBACK: "rollback",
}
_POLICY_NUMBERS = {word: number for number, word in POLICIES.items()}
STATUSES: dict[int, str] = {pb.SESSION_STATUS_OPEN: "open", pb.SESSION_STATUS_ENDED: "ended"}
_STATUS_NUMBERS = {word: number for number, word in STATUSES.items()}


MODES: dict[int, str] = {
    pb.SESSION_MODE_BOT: "bot",
    pb.SESSION_MODE_HUMAN: "human",
    pb.SESSION_MODE_SHADOW: "shadow",
}
_MODE_NUMBERS = {word: number for number, word in MODES.items()}


def session_message(session: Mapping[str, Any], last: Mapping[str, Any] | None) -> pb.Session:
    """A session; ``last`` is its last turn (n, accepted_at, ended_at), None where there is none."""
    name, _, revision = (session.get("schema") or "").rpartition("@")
    handoff = session.get("handoff") or {}
    updated = [session.get(name) for name in ("updated_at", "ended_at", "created_at")]
    updated += [last.get(name) for name in ("accepted_at", "ended_at")] if last else []
    return pb.Session(
        id=session["_id"],
        user_id=session.get("user") or "",
        schema_name=name,
        schema_revision=int(revision) if revision else 0,
        policy=_POLICY_NUMBERS.get(session.get("policy", "enqueue"), 0),  # type: ignore[arg-type]
        status=_STATUS_NUMBERS.get(session["status"], pb.SESSION_STATUS_ENDED),  # type: ignore[arg-type]
        version_id=session.get("version") or "",
        last_turn_number=last["n"] if last else 0,
        labels={one["key"]: one["value"] for one in session.get("labels") or ()},
        create_time=timestamp(session["created_at"]),
        update_time=timestamp(max(time for time in updated if time is not None)),
        system_text=session.get("system_text") or "",
        mode=_MODE_NUMBERS[session.get("mode") or "bot"],  # type: ignore[arg-type]
        mode_revision=session.get("mode_revision") or 0,
        held_by=session.get("held_by") or "",
        handoff_time=timestamp(handoff.get("at")),
        handoff_note=handoff.get("note") or "",
    )
