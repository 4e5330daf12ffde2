"""A turn document told as events: for those who attach late, and for ends that no message brought."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.common.bus.events import Event, event
from services.common.state import ready_lead


def events_of(turn: Mapping[str, Any]) -> list[Event]:
    """Everything the document knows of the latest round: snapshots, the text so far, the end if there is one."""
    return [*_snapshots(turn), *_text(turn), *end_of(turn)]


def end_of(turn: Mapping[str, Any]) -> list[Event]:
    """The end of the turn as an event; none while it is open."""
    if turn.get("open"):
        return []
    name, round_number, attempt = _place(turn)
    if turn["status"] == "held":  # no end yet: a person is to answer
        return [event(name, "held", round_number, attempt)]
    if turn["status"] == "completed":
        return [event(name, "completed", round_number, attempt, writer=_writer(turn), draft=current_draft(turn))]
    if turn["status"] == "cancelled":
        reason = turn.get("cancel_reason", "requested")
        return [event(name, "cancelled", round_number, attempt, reason=reason, draft=partial_draft(turn))]
    failure = turn.get("failure") or {"reason": "INTERNAL", "message": ""}
    return [event(name, "failed", round_number, attempt, **failure)]


def as_of_round(turn: Mapping[str, Any], round_number: int) -> dict[str, Any]:
    """The turn as an earlier round has left it."""
    drafts = [draft for draft in turn["drafts"] if draft["round"] <= round_number]
    ended = drafts[-1]
    known = {name: value for name, value in turn.items() if name not in ("open", "partial", "holder", "state")}
    state = (turn.get("states_before") or {}).get(str(round_number + 1), turn.get("state"))
    place = {"round": round_number, "attempt": ended.get("attempt") or 0, "status": ended["status"]}
    return {**known, **place, "state": state, "drafts": drafts}


def current_draft(turn: Mapping[str, Any]) -> dict[str, Any]:
    """The draft of the latest round."""
    drafts: list[dict[str, Any]] = turn["drafts"]
    return next((draft for draft in reversed(drafts) if draft["round"] == turn["round"]), drafts[-1])


def partial_draft(turn: Mapping[str, Any]) -> dict[str, Any]:
    """The latest draft of a cancelled turn with the text known so far, which may be none."""
    draft = current_draft(turn)
    return {**draft, "text": draft.get("text") or turn.get("partial") or ""}


def _place(turn: Mapping[str, Any]) -> tuple[str, int, int]:
    return turn["_id"], turn["round"], turn["attempt"]


def _writer(turn: Mapping[str, Any]) -> str:
    """Who holds the turn, or held it when it ended."""
    return turn.get("holder") or ""


def _snapshots(turn: Mapping[str, Any]) -> list[Event]:
    name, round_number, attempt = _place(turn)
    found = []
    understood = (turn.get("understood") or {}).get(str(round_number))
    if understood:
        found.append(event(name, "understood", round_number, attempt, understood=understood))
    if turn.get("state"):
        found.append(event(name, "state", round_number, attempt, state=turn["state"]))
    ready = ready_lead(turn.get("state"))
    if ready:
        found.append(event(name, "ready", round_number, attempt, ready=ready))
    if turn.get("grounding"):
        found.append(event(name, "grounding", round_number, attempt, **turn["grounding"]))
    return found


def _text(turn: Mapping[str, Any]) -> list[Event]:
    name, round_number, attempt = _place(turn)
    text = None if turn.get("shadow") else turn.get("partial")
    return [event(name, "delta", round_number, attempt, 0, writer=_writer(turn), text=text)] if text else []
