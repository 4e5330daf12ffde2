"""What the model reads beside people's own words: notes, state and feedback as plain sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.common.constraints import Constraint, describe
from services.common.notes import note_text, noted_text, numbered
from services.common.state import known_text
from services.common.store import GroundingText
from services.generator.prompt.excerpts import excerpts


def notes(texts: Sequence[GroundingText], message: str, sentences: int) -> str:
    """Facts and passages as numbered notes; the numbers are what a reply cites. Of each the `sentences` (0: all) that
    bear most on the message."""
    shown = excerpts([note.text for note in texts], message, sentences)
    return numbered(
        note_text(note.heading if note.kind == "passage" else "", text) for note, text in zip(texts, shown, strict=True)
    )


def note_line(note: GroundingText) -> str:
    """A fact or passage as the model reads it, on one line without its number."""
    return note_text(note.heading if note.kind == "passage" else "", note.text)


def context_text(noted: str, state: str, known: str = "") -> str:
    """What stands before the user's message in the tail: notes, state, the reply in words where it is `known`."""
    parts = []
    if state:
        parts.append(known_text(state))
    if noted:
        parts.append(noted_text(noted))
    if known:
        parts.append(f"What is to be answered: {known.strip()}")
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
    sentences = [describe(constraint) for constraint in constraints if not (comment and constraint.source == "comment")]
    parts += [sentence for sentence in dict.fromkeys(sentences) if sentence]
    if not parts:
        rating = feedback.get("rating")
        parts = [f"I rate this answer {rating} of 5." if rating else "This answer does not satisfy me."]
    return "\n".join([*parts, "Please write the answer again."])
