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

from services.tracker.domain import event_words as events
from services.tracker.domain import standing_words as said
from services.tracker.domain.words import blanked, widened

_WINDOW = 80
"""Characters looked at on either side of a value."""

_LEAST_REPEATED, _REPETITIONS = 3, 8
"""Characters of a value that is looked for again further on, and how often."""

_LEADING_NO = re.compile(r"^\W*[Nn][Oo]\s+(?:(?:on|at|in|for|the|make it)\s+)?[A-Z0-9]")
_WANTS = re.compile(r"^\s(?:wants|needs|likes|would (?:want|like|need))\b[\w ]{1,40}$", re.I)
_ANAPHOR = re.compile(r"^\W*(?:that|it|this)\b", re.I)
_LATER_CLAUSES = 3
"""Clauses behind one that bounds a time in which the wished time is looked for."""

_LIST_END = re.compile(r"^\W*(?:\w+\W+){0,3}(?:or|and)\W+(?:\w+\W*){1,3}$", re.I)
_BARE = re.compile(r"^\W*\w+(?:\W+\w+){0,3}\W*$")


class Stand(Enum):
    """What a message does with a stretch of itself."""

    WISHED = "wished"
    REFUSED = "refused"
    """It is not wanted, whoever else says so."""
    EXCEPTED = "excepted"
    """A refusal names it directly ("not Friday"), so that even a name or free text is refused."""
    ELSEWHERE = "elsewhere"
    """It belongs to something that has happened or that is not asked for."""
    ASKED = "asked"
    """A question for a reason names it ("Why Friday?")."""
    OUTRANKED = "outranked"
    """It is but the reason or the bound of a day or a time that is wished further on."""

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
        text = widened(text)
        self._text = text
        self._folded = text.casefold() if len(text.casefold()) == len(text) else text
        self._clauses = _clauses(text)
        self._starts = [clause.start for clause in self._clauses]
        self._zones = [sorted(_zones(self._clauses, index), key=_zone_order) for index in range(len(self._clauses))]

    def of(self, start: int, end: int) -> Stand:
        """The stand of what begins at `start`; `end` is its end."""
        index = bisect_right(self._starts, start) - 1
        if index < 0 or said.EXCEPTS.match(self._text[start:end]):
            return Stand.WISHED  # "no onions" that is a value by itself is wished
        stand = self._inside(index, start, end)
        return Stand.REFUSED if stand is Stand.WISHED and self._taken_back(start, end) else stand

    def _inside(self, index: int, start: int, end: int) -> Stand:
        """The stand that the zones of one clause give."""
        for first, last, stand in self._zones[index]:
            if first <= start < last or first < end <= last:
                return stand
        return Stand.WISHED

    def _taken_back(self, start: int, end: int) -> bool:
        """Whether the message names the same again further on and then refuses it ("Monday, please. Hmm, Monday is
        bad.")."""
        words = self._text[start:end].strip().casefold()
        if len(words) < _LEAST_REPEATED:
            return False
        place, last = end, Stand.WISHED
        for _ in range(_REPETITIONS):
            place = self._folded.find(words, place)
            if place < 0:
                break
            last = self._inside(bisect_right(self._starts, place) - 1, place, place + len(words))
            place += len(words)
        return last.refused

    def of_others(self, start: int) -> bool:
        """Whether the clause in which `start` stands tells what somebody else has."""
        clause = self.clause(start)
        if events.OTHERS_DID.match(clause):
            return True
        return events.OTHERS.search(clause) is not None and said.WISHES.search(clause) is None

    def of_journey(self, start: int) -> bool:
        """Whether the clause in which `start` stands tells when a journey is."""
        clause = self.clause(start)
        return events.JOURNEY.search(clause) is not None and events.PAST.search(clause) is None

    def clause(self, start: int) -> str:
        """The clause in which `start` stands."""
        index = bisect_right(self._starts, start) - 1
        return self._clauses[index].text if index >= 0 else ""

    def corrects(self, earlier_end: int, start: int, end: int) -> bool:
        """Whether the value at `start` to `end` takes the place of one that ended at `earlier_end`."""
        if start - earlier_end > _WINDOW:
            return False
        between = said.HARMLESS.sub(" ", self._text[earlier_end:start])
        if said.CORRECTS.search(between) or said.FEWER_HAN.search(between):
            return True
        return said.CORRECTS_BEHIND.search(self._text[end : end + _WINDOW]) is not None


@lru_cache(maxsize=512)
def standing_of(text: str) -> Standing:
    """The message's stands; cached, because several readers ask about the same message."""
    return Standing(text)


def holds_past(words: str) -> bool:
    """Whether a slot with this name and description holds what has happened ("date of purchase")."""
    return events.PAST_SLOT.search(words.replace("_", " ")) is not None


def holds_journey(words: str) -> bool:
    """Whether a slot with this name and description holds when a journey is ("departure date")."""
    return events.JOURNEY_SLOT.search(words.replace("_", " ")) is not None


def holds_reason(words: str) -> bool:
    """Whether a slot with this Chinese name and description holds why something is, which a refusal may tell."""
    return said.REASON_SLOT.search(words) is not None


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
    """Questions for a reason count first, then direct refusals, those of a whole clause, and other events."""
    order = (Stand.ASKED, Stand.EXCEPTED, Stand.REFUSED, Stand.OUTRANKED, Stand.ELSEWHERE, Stand.WISHED)
    return order.index(zone[2])


def _zones(clauses: list[_Clause], index: int) -> Iterator[tuple[int, int, Stand]]:
    """The clause's stretches that are no wish."""
    clause = clauses[index]
    kept = blanked(said.NOT_TOO, blanked(said.HARMLESS, clause.text))
    for match in said.NOT_TOO.finditer(clause.text):
        yield clause.start + match.start(), clause.start + match.end(), Stand.EXCEPTED
    kindly = clause.asks and said.ASKED_KINDLY.search(clause.text) is not None
    if clause.asks and said.ASKS_WHY.match(clause.text):
        yield clause.start, clause.end, Stand.ASKED
    if _doubts(clauses, index):
        yield clause.start, clause.end, Stand.ASKED
    for first, last in [] if kindly else _excepted(kept, index == 0):
        yield clause.start + first, clause.start + last, Stand.EXCEPTED
    if index and _continues(clauses, index):
        yield clause.start, clause.end, Stand.REFUSED
    happened = (_happened(clause) or _reported(clauses, index)) and not _puts_right(clauses, index)
    denial = said.DENIES_BEFORE.match(kept)
    own = denial.end() if denial else 0
    if not happened and ((_negated(kept[own:]) and not kindly) or _declined(clauses, index)):
        yield clause.start + own, clause.end, Stand.REFUSED
    if happened:
        yield clause.start, clause.end, Stand.ELSEWHERE
    for match in events.LAST.finditer(clause.text):
        yield clause.start + match.start(), clause.start + match.end(), Stand.ELSEWHERE
    for moment in said.MOMENTS if not happened else ():
        if _yields(clauses, index, moment):
            for match in moment.finditer(clause.text):
                yield clause.start + match.start(), clause.start + match.end(), Stand.OUTRANKED
    if _for_somebody_else(clauses, index):
        yield clause.start, clause.end, Stand.ELSEWHERE
    for match in events.OF_OTHERS.finditer(clause.text):
        if said.WISHES.search(clause.text[: match.start()]):
            continue  # "I need the booking from the 1st"
        yield clause.start + match.end(), clause.start + min(match.end() + 12, len(clause.text)), Stand.ELSEWHERE


def _negated(text: str) -> bool:
    return any(pattern.search(text) for pattern in (said.NEGATED, said.REFUSED_HAN, said.UNSUITABLE))


def _puts_right(clauses: list[_Clause], index: int) -> bool:
    """Whether the clause puts right what was said before ("it was the 4 March, sorry")."""
    if not said.WAS_MEANT.match(clauses[index].text):
        return False
    beside = [clause.text for clause in clauses[max(0, index - 1) : index + 2] if clause is not clauses[index]]
    return any(said.REGRETS.search(text) for text in (clauses[index].text, *beside))


def _doubts(clauses: list[_Clause], index: int) -> bool:
    """Whether a Chinese clause asks back about what it has just learnt ("慢件不能到付？")."""
    ends = index + 1 < len(clauses) and clauses[index + 1].opener in ("?", "？")
    text = clauses[index].text
    return ends and said.DOUBTS_HAN.search(text) is not None and not text.endswith(("吗", "么"))


def _declined(clauses: list[_Clause], index: int) -> bool:
    """Whether the clause is a short question that the message itself answers with no ("The Pro plan? No thanks.")."""
    clause = clauses[index]
    who = clause.opener == "who" and _WANTS.match(clause.text) is not None
    if not clause.asks or not (who or _BARE.match(clause.text)):
        return False
    later = _following(clauses, index, 1)
    if not later or later[0].opener != "?":
        return False
    answer = later[0].text
    if who:
        return said.NOT_ME.match(answer) is not None
    return said.DECLINES.match(answer) is not None or (_ANAPHOR.match(answer) is not None and _negated(answer))


def _reported(clauses: list[_Clause], index: int) -> bool:
    """Whether the clause tells what somebody had said would be."""
    if not index or not events.WAS_TO_BE.search(clauses[index].text):
        return False
    before = [clause for clause in clauses[max(0, index - 2) : index] if clause.text.strip()]
    reports = bool(before) and events.REPORTS.search(before[-1].text) is not None
    return (reports or clauses[index].opener == "saying") and clauses[index].opener in ("that", "saying", "telling")


def _following(clauses: list[_Clause], index: int, count: int) -> list[_Clause]:
    """The next clauses that say something."""
    return [clause for clause in clauses[index + 1 : index + 2 * count + 1] if clause.text.strip()][:count]


def _yields(clauses: list[_Clause], index: int, moment: re.Pattern[str]) -> bool:
    """Whether what the clause says of times (or days) is but the reason or the bound of what a later one wishes."""
    clause, later = clauses[index], _following(clauses, index, _LATER_CLAUSES)
    if not moment.search(clause.text):
        return False
    bound = said.AVAILABLE.search(clause.text) is not None
    needed = events.OTHER_NEEDS.match(clause.text) is not None and not clause.asks
    states = needed or (
        not said.WISHES.search(clause.text) and not said.GOOD.search(clause.text) and not _BARE.match(clause.text)
    )
    return any(
        (bound or (other.opener in ("so", "所以") and other is later[0]) or (states and said.WISHES.search(other.text)))
        and moment.search(other.text)
        and not _negated(other.text)
        and not said.EXCEPTS.search(other.text)
        and not _happened(other)
        for other in later
    )


def _for_somebody_else(clauses: list[_Clause], index: int) -> bool:
    """Whether the clause tells another person's wish beside the user's own ("My wife wants Family, but I …")."""
    if not events.PERSON_WANTS.match(clauses[index].text):
        return False
    contrasts = ("but", "while", "whereas", "though", "although")
    later = _following(clauses, index, 1)
    return bool(later) and later[0].opener in contrasts and events.OWN.match(later[0].text) is not None


def _excepted(text: str, opens: bool) -> Iterator[tuple[int, int]]:
    """Stretches that a word directly refuses: after "not", "except", "instead of", and the old value of a change."""
    last = 0  # where the refusal before ends
    for match in said.EXCEPTS.finditer(text):
        leads = opens and match[0].lower() == "no" and match.start() <= 2
        if leads and _LEADING_NO.match(text) and not said.NO_FOR_ME.search(text, match.end(), match.end() + _WINDOW):
            continue  # "No Monday please" answers a question
        if match.end() + 1 > last:  # else the same verb ends both, which is looked for once
            ended = _without(text, match)
            resumed = said.RESUMES.search(text, match.end() + 1, ended)
            last = resumed.start() if resumed else ended
        yield match.end(), last
    for match in said.CHANGES.finditer(text):
        group = "old" if match["old"] is not None else "han"
        yield match.span(group)
    for pattern in (said.LACKING_HAN, said.COMPARED_HAN, said.BOUNDED_HAN):
        for match in pattern.finditer(text):
            yield match.span(match.lastgroup or 0)
    for match in said.THAN.finditer(text):
        yield match.end(), len(text)


def _without(text: str, match: re.Match[str]) -> int:
    """Where at the latest what a refusing word refuses ends: what a thing is without ("a visit without charge on
    Friday") says nothing of the day, time or place behind it."""
    if match[0].lower() == "without" or text[max(0, match.start() - 5) : match.end()].lower() == "with no":
        behind = said.CIRCUMSTANCE.search(text, match.end() + 1, match.end() + _WINDOW)
        return behind.start() if behind else len(text)
    return len(text)


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
    if events.PAST_HEARSAY.search(text) or events.OTHERS_DID.match(text):
        return True
    if clause.asks and events.OPENING.search(text):
        return True
    if said.WISHES.search(events.DONE_HAN.sub("", events.DUTY_HAN.sub("", text))):
        return False
    if (
        events.DUTY_HAN.search(text)
        or events.OTHERS.search(text)
        or clause.opener in said.CAUSES
        or events.PAST.search(text)
        or events.HABIT.search(text)
    ):
        return True
    for match in events.ENDED.finditer(text):
        if match["before"].lower() not in events.NO_SUBJECT and match["verb"].lower() not in events.NO_VERB:
            return True
    return False
