"""What the model reads beside people's own words: notes, state and feedback as plain sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.common.constraints import Constraint, replacement
from services.common.notes import note_text, noted_text, numbered
from services.common.state import known_text
from services.common.store import GroundingText
from services.generator.prompt.excerpts import excerpts

_UNITS = {
    "": "words",
    "words": "words",
    "sentences": "sentences",
    "characters": "characters",
    "paragraphs": "paragraphs",
}
_FORMATS = {
    "bullets": "Answer as a bulleted list.",
    "numbered": "Answer as a numbered list.",
    "list": "Answer as a list.",
    "json": "Answer in JSON only.",
    "title": "Begin with a title in double angle brackets, such as <<title>>.",
    "table": "Answer as a table.",
    "quotation": 'Put the whole answer in double quotation marks ("…").',
    "plain": "Answer in plain text without any formatting.",
    "prose": "Answer in running prose, not as a list.",
}


def notes(texts: Sequence[GroundingText], message: str, sentences: int) -> str:
    """Facts and passages as numbered notes; the numbers are what a reply cites. Of each the `sentences` (0: all) that
    bear most on the message."""
    shown = excerpts([one.text for one in texts], message, sentences)
    return numbered(
        note_text(one.heading if one.kind == "passage" else "", text) for one, text in zip(texts, shown, strict=True)
    )


def note_line(one: GroundingText) -> str:
    """A fact or passage as the model reads it, on one line without its number."""
    return note_text(one.heading if one.kind == "passage" else "", one.text)


def context_text(noted: str, state: str) -> str:
    """What stands before the user's message in the tail; empty without notes and state."""
    parts = []
    if state:
        parts.append(known_text(state))
    if noted:
        parts.append(noted_text(noted))
    return "\n\n".join(parts)


def feedback_text(feedback: Mapping[str, Any] | None, constraints: Sequence[Constraint]) -> str:
    """A reader's feedback as the next message: their own words, each constraint that they did not say, and the request
    to write the answer again."""
    feedback = feedback or {}
    comment = str(feedback.get("comment") or "").strip()
    parts = [comment] if comment else []
    edited = str(feedback.get("edited_text") or "").strip()
    if edited:
        parts.append(f'I would have written: "{edited}"')
    sentences = [_sentence(one) for one in constraints if not (comment and one.source == "comment")]
    parts += [sentence for sentence in dict.fromkeys(sentences) if sentence]
    if not parts:
        rating = feedback.get("rating")
        parts = [f"I rate this answer {rating} of 5." if rating else "This answer does not satisfy me."]
    return "\n".join([*parts, "Please write the answer again."])


def _span(one: Constraint) -> str:
    unit = _UNITS.get(one.unit, one.unit)
    if one.min is not None and one.max is not None:
        return f"exactly {one.min} {unit}" if one.min == one.max else f"{one.min} to {one.max} {unit}"
    return f"at least {one.min} {unit}" if one.min is not None else f"at most {one.max} {unit}"


def _sentence(one: Constraint) -> str:
    """One constraint as an order; empty for what has no plain wording."""
    match one.kind:
        case "must_include":
            return f'Mention "{one.value}".'
        case "must_not_include":
            return f'Do not mention "{one.value}".'
        case "keep":
            return f'Keep "{one.value}".'
        case "replace":
            old, new = replacement(one)
            return f'Write "{new}" instead of "{old}".' if old else f'Say "{new}".'
        case "length" if one.min is not None or one.max is not None:
            return f"Use {_span(one)}."
        case "length":
            return f"Make it {one.value}." if one.value in ("shorter", "longer") else ""
        case "format":
            return _FORMATS.get(one.value.partition(":")[0], "")
        case "case":
            return {"lower": "Use lower case only.", "upper": "USE CAPITAL LETTERS ONLY."}.get(one.value, "")
        case "punctuation" if one.max == 0:
            return f'Do not use "{one.value}".' if len(one.value) == 1 else f"Do not use {one.value}s."
        case "language":
            return f"Answer in the language {one.value}."
        case "tone":
            return f"Use a {one.value} tone."
        case "start":
            return f'Begin with "{one.value}".'
        case "end":
            return f'End with "{one.value}".'
        case _:
            return ""
