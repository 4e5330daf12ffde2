"""Numbers, times and dates in a text: where they stand and what they mean, in English and Chinese."""

from __future__ import annotations

import re
from dataclasses import dataclass

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    " seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
NUMBER_WORDS = {word: i for i, word in enumerate(_UNITS)} | {w: 20 + 10 * i for i, w in enumerate(_TENS)}
_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth"
    " fifteenth sixteenth seventeenth eighteenth nineteenth twentieth thirtieth"
).split()
_HAN_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_MONTHS = "january february march april may june july august september october november december".split()
_DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()

_word = "|".join(sorted(NUMBER_WORDS, key=len, reverse=True))
_count = (
    r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
    rf"|(?:(?:{_word})(?:[- ](?:{_word}|hundred|thousand|and))*)"
)
_hour = rf"(?:\d{{1,2}}|{'|'.join(_UNITS[1:13])})"
_minute = r"(?:fifteen|thirty|forty[- ]five|ten|twenty|twenty[- ]five|five|fifty)"
_half_day = r"(?:a\.m\.?|p\.m\.?|am\b|pm\b)"
_part = (
    r"(?:in the (?:early )?(?:morning|afternoon|evening|night)|at night|o'? ?clock"
    r"|(?:this |tomorrow )?(?:morning|afternoon|evening))"
)
_month = rf"(?:{'|'.join(_MONTHS)}|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\.?"
_day = rf"(?:{'|'.join(_DAYS)}|mon|tues?|wed|thurs?|fri|sat|sun)"
_nth = (
    r"(?:\d{1,2}(?:st|nd|rd|th)"
    rf"|(?:twenty|thirty)[- ](?:{'|'.join(_ORDINALS[:9])})|{'|'.join(_ORDINALS)})"
)

NUMBER = re.compile(rf"(?<![\w.$:/-])({_count})(?![\w:/]|\.\d|-\d)", re.I)
TIME = re.compile(
    rf"(?<![\w$.:-])(?:"
    rf"(?:{_part} )?\d{{1,2}}[:.]\d{{2}}(?!\d)(?: ?{_half_day})?(?: {_part})?"
    rf"|(?:half|quarter|(?:{_minute})(?: minutes)?) (?:past|to|after|before) {_hour}"
    rf"(?: ?{_half_day}| {_part})*"
    rf"|{_hour} ?(?:{_half_day}|o'? ?clock)(?: {_part})?"
    rf"|{_hour}(?: {_minute})? (?:in the (?:morning|afternoon|evening)|at night)"
    rf"|(?:morning|afternoon|evening) (?:at )?{_hour}(?: {_minute}| thirty)?(?: ?o'? ?clock)?"
    rf"|{_hour} {_minute}(?: ?{_half_day})"
    rf"|\b(?:noon|midnight|midday|12 noon)\b"
    rf")(?![\w])",
    re.I,
)
DATE = re.compile(
    rf"(?<![\w$.:/-])(?:"
    rf"the day after tomorrow|day after tomorrow|later today|today|tomorrow|tonight|next week|this weekend"
    rf"|(?:(?:the )?{_nth}(?: (?:of )?(?:this month|next month|{_month}(?:,? \d{{4}})?)))"
    rf"|{_month} (?:the )?(?:{_nth}|\d{{1,2}}(?!\d|:|\s?(?:am|pm)))(?:,? \d{{4}})?"
    rf"|\d{{4}}-\d{{1,2}}-\d{{1,2}}|\d{{1,2}}/\d{{1,2}}(?:/\d{{2,4}})?"
    rf"|\d{{1,2}} (?:of )?{_month}(?:,? \d{{4}})?"
    rf"|the {_nth}(?! (?:one|time|option|floor|street|avenue|st\b|ave\b))"
    rf"|\d{{1,2}}(?:st|nd|rd|th)(?! (?:st|street|ave|avenue|floor)\b)"
    rf"|(?:(?:this|next|coming) )?{_day}(?: (?:next week|this week|after next))?"
    rf")(?!\w)",
    re.I,
)
MONEY = re.compile(
    r"(?:[$€£¥]\s?\d[\d,]*(?:\.\d+)?)|(?:\d[\d,]*(?:\.\d+)?\s?(?:dollars|bucks|euros|pounds|yuan|元|块))",
    re.I,
)
_HAN_COUNT = "零一二两三四五六七八九十"
HAN_NUMBER = re.compile(rf"(?:\d+(?:\.\d+)?|[{_HAN_COUNT}百千]+)(?=[个位人张间天晚星分点元块号月日楼层次家名份])")
HAN_TIME = re.compile(
    rf"(?:早上|上午|中午|下午|晚上|凌晨)?(?:\d{{1,2}}|[{_HAN_COUNT}]{{1,3}})"
    rf"(?:点半|点(?:\d{{1,2}}分?|[{_HAN_COUNT}]+分?)?(?!以上|以下)|:\d{{2}})"
)
HAN_DATE = re.compile(
    r"今天|明天|后天|大后天|(?:这|下|本)?(?:个)?(?:周|星期|礼拜)[一二三四五六日天]|\d{1,2}月\d{1,2}[日号]|\d{1,2}号"
)


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
    if re.fullmatch(r"\d+", text):
        return str(int(text))
    if re.fullmatch(r"\d+\.\d+", text):
        return text.removesuffix(".0")
    han = _han_number(text)
    if han is not None:
        return str(han)
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


def _han_number(text: str) -> int | None:
    if not text or any(c not in _HAN_DIGITS and c not in "十百千" for c in text):
        return None
    total = current = 0
    for c in text:
        if c in _HAN_DIGITS:
            current = _HAN_DIGITS[c]
        else:
            total += max(1, current) * {"十": 10, "百": 100, "千": 1000}[c]
            current = 0
    return total + current


def time_value(text: str) -> str | None:
    """A time as HH:MM on the 24-hour clock ("half past 5 pm" → "17:30"); None where the text is no time."""
    lower = text.lower().strip()
    if re.search(r"\b(?:noon|midday)\b", lower):
        return "12:00"
    if "midnight" in lower:
        return "00:00"
    found = _clock(lower)
    if found is None:
        return None
    hour, minute = found
    if re.search(r"p\.?m|afternoon|evening|night|下午|晚上", lower) and hour < 12:
        hour += 12
    elif re.search(r"a\.?m\b|a\.m\.|morning|早上|上午|凌晨", lower) and hour == 12:
        hour = 0
    return f"{hour:02d}:{minute:02d}" if hour < 24 and minute < 60 else None


def _clock(lower: str) -> tuple[int, int] | None:
    exact = re.search(r"(\d{1,2})[:.](\d{2})", lower)
    if exact:
        return int(exact[1]), int(exact[2])
    han = re.search(rf"(\d{{1,2}}|[{_HAN_COUNT}]{{1,3}})点(半|\d{{1,2}}|[{_HAN_COUNT}]+)?", lower)
    if han:
        return _pair(han[1], "30" if han[2] == "半" else han[2] or "0")
    shifted = re.search(rf"(half|quarter|{_minute})(?: minutes)? (past|after|to|before) ({_hour})", lower)
    if shifted:
        hour = int(number_value(shifted[3]) or 0)
        minute = {"half": 30, "quarter": 15}.get(shifted[1]) or int(number_value(shifted[1]) or 0)
        return (hour, minute) if shifted[2] in ("past", "after") else ((hour - 1) % 24, 60 - minute)
    plain = re.search(rf"({_hour})(?: ({_minute}))?", lower)
    return _pair(plain[1], plain[2] or "0") if plain else None


def _pair(hour: str, minute: str) -> tuple[int, int] | None:
    hours, minutes = number_value(hour), number_value(minute)
    return (int(hours), int(minutes)) if hours and minutes else None


def typed_mentions(text: str) -> list[Mention]:
    """Times, dates, money and numbers of the text, in that order of precedence, not overlapping, by place."""
    found: list[Mention] = []
    patterns = (
        ("time", TIME),
        ("time", HAN_TIME),
        ("date", DATE),
        ("date", HAN_DATE),
        ("money", MONEY),
        ("number", NUMBER),
        ("number", HAN_NUMBER),
    )
    for kind, pattern in patterns:
        for match in pattern.finditer(text):
            start, end = match.span()
            if start < end and not any(m.start < end and start < m.end for m in found):
                found.append(Mention(kind, text[start:end], start, end))
    return sorted(found, key=lambda m: m.start)
