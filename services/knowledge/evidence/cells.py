"""Which cells of a table's row a question asks for."""

from __future__ import annotations

import re

from services.common.evidence.units import Unit
from services.knowledge.evidence.values import present, wanted
from services.knowledge.evidence.words import stems

COLUMNS = {
    "price": re.compile(r"\b(?:cheap|dear|expensive|cost|pric|pay|fee|rate)\w*|便宜|贵|价|钱", re.IGNORECASE),
    "length": re.compile(r"\b(?:long|short)\w*|长|短|久", re.IGNORECASE),
    "speed": re.compile(r"\b(?:fast|slow|quick|speed)\w*|快|慢", re.IGNORECASE),
    "size": re.compile(r"\b(?:big|large|small|spacious)\w*|大|小", re.IGNORECASE),
    "weight": re.compile(r"\b(?:heav|light)\w*|重|轻", re.IGNORECASE),
    "time": re.compile(r"\b(?:earl|late)\w*|早|晚", re.IGNORECASE),
}
HEADERS = {
    "price": re.compile(r"pric|cost|fee|rate|charge|€|\$|£|eur|usd|gbp|per (?:day|month|week|hour|night|year)|价|"
                        r"费|元", re.IGNORECASE),
    "length": re.compile(r"length|long|duration|term|time|days|hours|minutes|months|period|year|warrant|长|期|"
                         r"时间", re.IGNORECASE),
    "speed": re.compile(r"speed|mbit|time|days|delivery|速|时间|天", re.IGNORECASE),
    "size": re.compile(r"size|area|m²|sqm|m2|width|litre|volume|capacity|seats|persons|面积|大小|容量|尺寸", re.I),
    "weight": re.compile(r"weight|kg|gram|\bg\b|重", re.IGNORECASE),
    "time": re.compile(r"time|open|start|depart|arriv|from|clos|时间|点", re.IGNORECASE),
}  # fmt: skip


def best_cell(question: str, unit: Unit) -> float:
    """How well the best cell of a row fits what is asked, -0.5 to 1; 0 for what is no row."""
    scores = _scores(question, unit)
    return min(max(scores), 1.5) - 0.5 if scores else 0.0


def asked_cells(question: str, unit: Unit) -> tuple[int, ...]:
    """The cells of a row whose column the question asks for, by its words or by the kind of value it wants; none where
    it is not clear."""
    cells = unit.cells
    if len(cells) <= 2:
        return ()
    scores = _scores(question, unit)
    best = max(scores)
    chosen = tuple(place for place, score in enumerate(scores) if score >= best - 0.15)
    return chosen if best >= 0.45 and len(chosen) <= 2 else ()


def _cell_score(column: str, value: str, said: frozenset[str], kinds: set[str], question: str) -> float:
    words = stems(column)
    share = len(words & said) / len(words) if words else 0.0
    reach = 0.1 * len(words & said)
    return (
        share + reach + (0.5 if kinds and present(value, kinds) else 0.0) + 0.5 * header_fits(question, column, value)
    )


def _scores(question: str, unit: Unit) -> list[float]:
    said = stems(question) - stems(unit.name)
    kinds = wanted(question)
    return [
        0.0 if value == unit.name or not value else _cell_score(column, value, said, kinds, question)
        for column, value in unit.cells
    ]


def header_fits(question: str, column: str, value: str) -> bool:
    """Whether the column, or its unit, is of the kind that the question's adjective or verb is about."""
    return any(
        pattern.search(question) and HEADERS[kind].search(f"{column} {value}") for kind, pattern in COLUMNS.items()
    )
