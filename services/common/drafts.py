"""Which draft of a turn counts: one rule for history, state and readers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def chosen_draft(turn: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The draft of an ended turn that enters history, or None.

    The accepted one, else the latest completed; under the policy ``interrupt`` alone also the partial text of a
    cancelled one. An excluded (rolled back) turn has none.
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
        partial = [draft for draft in drafts if draft["status"] == "cancelled" and draft.get("text")]
        return partial[-1] if partial else None
    return None
