"""`must_not_include`: a phrase, with its inflections, or a letter that must not occur, or not too often."""

from __future__ import annotations

from services.common import text_measures as measure
from services.common.constraints.constraint import Constraint
from services.common.constraints.kind import Kind, Wish, told_without_pattern


def _check(constraint: Constraint, text: str) -> bool:
    if constraint.unit == "characters":
        return measure.count_letter(constraint.value, text) <= (constraint.max or 0)
    if told_without_pattern(constraint, text) is not None:
        return True
    return measure.count_phrase(constraint.value, text, inflected=True) <= (constraint.max or 0)


def _wish(constraint: Constraint) -> Wish:
    return Wish(unwanted=constraint.value) if constraint.unit == "" and not constraint.max else Wish()


EXCLUDE = Kind(
    "must_not_include",
    _check,
    description=lambda constraint: f'Do not mention "{constraint.value}".',
    wish=_wish,
    progress=lambda constraint, text, room: float(not text.strip() or _check(constraint, text)),
)
