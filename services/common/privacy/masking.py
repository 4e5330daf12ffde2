"""Marks in the place of personal data, which keep its kind and stay the same within a dialogue."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from services.common.privacy.finding import KINDS, findings
from services.common.privacy.numbers import without_extension

_MARK = re.compile(rf"<(?:{'|'.join(KINDS)})_\d{{1,4}}>")
_MOST_KNOWN = 200
_MOST_ASKED = 50


class Masker:
    """Masks the texts of one dialogue: a value has one mark in all of them, also where nothing introduces it again.

    ``keep``: values that are the service's own and stay, in any way of writing. ``own``: whether a value of a kind is
    (kind, value), asked once for each and of 50 at most; what comes after those is masked. Not thread-safe.
    """

    def __init__(self, keep: Collection[str] = (), own: Callable[[str, str], bool] | None = None) -> None:
        self._keep = {(kind, _key(kind, value)) for kind in KINDS for value in keep}
        self._own = own
        self._asked: dict[tuple[str, str], bool] = {}
        self._marks: dict[tuple[str, str], str] = {}
        self._known: dict[str, str] = {}
        self._introduced: re.Pattern[str] | None = None
        self._counts: dict[str, int] = {}

    def mask(self, text: str) -> str:
        """The text with marks. What is masked already stays as it is."""
        if not text:
            return text
        pieces, last = [], 0
        for start, end, kind in findings(text):
            value = text[start:end]
            if self._stays(kind, value):
                continue
            pieces += [self._again(text[last:start]), self._mark(kind, value)]
            last = end
        return "".join([*pieces, self._again(text[last:])])

    def _stays(self, kind: str, value: str) -> bool:
        key = (kind, _key(kind, value))
        if key in self._keep or self._own is None:
            return key in self._keep
        if key not in self._asked and len(self._asked) < _MOST_ASKED:
            self._asked[key] = self._own(kind, value)
        return self._asked.get(key, False)

    def _mark(self, kind: str, value: str) -> str:
        key = (kind, _key(kind, value))
        if key not in self._marks:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._marks[key] = f"<{kind}_{self._counts[kind]}>"
            if len(self._known) < _MOST_KNOWN and _telling(value):
                self._known[value] = self._marks[key]
                longest = "|".join(map(re.escape, sorted(self._known, key=len, reverse=True)))
                self._introduced = re.compile(rf"(?<![A-Za-z0-9<_])(?:{longest})(?![A-Za-z0-9_])")
        return self._marks[key]

    def _again(self, text: str) -> str:
        """Values that were found before, where nothing introduces them."""
        if self._introduced is None:
            return text
        return self._introduced.sub(lambda match: self._known[match[0]], text)


def masked(text: str, keep: Collection[str] = ()) -> str:
    """One text with marks, on its own."""
    return Masker(keep).mask(text)


def has_mark(text: str) -> bool:
    """Whether a text holds a mark."""
    return _MARK.search(text) is not None


def _telling(value: str) -> bool:
    """Whether a value is looked for where nothing introduces it: no single character, which may be a part of any word,
    and no word in small letters, which may be a common one."""
    return len(value) > 1 and not (value.isalpha() and value.isascii() and value.islower())


def _key(kind: str, value: str) -> str:
    """The form in which values of a kind are compared: telephone numbers by their last nine digits, so that the
    country's code tells none apart."""
    if kind == "PHONE":
        return re.sub(r"\D", "", without_extension(value))[-9:]
    if kind in ("CARD", "IBAN", "ID", "PLATE"):
        return "".join(sign for sign in value.casefold() if sign.isalnum())
    return " ".join(value.casefold().split())
