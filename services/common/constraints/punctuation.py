"""`punctuation`: a mark, in all its writings, or emoji: forbidden, limited or asked for."""

from __future__ import annotations

import re

from services.common import text_measures as measure
from services.common.constraints.constraint import Constraint
from services.common.constraints.kind import Kind, opposed_bounds, within

WRITINGS = {",": ",，、", "!": "!！", "?": "?？", ".": ".。", ";": ";；", ":": ":：", '"': '"“”„'}
"""The characters that write a mark."""
_INSTEAD = {",": "", "，": "", "、": "", "!": ".", "！": "。"}


def _check(constraint: Constraint, text: str) -> bool:
    if constraint.value == "emoji":
        return within(constraint, measure.emoji(text))
    if len(constraint.value) > 1:
        return within(constraint, text.count(constraint.value))
    writings = WRITINGS.get(constraint.value, constraint.value)
    return within(constraint, sum(1 for c in text if c in writings))


def _description(constraint: Constraint) -> str:
    if constraint.max != 0:
        return ""
    return f'Do not use "{constraint.value}".' if len(constraint.value) == 1 else f"Do not use {constraint.value}s."


def _conflict(earlier: Constraint, later: Constraint) -> str:
    same = earlier.unit == later.unit and earlier.value.lower() == later.value.lower()
    return opposed_bounds(earlier, later) if same else ""


def _rewrite(constraint: Constraint, text: str, message: str) -> str | None:
    if constraint.max == 0 and constraint.value in _INSTEAD:
        for mark in WRITINGS.get(constraint.value, constraint.value):
            text = text.replace(mark, _INSTEAD[mark])
        return text
    if constraint.max == 0 and constraint.value == "emoji":
        return re.sub(r" {2,}", " ", measure.without_emoji(text)).strip()
    return text if _check(constraint, text) else None


PUNCTUATION = Kind(
    "punctuation", _check, description=_description, conflict=_conflict, rewrite=_rewrite, rank=lambda constraint: 4
)
