"""Narrows what is quoted to the part that was asked for: of "Mon–Fri 6:00–17:00, Sun 16:00–19:00" the Sunday.

A sentence of several parts, each with a value of its own, answers a question about one of them with that part. Where it
is not clear which, or where a part restricts the others, all of it is quoted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from services.knowledge.domain.text import terms
from services.knowledge.evidence.features import Asked, Idf, read_question
from services.knowledge.evidence.ranges import quantities_of, within
from services.knowledge.evidence.synonyms import alike

Logits = Callable[[Sequence[str]], Sequence[float]]
MAX_READ = 300
"""Characters of the longest text that is looked at."""
MAX_PARTS = 6
_SENTENCE = re.compile(r"(?<=[a-z)%\d][.!?])\s+(?=[A-Z£€$\d])|(?<=[。！？])")
_BETWEEN = re.compile(r"[;；]\s*|，(?!\d)\s*|(?<!\d),\s+|(?<=\d),\s+(?!\d)")  # not within "300, 450 and 600 mm"
_VALUES = {
    "money": r"[€$£¥]|\d\s?(?:euros?|dollars?|pounds?|pence|p\b|元|块)|\bfree\b|\bnothing\b|免费",
    "clock": r"\d{1,2}[:.]\d\d|\d\s?(?:[ap]\.?m\b|o['’]clock|点)|\bnoon\b|\bmidnight\b",
    "share": r"\d\s?%|[一二三四五六七八九]折",
    "degrees": r"\d\s?°",
    "span": r"(?:\d|\b(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|twelve))\s(?:working )?"
            r"(?:minutes?|hours?|days?|nights?|weeks?|months?|years?)\b|[\d一二两三四五六七八九十半]\s?个?(?:分钟|小时|工作日|天|周|月|年)",
}  # fmt: skip
_KINDS = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in _VALUES.items()}
_RESTRICTS = re.compile(
    r"^(?:it|its|they|this|these|those|he|she|which|who|then)\b|"
    r"\b(?:except|unless|but|however|plus|additional\w*|extra|also|as well|only|provided|if|not|no|never|both|each|"
    r"further|more|otherwise|instead|later)\b|n['’]t\b|除|但|另|加收|仅|只|不|再",
    re.IGNORECASE,
)
_CLEAR = 0.4
"""How much better than the next a part has to fit the question to be quoted alone."""
_OF_RANGE = 1.5
_OF_LOGIT = 0.2
_MOST_LOGIT = 4.0


def narrowed(question: str, idf: Idf, text: str, logits: Logits) -> tuple[int, int] | None:
    """Where the part of the text that alone is asked for stands; None where that is all of it, or not clear.
    `logits` has the reader's of each part."""
    if len(text) > MAX_READ:
        return None
    parts = _parts(text)
    said = [text[start:end] for start, end in parts]
    if not 2 <= len(parts) <= MAX_PARTS or not frozenset.intersection(*map(_kinds, said)):
        return None
    fits = _fits(read_question(question, idf), said)
    scores = [
        fit + _OF_LOGIT * max(-_MOST_LOGIT, min(_MOST_LOGIT, logit))
        for fit, logit in zip(fits, logits(said), strict=True)
    ]
    best = max(range(len(parts)), key=scores.__getitem__)
    second = max(score for place, score in enumerate(scores) if place != best)
    enough = 1.0 if best == 0 else 0.5  # what the first part says is often meant for the others too
    if scores[best] - second < _CLEAR or fits[best] < enough:
        return None
    if any(_RESTRICTS.search(part) for place, part in enumerate(said) if place != best):
        return None
    return parts[best]


def _parts(text: str) -> list[tuple[int, int]]:
    """The parts of a text that have a value each: what has none stands with the part before it in its sentence, or with
    the one behind it where it begins the sentence."""
    parts: list[tuple[int, int]] = []
    for first, last in _cut(_SENTENCE, text, 0, len(text)):
        own: list[tuple[int, int]] = []
        for start, end in _cut(_BETWEEN, text, first, last):
            if own and not (_kinds(text[start:end]) and _kinds(text[slice(*own[-1])])):
                own[-1] = (own[-1][0], end)
            else:
                own.append((start, end))
        parts += own
    return parts


def _cut(mark: re.Pattern[str], text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Where the pieces of a part of a text stand that a mark divides, without the mark."""
    pieces, at = [], start
    for match in mark.finditer(text, start, end):
        pieces.append((at, match.start()))
        at = match.end()
    return [(first, last) for first, last in [*pieces, (at, end)] if text[first:last].strip()]


def _kinds(text: str) -> frozenset[str]:
    """The kinds of values that a text has: a price, a time of day, a span of time, a weekday, a length, …"""
    found = {kind for kind, pattern in _KINDS.items() if pattern.search(text)}
    return frozenset(found | {one.dimension for one in quantities_of(text)} - {"time"})


def _fits(asked: Asked, said: Sequence[str]) -> list[float]:
    """For each part, the words of the question that it has and others lack, and whether its range holds what the
    question names. Words of the first part count half."""
    stems = [frozenset(terms(part)) for part in said]
    has = [{stem for stem in asked.weights if stem in own or not own.isdisjoint(alike(stem))} for own in stems]
    common = frozenset.intersection(*map(frozenset, has))
    ranges = [within(asked.quantities, part) for part in said]
    if sum(verdict > 0 for verdict in ranges) != 1:
        ranges = [0.0] * len(said)
    return [
        (0.5 if place == 0 else 1.0) * min(2, len(own - common)) + _OF_RANGE * verdict
        for place, (own, verdict) in enumerate(zip(has, ranges, strict=True))
    ]
