"""Numbers, times and dates in a text: where they stand and what they mean, in English and Chinese."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from services.common.number_words import NUMBER_WORDS, UNITS
from services.tracker.domain.han_moments import DAY_OF_TIME, HAN_BESIDE, HAN_DATE, HAN_TIME
from services.tracker.domain.han_numbers import COUNT, HAN_MONEY, HAN_NUMBER, MAX_NUMBER, han_number

_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth"
    " fifteenth sixteenth seventeenth eighteenth nineteenth twentieth thirtieth"
).split()
_MONTHS = "january february march april may june july august september october november december".split()
_DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()

_word = "|".join(sorted(NUMBER_WORDS, key=len, reverse=True))
_count = (
    r"(?:\d{1,3}(?:,\d{3}){1,6}|\d+)(?:\.\d+)?"
    rf"|(?:(?:an? hundred|{_word})(?:[- ](?:{_word}|hundred|thousand|and)){{0,12}})"
)
_hour = rf"(?:\d{{1,2}}|{'|'.join(UNITS[1:13])})"
_minute = r"(?:fifteen|thirty|forty[- ]five|ten|twenty[- ]five|twenty|five|fifty)"
_minutes = rf"(?:{_word}|twenty[- ](?:{'|'.join(UNITS[1:10])})|\d{{1,2}})"
_noon = r"(?:(?:12|twelve) )?(?:noon|midnight|midday)"
_span = rf"(?:half an hour|an hour|(?:{_minutes}) (?:minutes?|hours?))"
_away = r"(?:past|to|after|before|till|til)"
_clock_parts = rf"(?:(?:half|quarter|{_minutes} minutes?) (?:past|to|after|before)|(?:{_minute}|\d{{1,2}}) past)"
_half_day = r"(?:a\.m\.?|p\.m\.?|am\b|pm\b)"
_part = (
    r"(?:in the (?:early )?(?:morning|afternoon|evening|night)|at night|o'? ?clock"
    r"|(?:this |tomorrow )?(?:morning|afternoon|evening))"
)
MONTH = rf"(?:{'|'.join(_MONTHS)}|(?:jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\.?)"
_day = rf"(?:{'|'.join(_DAYS)}|mon|tues?|wed|thurs?|fri|sat|sun)"
_nth = (
    r"(?:\d{1,2}(?:st|nd|rd|th)"
    rf"|(?:twenty|thirty)[- ](?:{'|'.join(_ORDINALS[:9])})|{'|'.join(_ORDINALS)})"
)

NUMBER = re.compile(rf"(?<![\w.$:/-])({_count})(?![\w:/]|\.\d|-\d)", re.I)
_clock_time = (
    rf"(?:\d{{1,2}}[:.]\d{{2}}(?: ?{_half_day})?|{_hour} ?(?:{_half_day}|o'? ?clock)|{_noon}"
    rf"|(?:an? )?{_clock_parts} {_hour}(?: ?{_half_day})?)"
)
_to_hour = rf"(?:quarter|{_minute}) to {_hour}"
_either_time = rf"(?:{_clock_time}|{_hour})"
TIME_RANGE = re.compile(
    rf"(?<![\w$.:-])(?:between (?P<b1>{_to_hour}|{_either_time})(?: {_part})? and (?P<b2>{_to_hour}|{_either_time})"
    rf"|from (?P<f1>{_either_time})(?: {_part})? (?:to|till|until) (?P<f2>{_either_time})"
    rf"|(?P<t1>{_either_time})(?: {_part})? ?(?:to|till|until|-|–) ?(?P<t2>{_either_time}))(?: {_part})?(?!\w)",
    re.I,
)
"""Two times and what is between them; one at least is written as a time (see `typed_mentions`)."""
BARE_RANGE = re.compile(
    rf"(?<![\w$.:-])(?:between {_hour} and {_hour}|from {_hour} (?:to|till|until) {_hour}"
    rf"|(?<=^){_hour} ?(?:to|till|until|-|–) ?{_hour})(?![\w:]|[.,]\d)"
    r"(?!\s+(?!please|is|are|would|works?|will|on|suits?|sounds?|if|or|thanks?)\w)",
    re.I,
)
"""Two numbers that are times where a time was asked for ("between 9 and 11")."""
_TIMELY = re.compile(
    rf"\d[hH]\d|\bpast\b|\bquarter\b|\bhalf\b|\bhours\b|[:.]\d|{_half_day}|o'? ?clock|noon|midnight|midday"
    r"|morning|afternoon|evening|night",
    re.I,
)
TIME = re.compile(
    rf"(?<![\w$.:-])(?:"
    rf"(?:shortly|just|right|soon|a (?:bit|little)|sometime) (?:before|after) (?:{_noon}|{_clock_time})|"
    rf"(?:an? )?(?:half|quarter|(?:{_minute}|\d{{1,2}})(?: minutes?)?|{_minutes} minutes?) {_away} {_noon}"
    rf"|(?:an? )?(?:quarter|{_minute}) of {_noon}|{_span} (?:before|after|past|to) (?:{_noon}"
    rf"|{_hour} ?(?:{_half_day}|o'? ?clock))"
    rf"|(?:(?<=\bat )|(?<=\bby )|(?<=\baround )|(?<=\babout )|(?<=\btill )|(?<=\buntil ))half {_hour}"
    rf"(?: ?{_half_day}| {_part})*"
    rf"|(?:(?<=^)|(?<=[.,!?] ))half {_hour}(?: ?{_half_day}| {_part})*"
    rf"(?=\W*(?:$|[.,!?]|please|is|works|would|suits))|\d{{1,2}}h\d{{2}}"
    rf"|(?:[01]\d|2[0-3])[0-5]\d (?:hours|hrs)(?! of)"
    rf"|{_minutes} minutes? {_away} {_hour}(?: ?{_half_day}| {_part})*"
    rf"|(?:an? )?\d{{1,2}}(?: minutes?)? past {_hour}(?: ?{_half_day}| {_part})*"
    rf"|(?:an? )?\d{{1,2}} minutes? (?:to|before|after) {_hour}(?: ?{_half_day}| {_part})*"
    rf"|(?:{_part} )?\d{{1,2}}[:.]\d{{2}}(?!\d)(?: ?{_half_day})?(?: {_part})?"
    rf"|(?:half|quarter|(?:{_minute})(?: minutes)?) (?:past|to|after|before) {_hour}"
    rf"(?: ?{_half_day}| {_part})*"
    rf"|{_hour} ?(?:{_half_day}|o'? ?clock)(?: {_part})?"
    rf"|{_hour}(?: {_minute})? (?:in the (?:morning|afternoon|evening)|at night|tonight)"
    rf"|(?:morning|afternoon|evening) (?:at )?{_hour}(?: {_minute}| thirty)?(?: ?o'? ?clock| ?{_half_day})?"
    rf"|{_hour} {_minute}(?: ?{_half_day})"
    rf"|\b{_noon}\b"
    rf")(?![\w])",
    re.I,
)
DATE = re.compile(
    rf"(?<![\w$.:/-])(?:"
    rf"{_day},? (?:the )?(?:{_nth} (?:of )?{MONTH}|\d{{1,2}} (?:of )?{MONTH}|{MONTH} (?:the )?(?:{_nth}"
    rf"|\d{{1,2}}(?!\d|:))|\d{{1,2}}\.\d{{1,2}}\.)"
    rf"|the day after tomorrow|day after tomorrow|later today|today|tomorrow|tonight|tonite|tmrw|last night"
    rf"|next week|this weekend"
    rf"|(?:(?:the )?{_nth}(?: (?:of )?(?:this month|next month|{MONTH}(?:,? \d{{4}})?)))"
    rf"|{MONTH} (?:the )?(?:{_nth}|\d{{1,2}}(?!\d|:|\s?(?:am|pm)))(?:,? \d{{4}})?"
    rf"|\d{{4}}-\d{{1,2}}-\d{{1,2}}|\d{{1,2}}/\d{{1,2}}(?:/\d{{2,4}})?"
    rf"|\d{{1,2}} (?:of )?{MONTH}(?:,? \d{{4}})?"
    rf"|the {_nth}(?! (?:one|time|option|floor|street|avenue|st\b|ave\b))"
    rf"|\d{{1,2}}(?:st|nd|rd|th)(?! (?:st|street|ave|avenue|floor)\b)"
    rf"|(?:(?:this|next|coming) )?{_day}(?: (?:next week|this week|after next))?"
    rf")(?!\w)",
    re.I,
)
MONEY = re.compile(
    r"(?:[$€£¥]\s?\d[\d,]{0,18}(?:\.\d{1,6})?)|(?:(?<![\d.,])\d[\d,]{0,18}(?:\.\d{1,6})?\s?(?:dollars|bucks|euros?"
    r"|pounds|yuan|元|块|€))",
    re.I,
)
_DATE_LEADS = frozenset("on the of next this coming st nd rd th at for".split())
MAX_MENTIONS = 100
"""Mentions of one pattern in a message: nobody means more, and each costs a look at its surroundings."""


@dataclass(frozen=True, slots=True)
class Mention:
    """Something typed in a text: `kind` is a slot's kind (or "money"), `start`/`end` are code points."""

    kind: str
    text: str
    start: int
    end: int


def number_value(text: str) -> str | None:
    """The digits of a number in words or digits ("twenty five" → "25"), English or Chinese; None for others."""
    text = text.strip().lower().replace(",", "")
    if len(text) > MAX_NUMBER:
        return None
    if re.fullmatch(r"[0-9]+", text):
        return str(int(text))
    if re.fullmatch(r"[0-9]+\.[0-9]+", text):
        return text.removesuffix(".0")
    han = han_number(text)
    if han is not None:
        return han
    tokens = [token for token in re.split(r"[\s-]+", text) if token not in ("", "and")]
    if not tokens:
        return None
    total = current = 0
    for token in tokens:
        if token in NUMBER_WORDS:
            current += NUMBER_WORDS[token]
        elif token == "hundred":
            current = max(1, current) * 100
        elif token == "thousand":
            total, current = total + max(1, current) * 1000, 0
        else:
            return None
    return str(total + current)


def time_value(text: str) -> str | None:
    """A time as HH:MM on the 24-hour clock ("half past 5 pm" → "17:30"); None where the text is no time."""
    lower = text[:MAX_NUMBER].lower().strip()
    if time_range_value(lower):
        return None
    if re.search(r"noon|midday|midnight", lower) and "afternoon" not in lower:
        hour, minute = _around(lower, 0 if "midnight" in lower else 12)
        return f"{hour:02d}:{minute:02d}"
    found = _clock(lower)
    if found is None:
        return None
    hour, minute = found
    if "at night" in lower and (hour == 12 or hour < 5):
        hour %= 12
    elif (re.search(r"p\.?m|afternoon|evening|night|下午|晚上|傍晚|[今明]晚", lower) and hour < 12) or (
        "中午" in lower and hour < 4
    ):
        hour += 12
    elif re.search(r"a\.?m\b|a\.m\.|morning|早上|上午|凌晨", lower) and hour == 12:
        hour = 0
    return f"{hour:02d}:{minute:02d}" if hour < 24 and minute < 60 else None


def _around(lower: str, hour: int) -> tuple[int, int]:
    """Hour and minute of a time told from noon (`hour` 12) or midnight (0)."""
    shifted = _SHIFTED.search(lower)
    return _shifted(shifted, hour) if shifted else (hour, 0)


_SHIFTED = re.compile(
    rf"(half an hour|an hour|half|quarter|{_minutes}|{_minute})( hours?)?(?: minutes?)?"
    r" (past|after|to|before|till|til|of)\b"
)


def _shifted(match: re.Match[str], hour: int) -> tuple[int, int]:
    """Hour and minute as far before or behind `hour` as the words say."""
    said = {"half": 30, "quarter": 15, "half an hour": 30, "an hour": 60}.get(match[1])
    minutes = said if said is not None else int(number_value(match[1]) or 0) * (60 if match[2] else 1)
    moment = hour * 60 + (minutes if match[3] in ("past", "after") else -minutes)
    return moment // 60 % 24, moment % 60


def time_range_value(text: str) -> tuple[str, str] | None:
    """The two times of a range on the 24-hour clock ("between 2 and 4 pm" → 14:00, 16:00); None where it is none."""
    match = TIME_RANGE.fullmatch(text.strip()[:MAX_NUMBER])
    if match is None or not _is_range(match):
        return None
    first, last = (part for part in match.group("b1", "b2", "f1", "f2", "t1", "t2") if part)
    tail = match[0][match.end("b2") if match["b2"] else match.end("f2") if match["f2"] else match.end("t2") :]
    end = time_value(last + tail)
    start = time_value(first + tail)
    half = re.search(_half_day, last, re.I)
    if half and start is not None and end is not None and not re.search(_TIMELY, first):
        # "2 to 4 pm" begins in the afternoon too, "11 to 1 pm" before noon
        later = time_value(f"{first} {half[0]}")
        start = later if later is not None and later < end else start
    if start and end and end <= start and end < "12:00" and not _TIMELY.search(last):
        end = f"{int(end[:2]) + 12:02d}{end[2:]}"  # "between noon and 2"
    return (start, end) if start and end else None


def same_moment(one: str, other: str) -> bool:
    """Whether two dates or times are the same one said differently, or one of them says more of it."""
    if _TIMELY.search(one) and _TIMELY.search(other):
        return time_value(one) is not None and time_value(one) == time_value(other)
    own, others = _date_words(one), _date_words(other)
    return bool(own) and bool(others) and (own <= others or others <= own)


_WEEKDAY = re.compile(rf"\b{_day}\b|[周期拜][一二三四五六日天]", re.I)
_CALENDAR = re.compile(rf"\b(?:{MONTH})(?!\w)|\d[./月-]\d|月", re.I)


def same_terms(one: str, other: str) -> bool:
    """Whether two dates name their days in the same way, so that other words mean another day: both by weekday, by
    month and day, by the day alone, or by words like "tomorrow"."""

    def terms(text: str) -> int:
        if _CALENDAR.search(text):
            return 0
        return 1 if _WEEKDAY.search(text) else 2 if re.search(r"\d", text) else 3

    return terms(one) == terms(other)


def _date_words(text: str) -> set[str]:
    """A date's words as weekdays, months and numbers; nothing that only leads to it."""
    words = re.findall(r"[a-z]+|\d+|[一二三四五六日天十]+", text.lower())
    return {word[:3] if word.isalpha() and word.isascii() else word for word in words if word not in _DATE_LEADS}


def _clock(lower: str) -> tuple[int, int] | None:
    exact = re.search(r"(\d{1,2})[:.h](\d{2})|\b(\d{2})(\d{2}) (?:hours|hrs)", lower)
    if exact:
        return int(exact[1] or exact[3]), int(exact[2] or exact[4])
    if beside := HAN_BESIDE.search(lower):
        return _beside(beside)
    han = re.search(rf"(\d{{1,2}}|[{COUNT}]{{1,3}}) ?点 ?(半|[一三]刻|\d{{1,2}}|[{COUNT}]+)?", lower)
    if han:
        return _pair(han[1], {"半": "30", "一刻": "15", "三刻": "45"}.get(han[2] or "0", han[2] or "0"))
    shifted = _SHIFTED.search(lower)
    hour = re.match(rf" ({_hour})", lower[shifted.end() :]) if shifted else None
    if shifted and hour:
        return _shifted(shifted, int(number_value(hour[1]) or 0))
    half = re.match(rf"half ({_hour})", lower)
    if half:  # "at half ten" is half past ten
        return int(number_value(half[1]) or 0), 30
    plain = re.search(rf"({_hour})(?: ({_minute}))?", lower)
    return _pair(plain[1], plain[2] or "0") if plain else None


def _beside(match: re.Match[str]) -> tuple[int, int]:
    """Hour and minute of a Chinese time that is told by what it lacks of an hour, or has beyond it."""
    hour = int(number_value(match["hour"] or match["full"]) or 0)
    short = {"一刻": 15, "半小时": 30}.get(match["short"] or match["left"] or "")
    minutes = short if short is not None else int(number_value(match["minutes"] or match["rest"]) or 0)
    moment = hour * 60 + (minutes if match["way"] == "过" else -minutes)
    return moment // 60 % 24, moment % 60


def _pair(hour: str, minute: str) -> tuple[int, int] | None:
    hours, minutes = number_value(hour), number_value(minute)
    return (int(hours), int(minutes)) if hours and minutes else None


def typed_mentions(text: str) -> tuple[Mention, ...]:
    """Times, dates, money and numbers of the text, in that order of precedence, not overlapping, by place.

    At most `MAX_MENTIONS` of each pattern.
    """
    return _typed_mentions(text)


@lru_cache(maxsize=512)
def _typed_mentions(text: str) -> tuple[Mention, ...]:
    found: list[Mention] = []
    taken = bytearray(len(text))
    for kind, pattern in _PATTERNS:
        matches = (match for match in pattern.finditer(text) if pattern is not TIME_RANGE or _is_range(match))
        for match in islice(matches, MAX_MENTIONS):
            start, end = match.span()
            start += len(match[0]) - len(match[0].lstrip())
            if kind == "date" and text[end - 1 : end] == ".":
                end -= 1  # "on 3 Jun." ends a sentence
            if start < end and not any(taken[start:end]):
                taken[start:end] = b"\1" * (end - start)
                found.append(Mention(kind, text[start:end], start, end))
                day = DAY_OF_TIME.match(text[start:end]) if kind == "time" else None
                if day:
                    found.append(Mention("date", day[0], start, start + day.end()))
    return tuple(sorted(found, key=lambda m: m.start))


def _is_range(match: re.Match[str]) -> bool:
    """Whether two numbers are times, and "ten to midnight" is not one of them."""
    to_noon = match["t1"] and not _TIMELY.search(match["t1"]) and re.search(r"noon|mid", match["t2"], re.I)
    before = match.string[max(0, match.start() - _CHANGE_WINDOW) : match.start()]
    moved = match["f1"] is not None and " to " in match[0].lower() and _CHANGED.search(before) is not None
    return _TIMELY.search(match[0]) is not None and not to_noon and not moved


_CHANGE_WINDOW = 80
_CHANGED = re.compile(
    r"\b(?:chang|mov|switch|shift|reschedul|postpon|swap|push|delay|bring)\w{0,6}\b[^.,;!?]{0,60}$", re.I
)
"""What makes "from 9 am to 2 pm" the old and the new time ("please move my visit from 9 am to 2 pm")."""


def range_ends(mention: Mention) -> list[Mention]:
    """The two times of a range as mentions of their own; the mention itself where it is none."""
    match = TIME_RANGE.fullmatch(mention.text)
    if match is None:
        return [mention]
    spans = [match.span(name) for name in ("b1", "b2", "f1", "f2", "t1", "t2") if match[name]]
    return [Mention("time", mention.text[a:b], mention.start + a, mention.start + b) for a, b in spans]


_PATTERNS = (
    ("time", TIME_RANGE),
    ("time", TIME),
    ("time", HAN_TIME),
    ("date", DATE),
    ("date", HAN_DATE),
    ("money", HAN_MONEY),
    ("money", MONEY),
    ("number", NUMBER),
    ("number", HAN_NUMBER),
)
