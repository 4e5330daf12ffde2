"""Which draft of a turn counts: one rule for history, state and readers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def chosen_draft(turn: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The draft of an ended turn that enters history, or None.

    The accepted one, else the latest completed; under the policy ``interrupt`` alone also the cancelled one with the
    text that it got to, empty where it was interrupted before the first word: the message was said all the same. An
    excluded (rolled back) turn has none.
    """
    if turn.get("excluded"):
        return None
    drafts: list[Mapping[str, Any]] = turn.get("drafts", [])
    accepted = turn.get("accepted_round")
    if accepted is not None:
        return next((draft for draft in drafts if draft["round"] == accepted), None)
    completed = [draft for draft in drafts if draft["status"] == "completed"]
    if completed:
        return completed[-1]
    if turn.get("status") == "cancelled" and turn.get("policy") == "interrupt":
        cancelled = [draft for draft in drafts if draft["status"] == "cancelled"]
        if not cancelled:
            return None
        return {**cancelled[-1], "text": cancelled[-1].get("text") or turn.get("partial") or ""}
    return None


def is_settling(turn: Mapping[str, Any]) -> bool:
    """Whether an interrupted turn's engine has still to say what text the draft got to."""
    if turn.get("status") != "cancelled" or turn.get("policy") != "interrupt" or not turn.get("attempt"):
        return False
    draft = chosen_draft(turn)
    return draft is not None and draft["status"] == "cancelled" and not draft.get("finish_reason")
