"""`case`: capitals and small letters of the whole reply, or how many words stand in capitals."""

from __future__ import annotations

import re
from collections.abc import Callable

from services.common import text_measures as measure
from services.common.constraints.constraint import Constraint
from services.common.constraints.kind import Kind, value_missing, within

CASES = ("lower", "upper", "title", "sentence", "capital_words")
_SMALL_WORD = 3
"""Letters up to which a word of a title may begin with a small letter."""
_CONTENT_LETTERS = 5
"""Letters of a word that may stand for what its sentence says."""


def _check(constraint: Constraint, text: str) -> bool:
    letters = [c for c in text if c.isalpha() and c.lower() != c.upper()]
    if not letters:
        return constraint.value != "capital_words" or not constraint.min
    if constraint.value == "lower":
        return not any(c.isupper() for c in letters)
    if constraint.value == "upper":
        return not any(c.islower() for c in letters)
    tokens = measure.words(text)
    if constraint.value == "capital_words":
        return within(constraint, sum(1 for token in tokens if token.isupper()))
    if constraint.value == "title":
        return all(t[0].isupper() or not t[0].isalpha() or len(t) <= _SMALL_WORD for t in tokens)
    starts = [s for s in measure.sentences(text) if s[:1].isalpha()]
    shouted = sum(1 for token in tokens if len(token) > _SMALL_WORD and token.isupper())
    return all(s[0].isupper() for s in starts) and shouted <= len(tokens) // 4


def _description(constraint: Constraint) -> str:
    return {"lower": "Use lower case only.", "upper": "USE CAPITAL LETTERS ONLY."}.get(constraint.value, "")


def _problem(constraint: Constraint) -> tuple[str, str] | None:
    if problem := value_missing(constraint):
        return problem
    if constraint.value not in CASES:
        return "value", f"{constraint.value!r} is no case; known: {', '.join(CASES)}"
    return None


def _conflict(earlier: Constraint, later: Constraint) -> str:
    counted = "capital_words" in (earlier.value, later.value)
    return "" if counted or earlier.value == later.value else f"asks for {earlier.value} and for {later.value}"


def _rewrite(constraint: Constraint, text: str, message: str) -> str | None:
    if constraint.value == "lower":
        return text.lower()
    if constraint.value == "upper":
        return text.upper()
    if _check(constraint, text):
        return text
    return _in_capitals(text, constraint) if constraint.value == "capital_words" else None


def _in_capitals(text: str, constraint: Constraint) -> str | None:
    """The text with as many of its words in capitals as are wanted."""
    loud = [word for word in measure.words(text) if word.isupper()]
    if constraint.max is not None and len(loud) > constraint.max:
        for word in [word for word in loud if len(word) > 1][: len(loud) - constraint.max]:
            text = re.sub(rf"\b{re.escape(word)}\b", word.capitalize(), text, count=1)
        return text if _check(constraint, text) else None
    return with_chosen_words(text, (constraint.min or 0) - len(loud), str.upper)


def with_chosen_words(text: str, count: int, change: Callable[[str], str]) -> str | None:
    """The text with `count` of its words changed: the longest one of each sentence in turn, then the next longest."""
    ranks = []
    at = 0
    for part in measure.pieces(text):
        at = text.index(part, at)
        candidates = [
            (match.start() + at, match[0])
            for match in re.finditer(r"[^\W\d_]+", part)
            if len(match[0]) >= _CONTENT_LETTERS and not match[0].isupper()
        ]
        by_length = sorted(candidates, key=lambda candidate: -len(candidate[1]))
        ranks += [(rank, where, word) for rank, (where, word) in enumerate(by_length)]
        at += len(part)
    chosen = sorted(ranks)[:count]
    if len(chosen) < count:
        return None
    for _, where, word in sorted(chosen, key=lambda candidate: -candidate[1]):
        text = text[:where] + change(word) + text[where + len(word) :]
    return text


CASE = Kind(
    "case",
    _check,
    description=_description,
    problem=_problem,
    conflict=_conflict,
    slot=lambda constraint: "" if constraint.value == "capital_words" else "case",
    rewrite=_rewrite,
    rank=lambda constraint: 5,
    progress=lambda constraint, text, room: float(
        not text.strip() or constraint.value == "capital_words" or _check(constraint, text)
    ),
)
