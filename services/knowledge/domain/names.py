"""Finds known names in running text; the cost depends on the text, not on how many names are known."""

from __future__ import annotations

import unicodedata
from collections import Counter

from services.common.names import key

_LONGEST = 60
_SIGNS = frozenset("#+")


class Names:
    """A set of names with counts, compared as `services.common.names.key` writes them."""

    def __init__(self) -> None:
        self._count: Counter[str] = Counter()

    def __contains__(self, name: str) -> bool:
        return key(name) in self._count

    def add(self, name: str) -> None:
        """Knows the name once more."""
        self._count[key(name)] += 1

    def discard(self, name: str) -> None:
        """Knows the name once less."""
        word = key(name)
        self._count[word] -= 1
        if self._count[word] <= 0:
            del self._count[word]

    def last_places(self, text: str) -> dict[str, int]:
        """The names in the text with the place where each stands last; a name inside a longer one does not count."""
        found: dict[str, int] = {}
        folded = key(text)
        place = 0
        while place < len(folded):
            name = self._longest_at(folded, place)
            if name:
                found[name] = place
                place += len(name)
            else:
                place += 1
        return found

    def _longest_at(self, text: str, start: int) -> str:
        if _joined(text, start):
            return ""
        for end in range(min(len(text), start + _LONGEST), start, -1):
            if not _joined(text, end) and text[start:end] in self._count:
                return text[start:end]
        return ""


def _joined(text: str, place: int) -> bool:
    """True inside a word of a script that puts spaces between words, and before a mark or a sign that belongs to what
    stands before it ("C" is not named by "C#")."""
    if not 0 < place < len(text):
        return False
    before, after = text[place - 1], text[place]
    if unicodedata.combining(after) or unicodedata.category(after).startswith("M"):
        return True
    if after in _SIGNS and _part_of_word(before) and not _part_of_word(text[place + 1 : place + 2]):
        return True
    return _part_of_word(before) and _part_of_word(after) and before < "⺀" and after < "⺀"


def _part_of_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character or " ").startswith("M")
