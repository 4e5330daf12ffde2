"""Chinese numbers, amounts of money, and the units that a number can be told in."""

from __future__ import annotations

import re
from itertools import islice

COUNT = "零〇一二两三四五六七八九十"
MEASURES = (
    "个位人张间天晚星分点元块月楼层次家名份件套双条台辆只部盒瓶箱袋口桶升吨"
    "斤束盆棵页枚杯桌场门课股匹头支枝朵颗粒把副本幅组对株米平岁根笔扇床顿"
)
"""What Chinese counts things by."""

_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_LARGE = {"万": 10_000, "亿": 100_000_000}
MAX_NUMBER = 60
"""Characters of a number; a longer run of digits is no amount."""

_run = rf"[{COUNT}百千万]{{1,9}}"
_large = (
    rf"[一二两三四五六七八九][{COUNT}]{{0,2}}[百千万][{COUNT}百千万]{{0,8}}"  # "三百五", with no measure word behind it
)
HAN_NUMBER = re.compile(
    r"(?<![\d.A-Za-z])\d{1,9}(?:\.\d{1,4})?(?: ?[千万亿])?(?= ?[\u4e00-\u9fff])(?! ?(?:[年月号日栋幢室]|单元))"
    rf"|(?<![{COUNT}百千万]){_run}(?=[{MEASURES}]|公斤|千克|小时|周(?!年)|星期|礼拜|款)"
    rf"|(?<![{COUNT}百千万]){_large}(?![{COUNT}百千万年月号日点]|分之)"
    rf"|(?<![{COUNT}百千万个多大过\d])半(?=公斤|斤|吨|天|个?小时|个月|平)"
)
HAN_MONEY = re.compile(rf"(?<![\d.A-Za-z{COUNT}])(?:\d{{1,7}}|{_run}) ?块(?:[一二三四五六七八九]|\d)(?!\d)[毛角]?")
"""Money with its tenths ("九十三块五")."""

_SCALES = (
    ("公斤", "千克", "斤", "克", "吨"),
    ("元", "块钱", "块", "钱"),
    ("平方米", "平米", "平方", "平"),
    ("年", "个月", "月", "个星期", "星期", "个礼拜", "礼拜", "周", "天", "日", "晚"),
    ("个小时", "小时", "个钟头", "钟头", "分钟"),
)
_SCALE_OF = {unit: number for number, scale in enumerate(_SCALES) for unit in scale}
_SAME = (
    {"公斤", "千克"},
    set(_SCALES[1]),
    set(_SCALES[2]),
    {"月", "个月"},
    {"周", "星期", "个星期", "礼拜", "个礼拜"},
    {"天", "日"},
    {"小时", "个小时", "钟头", "个钟头"},
)
_unit = "|".join(sorted(_SCALE_OF, key=len, reverse=True))
_UNIT = re.compile(
    rf" ?(?:(?P<half>个半)(?P<halved>小时|钟头|月|星期)|(?P<unit>{_unit}|[{MEASURES}])(?P<more>半(?![年天个小斤]))?)"
)
_ASKED_UNIT = re.compile(rf"(?:多少|几)\s?({_unit}|[{MEASURES}])")
_YEARS = re.compile(rf"(?<![{COUNT}\d])(?:半|[一两二三四五六七八九十]|\d{{1,2}}) ?年半?(?![前后级底初末代月里来多\d])")


def han_number(text: str) -> str | None:
    """The digits of a Chinese number ("三百五" → "350", "九十三块五" → "93.5"); None for others."""
    whole, _, tenths = text.rstrip("毛角").partition("块")
    number = _whole(whole.strip())
    if number is None or not tenths:
        return number if not tenths else None
    return f"{number}.{_DIGITS.get(tenths, tenths)}"


def _whole(text: str) -> str | None:
    tail = re.fullmatch(r"(\d{1,9}(?:\.\d{1,4})?) ?([千万亿])", text)
    if tail:
        return f"{round(float(tail[1]) * (_UNITS | _LARGE)[tail[2]], 4):g}" if len(tail[1]) < 7 else None
    if text.isascii() and text.isdigit():
        return str(int(text))
    if not text or any(c not in _DIGITS and c not in _UNITS and c not in _LARGE for c in text):
        return None
    if len(text) > 1 and all(c in _DIGITS for c in text):
        return str(int("".join(str(_DIGITS[c]) for c in text)))  # "二零三" is read digit by digit
    total = section = current = 0
    last = 1
    for c in text:
        if c in _DIGITS:
            current, last = _DIGITS[c], 1 if _DIGITS[c] == 0 else last
        elif c in _UNITS:
            last = _UNITS[c]
            section, current = section + max(1, current) * last, 0
        else:
            last = _LARGE[c]
            total, section, current = (total + section + current or 1) * last, 0, 0
    return str(total + section + (current * last // 10 if last >= 100 else current))


def unit_asked(words: str) -> str:
    """The unit in which a slot described so wants its number ("多少公斤" → 公斤); empty where it names none."""
    match = _ASKED_UNIT.search(words)
    return match[1] if match else ""


def told_unit(text: str, end: int) -> tuple[str, int, bool]:
    """(the unit or measure word behind a number that ends at `end`, where it ends, whether a half follows it)."""
    match = _UNIT.match(text, end)
    if match is None:
        return "", end, False
    return match["unit"] or match["halved"], match.end(), bool(match["half"] or match["more"])


def years_in(text: str) -> list[tuple[int, int]]:
    """Where the text tells a number of years."""
    return [match.span() for match in islice(_YEARS.finditer(text), 10)]


def is_scale(unit: str) -> bool:
    """Whether the unit measures a weight, money, an area or a length of time and counts no things."""
    return unit in _SCALE_OF


def same_unit(one: str, other: str) -> bool:
    """Whether a number means the same in both units."""
    return one == other or any(one in units and other in units for units in _SAME)


def comparable(one: str, other: str) -> bool:
    """Whether both units measure the same kind of thing ("斤" and "公斤", "年" and "月")."""
    return one == other or (one in _SCALE_OF and _SCALE_OF[one] == _SCALE_OF.get(other))
