"""Amounts that a comment states in full: two bounds, numbers of several words, characters, and differences.

"15 words max, at least 5", "at most one hundred and fifty characters", "a sentence or two", "20 words fewer": what is
read here counts for its unit, and nothing else that reads the comment may say another number of it. A single bound in
words or sentences is left to the other readers, which know more ways to say it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from services.common.constraints import Constraint
from services.common.text_measures import characters, count_sentences, count_words, paragraphs
from services.tracker.domain.feedback.grammar import SOURCE
from services.tracker.domain.feedback.phrases import NUMBER, number

_UNITS = {
    "word": "words",
    "sentence": "sentences",
    "line": "sentences",
    "character": "characters",
    "char": "characters",
    "letter": "characters",
    "symbol": "characters",
    "sign": "characters",
    "paragraph": "paragraphs",
}
_UNIT = r"(?P<unit>words?|sentences?|lines?|characters?|chars?|letters?|symbols?|signs?|paragraphs?)\b"
_ADJECTIVES = r"(?:[\s-]+(?:short|long|brief|simple|complete|full|separate|single|little|whole|more|fewer))?"
_BEFORE = (
    ("max", r"at most|at the most|no more than|not more than|never more than|up to|(?:a )?max(?:imum)?\.?(?: of)?"
    r"|within|not (?:exceed|exceeding|over|above|longer than|beyond)|"
            r"no longer than|limit(?:ed)?(?: \w+)? to|cap(?:ped)?(?: \w+)? at|keep(?: \w+)? (?:to|within)"
            r"|(?:down|back) to"),
    ("min", r"at least|at the least|no fewer than|no less than|not (?:fewer|less|shorter) than|not (?:under|below)"
    r"|(?:a )?min(?:imum)?\.?(?: of)?|no shorter than"),
    ("below", r"under|below|less than|fewer than|shorter than"),
    ("above", r"more than|over|above|longer than|beyond"),
    ("exact", r"exactly|precisely"),
    ("about", r"about|around|roughly|approximately|some|circa|ca\.|~"),
)  # fmt: skip
_BEFORE_PATTERN = re.compile(
    "(?:" + "|".join(rf"(?P<{name}>\b(?:{pattern}))" for name, pattern in _BEFORE) + r")\s*:?\s*(?:a total of\s+)?$",
    re.I,
)
_BEHIND = (
    ("below", r"(?:is|are|would be|was|were) (?:far |way |just )?too (?:many|much|long)"),
    ("above", r"(?:is|are|was|were) (?:not enough|too few|too short|too little|not sufficient)"
    r"|(?:is|are)n['’]t enough"),
    ("exact", r"exactly|precisely"),
    ("max", r"max(?:imum)?\b|at (?:the )?(?:very )?most|tops|or (?:less|fewer|under|shorter)|and no more|and not more"
    r"|as a maximum|is the (?:limit|maximum|most)|at the (?:outside|utmost|limit)|at (?:the )?(?:very )?best"
    r"|(?:and )?not (?:a |an |one )?(?:single )?(?:\w+ )?more"),
    ("min", r"min(?:imum)?\b|at (?:the )?least|or (?:more|longer|above)|as a minimum|is the (?:minimum|least)"),
    ("minus", r"less|fewer|shorter"),
    ("plus", r"more|longer|extra"),
)  # fmt: skip
_BEHIND_PATTERN = re.compile(
    r"\s*,?\s*(?:" + "|".join(rf"(?P<{name}>(?:{pattern}))" for name, pattern in _BEHIND) + r")(?!\s+than)\b", re.I
)
_REFUSED = re.compile(
    r"\b(?:do\s?n['’]?t|do not|does not|doesn['’]?t|never|must(?:n['’]?t| not)|should(?:n['’]?t| not)|may not"
    r"|can(?:['’]?t|not)|without|avoid|nobody|no one)\b"
    r"[^.;!?\n,]{0,40}$",
    re.I,
)
_REPORTED = re.compile(
    r"\b(?:gave|wrote|written|sent|used|counted|got|has(?! to)|had(?! to)|was|were|is(?! to)|are(?! to)|currently"
    r"|already|now)\b[^.;!?\n,]{0,25}$",
    re.I,
)
_BY = re.compile(
    r"\b(?:(?P<less>cut|trim|shorten|reduce|lower|condense|shrink|decrease|prune|slim|shorter|briefer|down)"
    r"|(?P<more>expand|extend|increase|lengthen|stretch|pad|grow|raise|longer"
    r"|up))\b[^.;!?\n,]{0,25}\bby\s+(?:a |some |about |around |exactly "
    r"|roughly )?$",
    re.I,
)
_OFF = re.compile(r"\b(?:trim|take|knock|shave|cut|chop|lop|get|slice|prune)\b[^.;!?\n,]{0,20}$", re.I)
_BEHIND_OFF = re.compile(r"\s+(?:off|away|out)\b", re.I)
_WAS = re.compile(
    r"\b(?:grew|grown|went|gone|rose|risen|swelled|swollen|expanded|increased|ballooned|jumped|shrank|shrunk|fell|fallen|dropped"
    r"|changed)\b[^.;!?\n,]{0,15}$",
    re.I,
)
"""Before a range that tells what has happened."""
_ANYTHING = re.compile(r"\b(?:anything|everything|whatever(?: is)?|a (?:text|reply|message)|texts|replies)\s*$", re.I)
_CUT = re.compile(
    r"\b(?:cut|remove|drop|delete|lose|take out|shave off|shorten it by|reduce it by|shorter by"
    r"|less by)\s+(?:the \w+ )?$",
    re.I,
)
_ADDED = re.compile(
    r"\b(?:add|append|insert|expand it by|extend it by|lengthen it by|longer by)\s+(?:another\s+)?$", re.I
)
_OF_WHAT = re.compile(r"\s+(?:about|on|that|saying|with|explaining|telling|to|which|where|of|for|from)\b", re.I)
_MORE_OR_LESS = re.compile(r"\b(?:(?P<more>more)|fewer)\b", re.I)
_EACH = re.compile(r"\s*(?:each\b|apiece\b|per\s+\w+|in (?:each|every)\b|every\b)", re.I)
"""Behind an amount of a part of the reply and not of the whole."""
_CHANGED = re.compile(
    r"\b(?:(?P<less>cut|reduce|shorten|shrink|trim|condense|bring|down|go)|(?P<more>expand|extend|increase|lengthen"
    r"|up))\b"
    r"[^.;!?\n,]{0,25}$",
    re.I,
)
_MENTION = re.compile(
    rf"(?:between\s+(?P<low>{NUMBER})\s+(?:and|to)\s+|from\s+(?P<from>{NUMBER})\s+(?:(?:words?|sentences?"
    rf"|characters?|paragraphs?)\s+)?(?:up\s+|down\s+)?to\s+"
    rf"|(?P<first>\b\d{{1,6}}(?=\s*[-–—]\s*\d)|{NUMBER}(?=\s+(?:to|or)\s|[–—]\w))\s*(?:-|–|—|\bto\b|\bor\b)\s*"
    r"(?:(?:a )?max(?:imum)?\.?(?: of)? |at (?:the )?most )?)?"
    rf"(?P<n>{NUMBER})(?:{_ADJECTIVES}[\s-]*{_UNIT})?(?P<or_two>\s+or\s+two\b)?",
    re.I,
)


@dataclass(frozen=True, slots=True)
class _Mention:
    relation: str
    low: int
    high: int
    unit: str
    span: tuple[int, int]
    composed: bool


@dataclass(slots=True)
class Amounts:
    """The lengths that are stated in full, the units that they settle, and the comment without their words.

    `each` are the units that are counted in every part of the reply, which no constraint can tell. `alone` tells that
    no other unit is named with a number: what else is read as one is a misreading.
    """

    constraints: list[Constraint] = field(default_factory=list)
    units: frozenset[str] = frozenset()
    rest: str = ""
    alone: bool = False
    each: frozenset[str] = frozenset()

    def settles(self, constraint: Constraint) -> bool:
        """Whether another reading of a length must give way to this one."""
        if constraint.kind != "length":
            return False
        if constraint.unit in self.each:
            return True
        if not self.units:
            return False
        return self.alone or constraint.unit in self.units


def read_amounts(comment: str, draft: str) -> Amounts:
    """Reads the amounts that are stated in full."""
    mentions = list(_mentions(comment))
    each = frozenset(mention.unit for mention in mentions if mention.relation == "each")
    mentions = [mention for mention in mentions if mention.relation != "each"]
    named = {mention.unit for mention in mentions if mention.unit}
    units = frozenset(unit for unit in named if _settled([one for one in mentions if one.unit == unit]))
    amounts = Amounts(rest=comment, each=each - units)
    if not units:
        return amounts
    amounts.units, amounts.alone = units, units == named
    for unit in dict.fromkeys(mention.unit for mention in mentions):
        if unit in units:
            amounts.constraints += _bounds([one for one in mentions if one.unit == unit], draft)
    rest = comment
    for mention in mentions:
        if mention.unit in units:
            start, end = mention.span
            rest = rest[:start] + "." * (end - start) + rest[end:]
    amounts.rest = rest
    return amounts


def _settled(mentions: list[_Mention]) -> bool:
    """Whether the amounts of one unit are stated in full."""
    if any(mention.unit == "characters" or mention.composed for mention in mentions):
        return True
    kinds = {mention.relation for mention in mentions}
    both = bool(kinds & {"min", "above"}) and bool(kinds & {"max", "below"})
    return both or bool(kinds & {"range", "minus", "plus"})


def _mentions(comment: str) -> Iterator[_Mention]:
    """The numbers of a comment that count its units; one without a unit has that of its neighbour."""
    raw: list[_Mention] = []
    for match in _MENTION.finditer(comment):
        mention = _mention(comment, match)
        if mention is not None:
            raw.append(mention)
    for at, mention in enumerate(raw):
        if mention.unit:
            yield mention
        elif mention.relation not in ("bare", "about"):
            neighbours = [raw[i] for i in (at + 1, at - 1) if 0 <= i < len(raw) and raw[i].unit]
            joined = [one for one in neighbours if _joined(comment, mention, one)]
            if joined:
                yield replace(mention, unit=joined[0].unit)


_BETWEEN = re.compile(
    r"[\s,;.]*(?:(?:and|but|or|yet|with|so|now|please)\s*)*(?:(?:bring|take|get|cut|put|trim|make|keep|shorten|reduce|go)\s+)?"
    r"(?:(?:it|this|that)\s*)?(?:\(?\s*)",
    re.I,
)
"""What may stand between an amount and another one whose unit it shares."""


def _joined(comment: str, mention: _Mention, other: _Mention) -> bool:
    left, right = sorted((mention.span, other.span))
    between = comment[left[1] : right[0]]
    return _BETWEEN.fullmatch(between) is not None


def _mention(comment: str, match: re.Match[str]) -> _Mention | None:
    start, end = match.span()
    before = comment[max(0, start - 40) : start]
    off, away = _OFF.search(before), _BEHIND_OFF.match(comment, end)
    changes = bool(match["unit"]) and (_CUT.search(before) or _ADDED.search(before) or (off and away)) is not None
    if match["n"].lower() in ("a", "an") and not match["or_two"] and (not changes or _OF_WHAT.match(comment, end)):
        return None  # "as a whole sentence", "add a sentence about parking"
    n = number(match["n"])
    first = next((value for name in ("low", "from", "first") if (value := match[name])), "")
    if n is None or (first and number(first) is None):
        return None
    unit = _UNITS[match["unit"].lower().rstrip("s")] if match["unit"] else ""
    marker = _BEFORE_PATTERN.search(before)
    behind = _BEHIND_PATTERN.match(comment, end) if unit or match["n"][:1].isdigit() else None
    composed = re.search(r"\bhundred\b|\bthousand\b|\d[,.]\d{3}\b", match["n"], re.I) is not None
    low, high, relation = n, n, "bare"
    if first and match["from"] and _WAS.search(before):
        return _Mention("told", n, n, unit, (start, end), composed=True) if unit else None
    if first and match["from"] and (change := _CHANGED.search(before)):
        relation, composed = ("max" if change["less"] else "min"), True
    elif first:
        low, high, relation = min(number(first) or n, n), max(number(first) or n, n), "range"
        composed = True
    elif match["or_two"] and n == 1:
        low, high, relation = 1, 2, "range"
    elif unit and (by := _BY.search(before)):
        relation = "minus" if by["less"] else "plus"
        start -= len(before) - by.start()
    elif unit and off and away:
        relation = "minus"
        start, end = start - len(before) + off.start(), away.end()
    elif unit and (verb := _CUT.search(before) or _ADDED.search(before)):
        relation = "minus" if _CUT.search(before) else "plus"
        start -= len(before) - verb.start()
    elif unit and (change := _MORE_OR_LESS.search(match[0])):
        relation = "plus" if change["more"] else "minus"
    elif marker is not None and marker.lastgroup:
        relation = marker.lastgroup
        start -= len(before) - marker.start()
        refused = _REFUSED.search(comment[max(0, start - 60) : start]) is not None
        refused = refused or _ANYTHING.search(before[: marker.start()]) is not None
        relation = {"above": "max", "below": "min"}.get(relation, relation) if refused else relation
    elif behind is not None and behind.lastgroup:
        relation = behind.lastgroup
    if unit and (_EACH.match(comment, match.end()) or _EACH.match(comment, end)):
        return _Mention("each", n, n, unit, (start, end), composed=False)
    if relation == "bare" and unit and _REPORTED.search(before):
        return None
    if behind is not None and relation == behind.lastgroup:
        end = behind.end()
        composed = composed or relation in ("below", "above", "exact")
    composed = composed or (bool(unit) and f"{match['n']}-" in match[0])
    return _Mention(relation, low, high, unit, (start, end), composed and relation not in ("minus", "plus"))


def _bounds(mentions: list[_Mention], draft: str) -> list[Constraint]:
    """The constraints of one unit's amounts; the last word about a bound counts."""
    unit = mentions[0].unit
    low: int | None = None
    high: int | None = None
    for mention in mentions:
        match mention.relation:
            case "min":
                low = mention.low
            case "above":
                low = mention.low + 1
            case "max":
                high = mention.high
            case "below":
                high = max(1, mention.high - 1)
            case "about":
                low, high = max(1, round(mention.low * 0.8)), round(mention.high * 1.2)
            case "minus" | "plus":
                low, high = _difference(mention, draft)
            case "told":
                continue
            case "bare" if len(mentions) > 1:
                continue
            case _:
                low, high = mention.low, mention.high
    if low is None and high is None:
        return []
    if low is not None and high is not None and low > high:
        low = None
    return [Constraint("length", "", unit, low, high, SOURCE)]


def _difference(mention: _Mention, draft: str) -> tuple[int | None, int | None]:
    """The bound that lies as far from the draft as was said; none where the draft is too short for that."""
    fewest, most = {
        "words": count_words(draft),
        "sentences": count_sentences(draft),
        "characters": characters(draft),
        "paragraphs": (len(paragraphs(draft)),) * 2,
    }[mention.unit]
    if mention.relation == "plus":
        return most + mention.low, None
    return (None, fewest - mention.low) if fewest > mention.low else (None, None)
