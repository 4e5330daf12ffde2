"""Finds known names in running text; the cost depends on the text, not on how many names are known."""

from __future__ import annotations

from collections import Counter

from services.common.facts import key

_LONGEST = 60


class Names:
    """A set of names with counts, compared as `services.common.facts.key` writes them."""

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
    """True inside a word of a script that puts spaces between words."""
    if not 0 < place < len(text):
        return False
    before, after = text[place - 1], text[place]
    return before.isalnum() and after.isalnum() and before < "⺀" and after < "⺀"
