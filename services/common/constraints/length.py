"""`length`: how many words, sentences, characters or paragraphs a reply has."""

from __future__ import annotations

from services.common import text_measures as measure
from services.common.constraints.constraint import UNITS, Constraint
from services.common.constraints.kind import Kind, limit_kept, opposed_bounds, within

_SENTENCE_TOKENS = 3
"""Tokens that a sentence has at least."""


def divider_of(constraint: Constraint) -> str:
    """What stands between the paragraphs that are counted, "" for a blank line."""
    return constraint.value if constraint.value not in ("", "shorter", "longer") else ""


def _check(constraint: Constraint, text: str) -> bool:
    if constraint.unit == "words":
        return within(constraint, *measure.count_words(text))
    if constraint.unit == "sentences":
        return within(constraint, *measure.count_sentences(text))
    if constraint.unit == "characters":
        return within(constraint, *measure.characters(text))
    return within(constraint, len(measure.paragraphs(text, divider_of(constraint))))


def _description(constraint: Constraint) -> str:
    low, high, unit = constraint.min, constraint.max, constraint.unit or "words"
    if low is None and high is None:
        return f"Make it {constraint.value}." if constraint.value in ("shorter", "longer") else ""
    if low is not None and high is not None:
        return f"Use exactly {low} {unit}." if low == high else f"Use {low} to {high} {unit}."
    return f"Use at least {low} {unit}." if low is not None else f"Use at most {high} {unit}."


def _problem(constraint: Constraint) -> tuple[str, str] | None:
    if constraint.min is None and constraint.max is None:
        return "max", "a length needs a min or a max"
    if not constraint.unit:
        return "unit", f"a length needs a unit: {', '.join(UNITS[1:])}"
    return ("max", "a reply cannot be empty") if constraint.max == 0 else None


def _progress(constraint: Constraint, text: str, room: int) -> float:
    if not limit_kept(_check, constraint, text):
        return 0.0
    if constraint.min is None or constraint.unit not in ("words", "sentences"):
        return 1.0
    if constraint.unit == "words":
        return float(constraint.min - measure.count_words(text)[0] <= room)
    return float((constraint.min - measure.count_sentences(text)[0]) * _SENTENCE_TOKENS <= room)


LENGTH = Kind(
    "length",
    _check,
    description=_description,
    problem=_problem,
    conflict=lambda earlier, later: opposed_bounds(earlier, later) if earlier.unit == later.unit else "",
    slot=lambda constraint: constraint.unit + ("min" if constraint.max is None else ""),
    rewrite=lambda constraint, text, message: text,
    progress=_progress,
)
