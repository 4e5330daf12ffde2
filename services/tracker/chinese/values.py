"""Values of slots in Chinese: how they are compared, brought to a listed form, and stretched to what was offered."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from services.common.schema import Slot

_BETWEEN = re.compile(r"(?<=[\d元块分时天])\s*(?:到|至|~|～|—+|–|－|-|、)\s*(?=\d)")
_UNITS = re.compile(r"人民币|左右|之间|块钱|个?小时|[元块分天的\s]")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_EDGES = " \t\n，。！？；、,.!?;：:“”\"'‘’【】[]《》"
_LISTING = re.compile(r"[、，,\s|]+")
_JOINED = re.compile(r"[和与跟及]")
_AMOUNT = re.compile(
    r"(?:\d+(?:\.\d+)?|半)\s{0,2}(?:元|块钱?|个?小时|天|分)?"
    r"(?:\s{0,2}(?:到|至|~|～|-|、)\s{0,2}\d+(?:\.\d+)?\s{0,2}(?:元|块钱?|个?小时|天|分)?)?(?:之间|以上|以下|以内)?"
)
_FREE = re.compile(
    r"(?:不(?:需要|[收要用花])|没有|无需|无|免)(?:收|买|付)?取?(?:门票|票|入场)?(?:费用?|钱|门票|票)|不收费|(?<!不)免费"
)
FREE = "免费"


@lru_cache(maxsize=4096)
def plain(value: str) -> str:
    """`value` for comparing: half width, lower case, one sign for "to", no spaces."""
    text = unicodedata.normalize("NFKC", value).lower().strip(_EDGES)
    return re.sub(r"\s+", "", _BETWEEN.sub("-", text))


def said_as(text: str) -> str:
    """Words of amounts in the form of listed ones: "以内" is "以下", half an hour 0.5, no ticket to pay free."""
    if _FREE.fullmatch(text):
        return FREE
    text = text.replace("以内", "以下").replace("之内", "以下")
    return re.sub(r"^半(?=个?小时|天)", "0.5", text)


@lru_cache(maxsize=4096)
def bare(value: str) -> str:
    """`plain` without units, so that "100到150" is "100-150元"."""
    return _UNITS.sub("", plain(value))


@lru_cache(maxsize=512)
def _listed(slot: Slot) -> tuple[dict[str, str], dict[str, str]]:
    """Listed values by their plain and their bare form; a bare form that two share is left out."""
    exact: dict[str, str] = {}
    short: dict[str, str] = {}
    twice: set[str] = set()
    for value in slot.values:
        for text in (value.value, *value.aliases):
            exact.setdefault(plain(text), value.value)
            key = bare(text)
            if key in short and short[key] != value.value:
                twice.add(key)
            short.setdefault(key, value.value)
    return exact, {key: value for key, value in short.items() if key and key not in twice}


def settled(slot: Slot, text: str) -> str:
    """What the user's words `text` are as the slot's value: the listed value they say, else themselves."""
    text = unicodedata.normalize("NFKC", text).strip(_EDGES)
    exact, short = _listed(slot)
    said = said_as(text)
    key = bare(said)
    found = exact.get(plain(said)) or short.get(key) or (short.get(f"{key}以上") if key else None)
    return found or (said.replace("个小时", "小时") if _AMOUNT.fullmatch(text) else text)


def amounts_in(text: str) -> list[tuple[int, int]]:
    """Where `text` may say an amount, a limit, a stretch between two, or that something is free."""
    return [match.span() for pattern in (_AMOUNT, _FREE) for match in pattern.finditer(text)]


@lru_cache(maxsize=512)
def listed_in(slot: Slot, text: str) -> tuple[tuple[int, int], ...]:
    """Where listed values of the slot stand in `text`, in code points, also said in another form."""
    if not slot.values:
        return ()
    found = []
    for value in slot.values:
        for name in (value.value, *value.aliases):
            start = text.find(name)
            if start >= 0 and len(name) > 1:
                found.append((start, start + len(name)))
    exact, short = _listed(slot)
    for start, end in amounts_in(text):
        said = said_as(text[start:end])
        if end - start > 1 and (plain(said) in exact or bare(said) in short):
            found.append((start, end))
    return tuple(found)


def parts(value: str) -> list[str]:
    """The single things that a value of several lists."""
    return [part for part in _LISTING.split(value) if part]


def joined_parts(value: str) -> list[str]:
    """The things that a value joins by "and"."""
    return [part for part in _JOINED.split(value) if part]


def stretched(held: str, offered: Sequence[str]) -> str | None:
    """The limit `held` ("100-150元", "4.5分以上") moved so far that the first number of `offered` is within.

    Bounds go to one digit and noughts, as people round (56 → 50 or 60); None where there is nothing to move.
    """
    told = next((number for text in offered for number in _NUMBER.findall(text)), None)
    bounds = _NUMBER.findall(held)
    if told is None or not bounds or len(bounds) > 2:
        return None
    low, high, point = float(bounds[0]), float(bounds[-1]), float(told)
    unit = next((unit for unit in ("小时", "元", "分", "天") if unit in held), "")
    if unit == "分":
        lowest = told if "." not in told or held.endswith("分") else told.split(".")[0]
        return f"{lowest}分以上" if point < low else None
    if len(bounds) == 2:
        if point < low:
            return f"{_rounded(point, up=False)}-{bounds[1]}{unit}"
        return f"{bounds[0]}-{_rounded(point, up=True)}{unit}" if point > high else None
    if held.endswith("以上") and point < low:
        return f"{_rounded(point, up=False)}{unit}以上"
    if held.endswith("以下") and point > high:
        return f"{_rounded(point, up=True)}{unit}以下"
    return None


def _rounded(number: float, *, up: bool) -> int:
    scale = int("1" + "0" * (len(str(int(number))) - 1))
    whole = int(number // scale) * scale
    return whole + scale if up and whole < number else whole
