"""Compares two rows of a table by the rule that the question states: the cheaper has the lower price, and so on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from services.common.evidence.records import Answer
from services.knowledge.evidence import features
from services.knowledge.evidence.cells import COLUMNS, HEADERS
from services.knowledge.evidence.questions import Question
from services.knowledge.evidence.words import stands

if TYPE_CHECKING:
    from services.knowledge.evidence.step import Base, Candidate

Part = Literal["start", "end", "span"]
_LOWER = re.compile(
    r"\b(?:cheap\w*|less|fewer|lower|lowest|short\w*|small\w*|quick\w*|slow\w*|light\w*|earl\w+|least|sooner|"
    r"younger)\b|"
    r"便宜|短|小|慢|少|早|低|轻",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![\w.,])[€$£¥]?\s?(\d{1,3}(?:[.,]\d{3})+(?!\d)|\d+)(?:[.,:](\d{1,2}))?(?!\d)")
_CLOCK = r"(\d{1,2})(?:[:.](\d{2}))?(?: ?([ap])\.?m\b\.?)?"
_CLOCKS = re.compile(rf"{_CLOCK}\s*(?:-|–|—|to|until|bis|至|到)\s*{_CLOCK}", re.IGNORECASE)
_ENDS = re.compile(r"\b(?:clos\w+|shut\w*|until|till|end\w*|finish\w*)\b|关门|结束", re.IGNORECASE)
_OFTEN = re.compile(r"\b(?:often|frequently|frequent)\b|频繁|更?经常", re.IGNORECASE)
_EVERY = re.compile(r"\bevery\b|每", re.IGNORECASE)
_NOTHING = re.compile(r"^\W*(?:free|none|no|nil|0|included|gratis|kostenlos|无|免费)\b", re.IGNORECASE)


def compared(question: Question, candidates: Sequence[Candidate], base: Base) -> Answer | None:
    """The answer to a question that names two rows of one table, or two columns of one row, and says what to compare;
    None where it doesn't."""
    pair, told_by = _pair(question.text, candidates)
    if pair is None:
        return _of_one_row(question, candidates)
    column = _column(question.text, pair)
    if column is None:
        return None
    part = _part(question.text)
    first, second = (_value(one.unit.cells[column][1], part) for one in pair)
    if first is None or second is None:
        return None
    header, value = pair[0].unit.cells[column]
    lower = _wants_less(question.text, header)
    if _OFTEN.search(question.text) and _EVERY.search(value):  # what comes every two years comes more often
        lower = not lower
    relation = "equal" if first == second else "less" if lower else "more"
    ordered = pair if (first < second) == lower else (pair[1], pair[0])
    if told_by is None:
        pieces = tuple(one.piece((column,)) for one in ordered)
        return Answer("comparison", "answered", 0.95, pieces, question.start, question.end, relation=relation)
    pieces = tuple(one.piece((told_by, column)) for one in ordered)  # one name for both: the order tells
    return Answer("comparison", "answered", 0.95, pieces, question.start, question.end)


def _of_one_row(question: Question, candidates: Sequence[Candidate]) -> Answer | None:
    """Two cells of one row, the one that is asked for first: "A tyre: is Hill Yard or Mill Yard cheaper?"."""
    said, part = features.stems(question.text), _part(question.text)

    def fit(one: Candidate) -> tuple[bool, int]:
        name = features.stems(one.unit.name)
        return name <= said, len(name & said)

    rows = [one for one in candidates if one.unit.kind == "row" and fit(one)[1]]
    for one in sorted(rows, key=fit, reverse=True):
        named = [
            (place, value)
            for place, (column, cell) in enumerate(one.unit.cells)
            if column and stands(column, question.text) and (value := _value(cell, part)) is not None
        ]
        if len(named) == 2:
            least = _wants_less(question.text, "")
            places = tuple(place for place, _ in sorted(named, key=lambda cell: cell[1] if least else -cell[1]))
            return Answer("comparison", "answered", 0.95, (one.piece(places),), question.start, question.end)
    return None


def _part(text: str) -> Part:
    return "span" if COLUMNS["length"].search(text) else "end" if _ENDS.search(text) else "start"


def _wants_less(text: str, column: str) -> bool:
    """Whether the lower value is asked for; of what is quick, less time or more of a speed."""
    of_time = re.search(r"time|day|hour|minute", column, re.IGNORECASE) is not None
    if re.search(r"\b(?:quick|fast)\w*\b", text, re.IGNORECASE):
        return of_time
    if re.search(r"\bslow\w*\b", text, re.IGNORECASE):
        return not of_time
    return _LOWER.search(text) is not None


def _pair(text: str, candidates: Sequence[Candidate]) -> tuple[tuple[Candidate, Candidate] | None, int | None]:
    """The two rows of one table that the question names, None where it names fewer or more; and the column that tells
    them apart where they have one name."""
    tables: dict[tuple[str, int], list[Candidate]] = {}
    for one in candidates:
        if one.unit.kind == "row" and one.unit.name:
            tables.setdefault((one.source.document, one.source.structure.table), []).append(one)
    for rows in tables.values():
        if (namesakes := _namesakes(text, rows)) is not None:
            return namesakes[:2], namesakes[2]
    named = [{one.unit.name: one for one in reversed(rows)} for rows in tables.values()]
    pairs = [pair for rows in named if len(pair := _mentioned(text, rows)) == 2]
    if not pairs:
        return None, None
    first, second = max(pairs, key=lambda pair: sum(len(one.unit.name) for one in pair))
    return (first, second), None


def _namesakes(text: str, rows: Sequence[Candidate]) -> tuple[Candidate, Candidate, int] | None:
    """The two rows of one name that the question tells apart by one of their columns, and that column: "Puppy start at
    Oxcombe or at Saltmere"; None where it names no such two."""
    said = features.stems(text)
    for name in dict.fromkeys(one.unit.name for one in rows):
        alike = [one for one in rows if one.unit.name == name]
        if len(alike) < 2 or not features.stems(name) <= said:
            continue
        for place in range(min(len(one.unit.cells) for one in alike)):
            told = [one for one in alike if (value := one.unit.cells[place][1]) and stands(value, text)]
            values = {one.unit.cells[place][1].casefold() for one in told} - {name.casefold()}
            if len(told) == 2 and len(values) == 2:
                return told[0], told[1], place
    return None


def _mentioned(text: str, rows: dict[str, Candidate]) -> list[Candidate]:
    """The rows whose names stand in the text, the longest first; what a longer name has taken is no shorter one's."""
    left = f" {text.casefold()} "
    mentioned = []
    for name in sorted(rows, key=len, reverse=True):
        plain = re.sub(r"\(.*?\)", "", name).strip().casefold()
        at = re.search(rf"(?<!\w){re.escape(plain)}s?(?!\w)", left) if plain else None
        if at is not None:
            left = f"{left[: at.start()]}\x00{left[at.end() :]}"
            mentioned.append(rows[name])
    if len(mentioned) < 2:  # named in part or in another form
        words = features.stems(left.replace("\x00", " "))
        taken = frozenset().union(*(features.stems(one.unit.name) for one in mentioned)) if mentioned else frozenset()
        for name, one in rows.items():
            own = features.stems(name)
            if not own - taken:  # "a tyre without rim" does not name the tyre with rim
                continue
            if one not in mentioned and own and len(own & words) >= max(1, 0.5 * len(own)):
                mentioned.append(one)
        of_text = [frozenset(features.stems(one.unit.name) & features.stems(text)) for one in mentioned]
        if len(mentioned) == 2 and of_text[0] == of_text[1]:  # one word names no two rows
            return []
    return mentioned


def _column(text: str, pair: tuple[Candidate, Candidate]) -> int | None:
    cells, others = pair[0].unit.cells, pair[1].unit.cells
    if len(cells) != len(others):
        return None
    said = features.stems(text) - features.stems(pair[0].unit.name) - features.stems(pair[1].unit.name)
    kinds = [name for name, pattern in COLUMNS.items() if pattern.search(text)]
    best, chosen = 0.0, None
    for place, (column, value) in enumerate(cells):
        if _value(value) is None or _value(others[place][1]) is None:
            continue
        words = features.stems(column)
        score = 2.0 * len(words & said) / max(1, len(words))
        score += max((1.0 for kind in kinds if HEADERS[kind].search(f"{column} {value}")), default=0.0)
        score -= 0.01 * place
        if score > best + 1e-9:
            best, chosen = score, place
    return chosen if best >= 0.9 else None


def _value(text: str, part: Part = "start") -> float | None:
    """The first number in a cell; 0 for "free" or "none". Of hours from one time to another it is their `part`: when
    they start, when they end, or how many they are."""
    if _NOTHING.match(text):
        return 0.0
    times = _CLOCKS.search(text) if part != "start" else None
    if times is not None:
        begin, end = (_hour(times, at) for at in (1, 4))
        if part == "end":
            return end or 24.0
        return (end - begin) % 24 or 24.0
    match = _NUMBER.search(text)
    if match is None:
        return None
    whole = re.sub(r"[.,]", "", match[1])
    return float(f"{whole}.{match[2] or 0}")


def _hour(times: re.Match[str], at: int) -> float:
    """The hour in three groups of a match: hours, minutes, "a" or "p" of the half of the day."""
    hour = float(times[at]) + float(times[at + 1] or 0) / 60
    half = (times[at + 2] or "").casefold()
    return hour % 12 + (12 if half == "p" else 0) if half else hour
