"""Where a text says a value: as it is written, as a clock time said another way, or in another spelling."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from services.tracker.learned.catalog import loose

Span = tuple[int, int]
_TIME = re.compile(r"\b(\d{1,2})\s*[:.]?\s*(\d{2})?\s*(am|pm|a\.m\.?|p\.m\.?)?(?![\d:])")
_WORD = re.compile(r"[a-z0-9]+")
_MOST_WORDS = 8  # of a value that is found in another spelling
_SHORTEST = 5  # letters of one


def find(text: str, values: Iterable[str]) -> Span | None:
    """Where one of `values` stands in `text` as whole words, in any case."""
    lower = text.lower()
    for value in values:
        pattern = re.escape(value.lower().strip())
        if pattern and (match := re.search(rf"(?<![a-z0-9]){pattern}(?![a-z0-9])", lower)):
            return match.start(), match.end()
    return None


def find_spoken(slot: str, text: str, values: Collection[str]) -> Span | None:
    """Like `find`, but also sees a clock time said another way (`9:15 am` for `09:15`) and other spellings."""
    if found := find(text, values):
        return found
    if slot.endswith(("arriveby", "leaveat", "booktime")):
        for match in _TIME.finditer(text.lower()):
            if not (match[2] or match[3]):
                continue
            hour = int(match[1]) + (12 if (match[3] or "")[:1] == "p" and int(match[1]) < 12 else 0)
            if f"{hour % 24:02d}:{match[2] or '00'}" in values:
                return match.start(), match.end()
        return None
    spelled = find_loose(text, {loose(value) for value in values})
    return spelled[0] if spelled else None


def find_loose(text: str, forms: Collection[str]) -> tuple[Span, str] | None:
    """The first words of `text`, as many as possible, that are one of `forms` (see `loose`), and which."""
    words = [(match.start(), match.end(), match[0].removesuffix("s")) for match in _WORD.finditer(text.lower())]
    for first, (start, _, opening) in enumerate(words):
        joined, found = "", None
        if not opening:
            continue
        for _, end, word in words[first : first + _MOST_WORDS]:
            joined += word
            if len(joined) >= _SHORTEST and joined in forms:
                found = (start, end), joined
        if found:
            return found
    return None
