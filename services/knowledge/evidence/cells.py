"""Which cells of a table's row a question asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.common.evidence.units import Unit
from services.knowledge.evidence import chinese_values
from services.knowledge.evidence.ranges import Range, quantities_of, within
from services.knowledge.evidence.values import present, wanted
from services.knowledge.evidence.words import stands, stems

COLUMNS = {
    "price": re.compile(r"\b(?:cheap|dear|expensive|cost|pric|pay|fee|rate)\w*", re.IGNORECASE),
    "length": re.compile(r"\b(?:long|short)\w*", re.IGNORECASE),
    "speed": re.compile(r"\b(?:fast|slow|quick|speed)\w*", re.IGNORECASE),
    "size": re.compile(r"\b(?:big|large|small|spacious)\w*", re.IGNORECASE),
    "weight": re.compile(r"\b(?:heav|light)\w*", re.IGNORECASE),
    "time": re.compile(r"\b(?:earl|late)\w*", re.IGNORECASE),
    "day": re.compile(r"\b(?:what|which) (?:week)?days?\b", re.IGNORECASE),
    "age": re.compile(r"\b(?:old|young|aged?)\w*", re.IGNORECASE),
    "person": re.compile(r"\bwho(?:m|se)?\b", re.IGNORECASE),
}
HEADERS = {
    "price": re.compile(r"pric|cost|fee|rate|charge|€|\$|£|eur|usd|gbp|per (?:day|month|week|hour|night|year)", re.I),
    "length": re.compile(r"length|long|duration|term|time|days|hours|minutes|months|period|year|warrant", re.I),
    "speed": re.compile(r"speed|mbit|time|days|delivery", re.IGNORECASE),
    "size": re.compile(r"size|area|m²|sqm|m2|width|litre|volume|capacity|seats|persons", re.I),
    "weight": re.compile(r"weight|kg|gram|\bg\b", re.IGNORECASE),
    "time": re.compile(r"time|open|start|depart|arriv|from|clos", re.IGNORECASE),
    "day": re.compile(r"\b(?:week)?days?\b|\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b", re.IGNORECASE),
    "age": re.compile(r"\bage[ds]?\b|\bold\b", re.IGNORECASE),
    "person": re.compile(
        r"\b(?:name|contact|who|teacher|trainer|coach|instructor|guide|doctor|manager|head|lead|leader|person|staff|team|"
        r"captain|host|responsible|in charge|run by|held by|led by)s?\b",
        re.IGNORECASE,
    ),
}  # fmt: skip
_DENIED = re.compile(r"(?:\bnot?|\bnon|n['’]?t|\bwithout)\b[\s-]+(?:an?\s+|any\s+|yet\s+)?(\w+)", re.IGNORECASE)
_DENIES = re.compile(r"\b(?:not?|non|without)\b", re.IGNORECASE)
_UNFIT = 0.8
"""What a column loses that is for others than the question tells of, or gains whose range holds what it names."""
_CLEAR = 0.45
_CLEAR_READ = 0.2
_OF_LOGIT = 0.15
_MOST_LOGIT = 6.0


def best_cell(question: str, quantities: Sequence[Range], unit: Unit) -> float:
    """How well the best cell of a row fits what is asked, with the `quantities` that the question names, -0.5 to 1; 0
    for what is no row."""
    scores = _scores(question, quantities, unit)
    return min(max(scores), 1.5) - 0.5 if scores else 0.0


@dataclass(frozen=True)
class RowRead:
    """What a row's cells say to a question: the places of those that it asks for (none where that is not clear), the
    reader's highest logit of a cell, and how well the best column fits."""

    asked: tuple[int, ...] = ()
    logit: float = 0.0
    fit: float = 0.0


def row_read(question: str, unit: Unit, logits: Mapping[int, float]) -> RowRead | None:
    """Reads a row cell by cell; None for what is no row, or one of two cells.

    Cells are chosen by the words of their columns, the kind of value that is wanted and, where `logits` has the
    reader's of each cell, by what it thinks of the cell alone.
    """
    cells = unit.cells
    if len(cells) <= 2:
        return None
    scores = _scores(question, quantities_of(question), unit)
    fit = max(scores)
    clear = _CLEAR_READ if logits else _CLEAR
    for place, logit in logits.items():
        scores[place] += _OF_LOGIT * max(-_MOST_LOGIT, min(_MOST_LOGIT, logit))
    best = max(scores)
    chosen = tuple(place for place, score in enumerate(scores) if score >= best - 0.15)
    asked = chosen if best >= clear and len(chosen) <= 2 else ()
    return RowRead(asked, max(logits.values(), default=0.0), fit)


def cell_texts(unit: Unit) -> dict[int, str]:
    """The places of a row's cells, each with the cell as the reader reads it by itself; what the row is about and
    empty cells are left out."""
    return {
        place: ": ".join(part for part in (unit.place, unit.name, column, value) if part)
        for place, (column, value) in enumerate(unit.cells)
        if value and value != unit.name
    }


def _cell_score(column: str, value: str, said: frozenset[str], kinds: set[str], question: str) -> float:
    words = stems(column)
    share = len(words & said) / len(words) if words else 0.0
    reach = 0.1 * len(words & said)
    return (
        share
        + reach
        + (0.5 if kinds and _has(column, value, kinds) else 0.0)
        + 0.5 * header_fits(question, column, value)
    )


def _scores(question: str, quantities: Sequence[Range], unit: Unit) -> list[float]:
    if not unit.cells:
        return []
    denied = frozenset().union(*(stems(match[1]) for match in _DENIED.finditer(question)))
    asked = stems(question)
    said = asked - stems(unit.name) - denied
    kinds = wanted(question)
    left = {column for column, _ in unit.cells if denied & stems(column) and not _DENIES.search(column)}
    beside = frozenset().union(*map(stems, left)) - denied  # "Members pay" is left for "Others pay"
    scores = []
    for column, value in unit.cells:
        if value == unit.name or not value:
            scores.append(0.0)
            continue
        score = _cell_score(column, value, said, kinds, question)
        words = stems(value)
        code = not (value.isalpha() or value.isdigit()) and stands(value, question)  # "H1"
        if code or (
            words and words <= asked and len(value) > 3
        ):  # what the question says itself is not what it asks for
            score -= 1.0
        if column in left:
            score -= _UNFIT
        elif beside & stems(column):
            score += _UNFIT
        scores.append(score + _UNFIT * within(quantities, column))
    if kinds and any(_has(column, value, kinds) for column, value in unit.cells if value != unit.name):
        scores = [
            score if _has(column, value, kinds) else score - 0.5
            for score, (column, value) in zip(scores, unit.cells, strict=True)
        ]
    return scores


def _has(column: str, value: str, kinds: set[str]) -> bool:
    """Whether the cell has a value of one of the kinds; an age may be a bare number below its column's name."""
    return present(value, kinds) or ("age" in kinds and present(column, {"age"}))


def header_fits(question: str, column: str, value: str) -> bool:
    """Whether the column, or its unit, is of the kind that the question's adjective or verb is about."""
    if chinese_values.header_fits(question, f"{column} {value}"):
        return True
    return any(
        pattern.search(question) and HEADERS[kind].search(f"{column} {value}") for kind, pattern in COLUMNS.items()
    )
