"""Quantities that a question names, and the ranges that they lie in: 18 km lies in "10 to 25 km", Wednesday in "Monday
to Thursday", 29 December in "27 to 31 December"."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.common.evidence.units import Unit
from services.common.number_words import TO_HUNDRED

MAX_READ = 300
"""Characters of a text in which quantities and ranges are looked for."""
_UNITS = {
    "length": {"km": 1e3, "kilomet(?:er|re)s?": 1e3, "公里": 1e3, "miles?": 1609.0, "cm": 0.01,
               "centimet(?:er|re)s?": 0.01, "mm": 0.001, "米": 1.0, "met(?:er|re)s?": 1.0, "m": 1.0,
               "feet|foot|ft": 0.3048, "yards?": 0.9144},
    "mass": {"kg": 1.0, "kilos?": 1.0, "kilograms?": 1.0, "公斤|千克": 1.0, "grams?": 0.001,
             "tonnes?|tons?": 1e3, "g": 0.001, "t": 1e3, "lbs?": 0.4536},
    "money": {"€|euros?|eur": 1.0, r"\$|dollars?|usd": 1.0, "£|pounds?|gbp": 1.0, "元|块": 1.0},
    "years": {"(?:years?|yrs?)(?:[- ]old)?": 1.0, "岁": 1.0, "months?(?:[- ]old)?|mths?|mos?": 1 / 12},
    "time": {"minutes?|mins?": 1 / 60, "hours?|hrs?": 1.0, "days?": 24.0, "weeks?": 168.0, "小时": 1.0, "天": 24.0},
    "people": {"people|persons?|pers|guests?|adults?|participants?|employees|pupils|of us|pax|人|位": 1.0},
    "data": {"gb": 1.0, "mb": 0.001},
    "volume": {"lit(?:er|re)s?": 1.0, "l": 1.0},
}  # fmt: skip
_FACTORS = [
    (re.compile(rf"(?:{unit})$", re.IGNORECASE), dimension, factor)
    for dimension, units in _UNITS.items()
    for unit, factor in units.items()
]
_UNIT = "|".join(sorted((unit for units in _UNITS.values() for unit in units), key=len, reverse=True))
_NUMBER = rf"(?:\d{{1,3}}(?:,\d{{3}})+|\d{{1,7}}(?:[.,]\d{{1,3}})?|\b(?:{'|'.join(TO_HUNDRED)})\b)"
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?)\b\.?"
)


def _amount_of(place: str) -> str:
    """Matches an amount into groups of that place."""
    return rf"(?:(?P<sign{place}>[€$£])\s?)?(?P<number{place}>{_NUMBER})(?:[\s-]?(?P<unit{place}>{_UNIT})(?![^\W\d_]))?"


def _date_of(place: str) -> str:
    """Matches a day of a month, or a month, into groups of that place."""
    return (
        rf"(?:(?P<day{place}>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of )?)?(?P<month{place}>{_MONTH})"
        rf"(?:\s+(?P<late{place}>\d{{1,2}})(?!\d))?"
    )


_ONE = re.compile(_amount_of(""), re.IGNORECASE)
_BETWEEN = re.compile(
    rf"{_amount_of('1')}\s*(?:-|–|—|to|until|through|and|bis|至|到)\s*{_amount_of('2')}", re.IGNORECASE
)
_BELOW = re.compile(
    rf"(?P<edge>up to|not over|no more than|at most|max(?:imum|\.)?|under|below|less than|younger than|bis|不超过|以内)"
    rf"(?: and including)?\s+{_amount_of('')}",
    re.IGNORECASE,
)
_ABOVE = re.compile(
    rf"(?P<edge>over|above|more than|older than|exceeding|from|at least|min(?:imum|\.)?|ab|über|超过)\s+"
    rf"{_amount_of('')}",
    re.IGNORECASE,
)
_AND_MORE = re.compile(
    rf"{_amount_of('')}\s*(?:\+|(?:and|or) (?:over|older|more|above|up|longer)|upwards?|onwards?|以上)", re.IGNORECASE
)
_AND_LESS = re.compile(rf"{_amount_of('')}\s*(?:(?:and|or) (?:under|younger|less|below|fewer)|以下)", re.IGNORECASE)
_DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_DAY = r"(?:mon|tues?|wed(?:nes)?|thur?s?|fri|sat(?:ur)?|sun)(?:days?)?\b\.?"
_DAY_RANGE = re.compile(rf"\b(?P<first>{_DAY})\s*(?:-|–|—|to|until|through)\s*(?P<last>{_DAY})", re.IGNORECASE)
_ONE_DAY = re.compile(rf"\b{_DAY}", re.IGNORECASE)
_DATE_RANGE = re.compile(
    rf"\b{_date_of('1')}\s*(?:-|–|—|to|until|till|through)\s*(?:(?:early|mid|late)[- ])?{_date_of('2')}", re.IGNORECASE
)
_WITHIN_MONTH = re.compile(
    rf"\b(?P<first>\d{{1,2}})(?:st|nd|rd|th)?\s*(?:-|–|—|to|until)\s*(?P<last>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of )?"
    rf"(?P<month>{_MONTH})",
    re.IGNORECASE,
)
_SEASONS = {"winter": 1, "spring": 4, "summer": 7, "autumn": 10, "fall": 10}
"""A season's middle month, which lies in every range that is meant by its name."""
_SEASON = re.compile(
    r"\b(?:(?:in|during|over|for|this|next) (?:the )?(?P<in>winter|spring|summer|autumn|fall)\b|"
    r"(?P<of>winter|spring|summer|autumn|fall) (?:rates?|prices?|fares?|season|months?|hours|opening|times?))\b",
    re.IGNORECASE,
)
_HAN_DAYS = "一二三四五六日"
_HAN_DAY = re.compile(r"(?:周|星期|礼拜)(?P<day>[一二三四五六日天])")
_HAN_DAY_RANGE = re.compile(
    r"(?:周|星期|礼拜)(?P<first>[一二三四五六日天])\s*(?:至|到|-|–|—|~|～)\s*(?:周|星期|礼拜)?(?P<last>[一二三四五六日天])"
)
_ONE_DATE = re.compile(rf"\b{_date_of('')}", re.IGNORECASE)
_NEAR = 1e-9
_YEARLY = re.compile(r"\b(?:an?|one|whole|full) year\b(?![- ]old)|\b(?:yearly|annual(?:ly)?)\b", re.IGNORECASE)
_FEASTS = {
    "christmas eve": (12, 24), "christmas day": (12, 25), "boxing day": (12, 26), "new year's eve": (12, 31),
    "new year's day": (1, 1), "new years eve": (12, 31), "new years day": (1, 1), "valentine's day": (2, 14),
    "st patrick's day": (3, 17), "paddy's day": (3, 17), "independence day": (7, 4), "halloween": (10, 31),
}  # fmt: skip


@dataclass(frozen=True)
class Range:
    """Values of a dimension ("length" in metres, "weekday" 0 to 6, "date" by day of a year) from `low` to `high`; one
    whose `low` is above its `high` goes round: from October to March."""

    dimension: str
    low: float
    high: float

    def holds(self, other: Range) -> bool:
        """Whether the other range, or value, lies in this one; both are of one dimension."""
        if self.low <= self.high:
            return self.low - _NEAR <= other.low and other.high <= self.high + _NEAR
        return other.low >= self.low or other.high <= self.high


def ranges_of(text: str, dimension: str = "") -> list[Range]:
    """The ranges that a label or a statement names; `dimension` is that of numbers without a unit, if known."""
    text = text[:MAX_READ]
    found = [*_spans_of_days(text), *_spans_of_dates(text)]
    if found:
        return found
    for pattern, low, high in (
        (_BETWEEN, None, None), (_BELOW, -math.inf, None), (_AND_MORE, None, math.inf), (_AND_LESS, -math.inf, None),
        (_ABOVE, None, math.inf),
    ):  # fmt: skip
        for match in pattern.finditer(text):
            part = _range(match, low, high, dimension)
            if part is not None:
                found.append(part)
        if found:
            break
    return found


def quantities_of(question: str) -> list[Range]:
    """The quantities, days and dates that a question names, each as a range of one value."""
    text = question[:MAX_READ]
    found = _dates_of(text)
    found += [Range("weekday", at, at) for at in _days_of(text)]
    found += [_season(match["in"] or match["of"]) for match in _SEASON.finditer(text)]
    found += [Range("years", 1.0, 1.0) for _ in _YEARLY.finditer(text)]
    for match in _ONE.finditer(text):
        amount = _amount(match, "", _aged(text, match))
        if amount is not None:
            found.append(Range(amount[0], amount[1], amount[1]))
    return found


_OF_AGES = re.compile(
    r"\b(?:age[ds]?|old(?:er)?|young(?:er)?|over|under|child(?:ren)?|kids?|adults?|seniors?|juniors?|youths?|infants?|"
    r"bab(?:y|ies)|teens?)\b",
    re.IGNORECASE,
)


def within(quantities: Sequence[Range], label: str) -> float:
    """1 where a range of the label holds one of the quantities, -1 where it has ranges of their dimension and none
    does, 0 where they cannot be compared."""
    ages = "years" if _OF_AGES.search(label[:MAX_READ]) else ""
    return _verdict(quantities, ranges_of(label, ages) or quantities_of(label))


def unit_within(quantities: Sequence[Range], unit: Unit) -> float:
    """`within` for what a row is about: its first cell and its name; half of it for a statement that holds one of the
    quantities in a range of its own."""
    if not quantities:
        return 0.0
    if unit.kind == "row" and unit.cells:
        labels = dict.fromkeys((unit.cells[0][1], unit.name))
        return max((within(quantities, label) for label in labels if label), key=abs, default=0.0)
    return 0.5 * float(_verdict(quantities, ranges_of(unit.text)) > 0)


def _verdict(quantities: Sequence[Range], ranges: Sequence[Range]) -> float:
    pairs = [(one, other) for one in quantities for other in ranges if one.dimension == other.dimension]
    if not pairs:
        return 0.0
    return 1.0 if any(other.holds(one) for one, other in pairs) else -1.0


def _range(match: re.Match[str], low: float | None, high: float | None, dimension: str) -> Range | None:
    if "number2" in match.re.groupindex:
        last = _amount(match, "2", dimension)
        if last is None:
            return None
        first = _amount(match, "1", last[0], None if match["unit1"] or match["sign1"] else last[2])
        return Range(last[0], first[1], last[1]) if first is not None and first[0] == last[0] else None
    amount = _amount(match, "", dimension)
    if amount is None:
        return None
    edge = match["edge"].casefold() if "edge" in match.re.groupindex else ""
    small = 1e-6 * max(1.0, abs(amount[1]))
    if edge in ("under", "below", "less than", "younger than"):
        return Range(amount[0], -math.inf, amount[1] - small)
    if edge in ("over", "above", "more than", "older than", "exceeding", "über", "超过"):
        return Range(amount[0], amount[1] + small, math.inf)
    return Range(amount[0], amount[1] if low is None else low, amount[1] if high is None else high)


def _amount(
    match: re.Match[str], place: str, dimension: str, factor: float | None = None
) -> tuple[str, float, float] | None:
    """(dimension, value, factor of the unit) of the amount in the groups of that place."""
    text = match[f"number{place}"].casefold()
    if text in TO_HUNDRED:
        number = float(TO_HUNDRED[text])
    else:
        number = float(re.sub(r",(?=\d{3}(?!\d))", "", text).replace(",", "."))
    unit = match[f"sign{place}"] or match[f"unit{place}"]
    if unit:
        for pattern, name, own in _FACTORS:
            if pattern.match(unit):
                return name, number * own, own
    return (dimension, number * (factor or 1.0), factor or 1.0) if dimension else None


def _aged(text: str, match: re.Match[str]) -> str:
    """ "years" where a bare number is somebody's age: "my gran is 70", "turned 68", "aged 12"."""
    before = text[max(0, match.start() - 24) : match.start()].casefold()
    aged = re.search(
        r"(?:\b(?:aged?|turned|turns|turning|is|am|i'm|im|she's|he's|shes|hes)(?: (?:just|only|now))?) $", before
    )
    after = text[match.end() : match.end() + 12]
    return "years" if aged and not re.match(r"\s?(?:[:.]\d|[%°]|[ap]\.?m\b)", after) else ""


def _day_number(word: str) -> int:
    return next(at for at, day in enumerate(_DAYS) if day.startswith(word.casefold()[:3]))


def _days_of(text: str) -> list[int]:
    return [_day_number(match[0]) for match in _ONE_DAY.finditer(text)] + [
        _han_day(match["day"]) for match in _HAN_DAY.finditer(text)
    ]


def _han_day(word: str) -> int:
    return _HAN_DAYS.index("日" if word == "天" else word)


def _season(name: str) -> Range:
    month = _SEASONS[name.casefold()]
    return Range("date", 31 * month + 1, 31 * month + 31)


def _spans_of_days(text: str) -> Iterable[Range]:
    spans = [
        Range("weekday", _day_number(match["first"]), _day_number(match["last"])) for match in _DAY_RANGE.finditer(text)
    ]
    spans += [
        Range("weekday", _han_day(match["first"]), _han_day(match["last"])) for match in _HAN_DAY_RANGE.finditer(text)
    ]
    if spans:  # "Monday to Thursday, Sunday"
        rest = _HAN_DAY_RANGE.sub(" ", _DAY_RANGE.sub(" ", text))
        spans += [Range("weekday", at, at) for at in _days_of(rest)]
    elif re.search(r"\bweekdays?\b|工作日", text, re.IGNORECASE):
        spans = [Range("weekday", 0, 4)]
    elif re.search(r"\bweekends?\b|周末", text, re.IGNORECASE):
        spans = [Range("weekday", 5, 6)]
    return spans


def _spans_of_dates(text: str) -> Iterable[Range]:
    spans = []
    for match in _WITHIN_MONTH.finditer(text):
        month = _month_number(match["month"])
        spans.append(Range("date", 31 * month + int(match["first"]), 31 * month + int(match["last"])))
    for match in _DATE_RANGE.finditer(text):
        first, last = _date(match, "1"), _date(match, "2")
        spans.append(Range("date", first.low, last.high))
    return spans


def _dates_of(text: str) -> list[Range]:
    folded = text.casefold().replace("’", "'")
    feasts = [Range("date", 31 * m + d, 31 * m + d) for name, (m, d) in _FEASTS.items() if name in folded]
    return feasts or [
        _date(match, "")
        for match in _ONE_DATE.finditer(text)
        if match["day"] or match["late"] or match["month"].casefold() not in ("may", "mar", "march", "sun")
        or re.search(r"\b(?:in|during|of|early|mid|late)\s+$", text[max(0, match.start() - 8) : match.start()])
    ]  # fmt: skip


def _month_number(word: str) -> int:
    return _MONTHS.index(word.casefold()[:3]) + 1


def _date(match: re.Match[str], place: str) -> Range:
    """The day that the groups of that place name, or all days of the month."""
    month, day = _month_number(match[f"month{place}"]), match[f"day{place}"] or match[f"late{place}"]
    if day:
        return Range("date", 31 * month + int(day), 31 * month + int(day))
    return Range("date", 31 * month + 1, 31 * month + 31)
