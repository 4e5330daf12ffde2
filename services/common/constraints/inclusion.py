"""`must_include` and `keep`: a phrase, or a letter, that must occur."""

from __future__ import annotations

import re

from services.common import text_measures as measure
from services.common.constraints.constraint import Constraint
from services.common.constraints.kind import (
    Kind,
    Wish,
    limit_kept,
    opposed_bounds,
    phrase_progress,
    told_without_pattern,
    within,
)

_AMOUNT = re.compile(r"(?:the\s+)?(?P<number>\d+(?:[.,]\d+)?)\s*(?P<unit>pounds?|euros?|dollars?|eur|gbp|usd)", re.I)
_SIGNS = {"p": "£", "g": "£", "e": "€", "d": r"\$", "u": r"\$"}


def _amount_stands(phrase: str, text: str) -> bool:
    """Whether the phrase is an amount of money that the text has in another spelling: "20 pounds" is "£20.00"."""
    amount = _AMOUNT.fullmatch(phrase.strip())
    if amount is None:
        return False
    sign = _SIGNS[amount["unit"][0].lower()]
    number = re.escape(amount["number"].replace(",", "."))
    return re.search(rf"{sign}\s?{number}(?:\.0+)?(?![.,]?\d)|(?<![\d.,]){number}(?:\.0+)?\s?{sign}", text) is not None


def _check(constraint: Constraint, text: str) -> bool:
    if constraint.unit == "characters":
        return within(constraint, measure.count_letter(constraint.value, text))
    told = told_without_pattern(constraint, text)
    if told is not None:
        return told
    count = measure.count_phrase(constraint.value, text)
    return within(constraint, count or int(_amount_stands(constraint.value, text)))


def _wish(constraint: Constraint) -> Wish:
    return Wish(wanted=constraint.value) if constraint.unit == "" and constraint.max != 0 else Wish()


def _conflict(earlier: Constraint, later: Constraint) -> str:
    same = earlier.unit == later.unit and earlier.value.lower() == later.value.lower()
    return opposed_bounds(earlier, later) if same else ""


def _progress(constraint: Constraint, text: str, room: int) -> float:
    if (phrase := _wish(constraint).wanted.strip()) and not constraint.unit:
        return phrase_progress(_check, constraint, phrase, text)
    return limit_kept(_check, constraint, text)


INCLUDE = Kind(
    "must_include",
    _check,
    description=lambda constraint: f'Mention "{constraint.value}".',
    wish=_wish,
    conflict=_conflict,
    progress=_progress,
)
KEEP = Kind(
    "keep",
    _check,
    description=lambda constraint: f'Keep "{constraint.value}".',
    wish=lambda constraint: Wish(wanted=constraint.value),
    progress=_progress,
)
