"""`must_not_include`: a phrase, with its inflections, a letter or a sort of thing that must not occur, or not often."""

from __future__ import annotations

import re

from services.common import text_measures as measure
from services.common.constraints.constraint import Constraint
from services.common.constraints.kind import Kind, Wish, told_without_pattern

_MONEY = r"[€$£¥]\s?\d|\d\s?(?:€|eur\b|usd\b|gbp\b|euros?\b|pounds?\b|dollars?\b|francs?\b)"
_SORTS = {
    name: re.compile(pattern, re.I)
    for names, pattern in (
        ("phone number|telephone number|phone numbers|phone", r"(?:\+|\b0)\d[\d\s()/-]{4,30}\d"),
        ("e-mail|email|e-mail address|email address|mail address", r"\S@\S"),
        ("link|url|web address|website|links|urls", r"\bhttps?://|\bwww\."),
        ("price|prices|cost|costs|amount|sum|money", _MONEY),
        ("distance|distances", r"\d\s?(?:m|km|metres?|meters?|kilometres?|kilometers?|miles?)\b"),
        ("number|numbers|figure|figures|digits", r"\d"),
        ("percentage|percentages|percent", r"\d\s?%|\bpercent\b"),
        (
            "lecture|lecturing|reproach|reproaches|threat|threats|scolding|sermon|moralizing|preaching|finger-wagging",
            r"\bnext time\b|\bor else\b|\bin (?:the )?future\b|\byou should have\b|\b(?:will|shall) be (?:cut|blocked)|"
            r"\byour own fault\b",
        ),
    )
    for name in names.split("|")
}
"""Sorts of things by the names that comments have for them: who wants no phone number wants none of the numbers."""


def _sort(constraint: Constraint) -> re.Pattern[str] | None:
    return None if constraint.max else _SORTS.get(constraint.value.strip().casefold().removeprefix("the "))


def _check(constraint: Constraint, text: str) -> bool:
    if constraint.unit == "characters":
        return measure.count_letter(constraint.value, text) <= (constraint.max or 0)
    if (sort := _sort(constraint)) is not None and sort.search(text) is not None:
        return False
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
