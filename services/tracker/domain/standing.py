"""Where a message stands to what it names: it wishes it, refuses it, or tells of something else by it.

"Not on Friday", "the router arrived on Tuesday", "at 2 pm, wait, 3 pm": a value that stands in a message is no wish
for that alone. The message is cut into clauses once; each clause gives the stretches that it refuses and those that
belong to another event. All patterns look at a bounded window or at one clause, so that the whole is linear.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from services.tracker.domain import standing_words as said

_WINDOW = 80
"""Characters looked at on either side of a value."""

_LEADING_NO = re.compile(r"^\W*[Nn][Oo]\s+(?:(?:on|at|in|for|the|make it)\s+)?[A-Z0-9]")
_LIST_END = re.compile(r"^\W*(?:\w+\W+){0,3}(?:or|and)\W+(?:\w+\W*){1,3}$", re.I)
_BARE = re.compile(r"^\W*(?:\w+\W*){1,4}$")


class Stand(Enum):
    """What a message does with a stretch of itself."""

    WISHED = "wished"
    REFUSED = "refused"
    """It is not wanted, whoever else says so."""
    EXCEPTED = "excepted"
    """A refusal names it directly ("not Friday"), so that even a name or free text is refused."""
    ELSEWHERE = "elsewhere"
    """It belongs to something that has happened or that is not asked for."""

    @property
    def refused(self) -> bool:
        return self in (Stand.REFUSED, Stand.EXCEPTED)


@dataclass(frozen=True, slots=True)
class _Clause:
    """A stretch of the message with the break before it; `asks` is whether its sentence is a question."""

    start: int
    text: str
    opener: str
    asks: bool

    @property
    def end(self) -> int:
        return self.start + len(self.text)


class Standing:
    """The stands of one message, asked by place (code points)."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._clauses = _clauses(text)
        self._starts = [clause.start for clause in self._clauses]
        self._zones = [sorted(_zones(self._clauses, index), key=_zone_order) for index in range(len(self._clauses))]

    def of(self, start: int, end: int) -> Stand:
        """The stand of what begins at `start`; `end` is its end."""
        index = bisect_right(self._starts, start) - 1
        if index < 0 or said.EXCEPTS.match(self._text[start:end]):
            return Stand.WISHED  # "no onions" that is a value by itself is wished
        for first, last, stand in self._zones[index]:
            if first <= start < last or first < end <= last:
                return stand
        return Stand.WISHED

    def of_others(self, start: int) -> bool:
        """Whether the clause in which `start` stands tells what somebody else has."""
        clause = self.clause(start)
        if said.OTHERS_DID.match(clause):
            return True
        return said.OTHERS.search(clause) is not None and said.WISHES.search(clause) is None

    def clause(self, start: int) -> str:
        """The clause in which `start` stands."""
        index = bisect_right(self._starts, start) - 1
        return self._clauses[index].text if index >= 0 else ""

    def corrects(self, earlier_end: int, start: int, end: int) -> bool:
        """Whether the value at `start` to `end` takes the place of one that ended at `earlier_end`."""
        if start - earlier_end > _WINDOW:
            return False
        between = said.HARMLESS.sub(" ", self._text[earlier_end:start])
        if said.CORRECTS.search(between):
            return True
        return said.CORRECTS_BEHIND.search(self._text[end : end + _WINDOW]) is not None


@lru_cache(maxsize=512)
def standing_of(text: str) -> Standing:
    """The message's stands; cached, because several readers ask about the same message."""
    return Standing(text)


def holds_past(words: str) -> bool:
    """Whether a slot with this name and description holds what has happened ("date of purchase")."""
    return said.PAST_SLOT.search(words.replace("_", " ")) is not None


def _clauses(text: str) -> list[_Clause]:
    pieces: list[tuple[int, int, str]] = []
    start, opener = 0, ""
    for match in said.BREAK.finditer(text):
        word = match[0].lower()
        if word == "but" and said.ALL_BUT.search(text[max(0, match.start() - 30) : match.start()]):
            continue
        pieces.append((start, match.start(), opener))
        start, opener = match.end(), word
    pieces.append((start, len(text), opener))
    asks, found = False, list[_Clause]()
    for first, last, word in reversed(pieces):
        after = text[last : last + 1]
        asks = after in ("?", "？") or (asks and after not in (".", "!", "。", "！", "\n"))
        found.append(_Clause(first, text[first:last], word, asks))
    return found[::-1]


def _zone_order(zone: tuple[int, int, Stand]) -> int:
    """Direct refusals count before those of a whole clause, and refusals before other events."""
    return (Stand.EXCEPTED, Stand.REFUSED, Stand.ELSEWHERE, Stand.WISHED).index(zone[2])


def _zones(clauses: list[_Clause], index: int) -> Iterator[tuple[int, int, Stand]]:
    """The clause's stretches that are no wish."""
    clause = clauses[index]
    kept = said.HARMLESS.sub(lambda match: " " * len(match[0]), clause.text)
    kindly = clause.asks and said.ASKED_KINDLY.search(clause.text) is not None
    for first, last in [] if kindly else _excepted(kept, index == 0):
        yield clause.start + first, clause.start + last, Stand.EXCEPTED
    if index and _continues(clauses, index):
        yield clause.start, clause.end, Stand.REFUSED
    negated = said.NEGATED.search(kept) or said.REFUSED_HAN.search(kept) or said.UNSUITABLE.search(kept)
    happened = _happened(clause)
    if negated and not kindly and not happened:
        yield clause.start, clause.end, Stand.REFUSED
    if happened:
        yield clause.start, clause.end, Stand.ELSEWHERE
    for match in said.OF_OTHERS.finditer(clause.text):
        if said.WISHES.search(clause.text[: match.start()]):
            continue  # "I need the booking from the 1st"
        yield clause.start + match.end(), clause.start + min(match.end() + 12, len(clause.text)), Stand.ELSEWHERE


def _excepted(text: str, opens: bool) -> Iterator[tuple[int, int]]:
    """Stretches that a word directly refuses: after "not", "except", "instead of", and the old value of a change."""
    for match in said.EXCEPTS.finditer(text):
        if opens and match[0].lower() == "no" and _LEADING_NO.match(text) and match.start() <= 2:
            continue  # "No Monday please" answers a question
        resumed = said.RESUMES.search(text, match.end() + 1)
        yield match.end(), resumed.start() if resumed else len(text)
    for match in said.CHANGES.finditer(text):
        group = "old" if match["old"] is not None else "han"
        yield match.span(group)
    for match in said.THAN.finditer(text):
        yield match.end(), len(text)


def _continues(clauses: list[_Clause], index: int) -> bool:
    """Whether the clause goes on with a refused list ("except Friday, Saturday and Sunday")."""
    if clauses[index].opener not in (",", "、", "，") or not _BARE.match(clauses[index].text[:_WINDOW]):
        return False
    first = index
    while first > max(0, index - 6) and clauses[first].opener == "," and _BARE.match(clauses[first].text[:_WINDOW]):
        first -= 1
    refusal = list(said.EXCEPTS.finditer(said.HARMLESS.sub(" ", clauses[first].text[-_WINDOW:])))
    if refusal and said.EXCEPTS_LIST.search(refusal[-1][0]):
        return True
    last = index
    while last + 1 < min(len(clauses), index + 6) and clauses[last + 1].opener == ",":
        last += 1
    refused = bool(refusal) or said.NEGATED.search(clauses[first].text) is not None
    return refused and _LIST_END.match(clauses[last].text[:_WINDOW]) is not None


def _happened(clause: _Clause) -> bool:
    """Whether the clause tells what has happened, what the user does otherwise, or why."""
    text = clause.text
    if said.PAST_HEARSAY.search(text) or said.OTHERS_DID.match(text):
        return True
    if clause.asks and said.OPENING.search(text):
        return True
    if said.WISHES.search(text):
        return False
    if said.OTHERS.search(text) or clause.opener in said.CAUSES or said.PAST.search(text) or said.HABIT.search(text):
        return True
    for match in said.ENDED.finditer(text):
        if match["before"].lower() not in said.NO_SUBJECT and match["verb"].lower() not in said.NO_VERB:
            return True
    return False
