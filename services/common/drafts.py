"""Which draft of a turn counts: one rule for history, state and readers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_NAME = 60
"""Characters of a table's row's name, at most."""
_RANGE = re.compile(r"(?:\d|\b[ap]\.?m\.?|day|\b(?:mon|tue|wed|thu|fri|sat|sun)) – ", re.I)
"""A dash between two times or days: what stands before it names no row."""


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


def judged_texts(turn: Mapping[str, Any] | None, record: Mapping[str, Any]) -> dict[str, str]:
    """What a feedback record is about: the `prompt` and the `reply` of its turn and round, of an accepted revision the
    reply that it `revised`; nothing where there is no turn."""
    if turn is None:
        return {}
    texts = {draft["round"]: str(draft.get("text") or "") for draft in turn["drafts"]}
    judged = record.get("round") or 0
    about = {"prompt": str(turn["text"]), "reply": texts.get(judged, "")}
    before = [text for number, text in texts.items() if number < judged and text]
    return {**about, "revised": before[-1]} if record.get("accepted") and before else about


def own_words(draft: Mapping[str, Any]) -> str:
    """What a reply says in its own words: one that was composed of quotations without them, but with the name of each
    quoted table's row. A document's times, amounts and names are no offers of the assistant's; a call of a tool says
    nothing."""
    if draft.get("tool_calls"):
        return ""
    text = str(draft.get("text") or "")
    if (draft.get("manifest") or {}).get("composed_by") != "evidence":
        return text
    kept, at = "", 0
    for citation in sorted(draft.get("citations") or (), key=lambda citation: int(citation["start"])):
        quotation = text[citation["start"] : citation["end"]]
        name, dash, _ = quotation.partition(" – ")
        row = dash and len(name) <= _NAME and not _RANGE.search(quotation)
        kept += text[at : citation["start"]] + (f"{name}." if row else "")
        at = max(at, citation["end"])
    return kept + text[at:]


def is_settling(turn: Mapping[str, Any]) -> bool:
    """Whether an interrupted turn's engine has still to say what text the draft got to."""
    if turn.get("status") != "cancelled" or turn.get("policy") != "interrupt" or not turn.get("attempt"):
        return False
    draft = chosen_draft(turn)
    return draft is not None and draft["status"] == "cancelled" and not draft.get("finish_reason")
