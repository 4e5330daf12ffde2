"""Names that documents go by, found inside other texts: the links between passages nobody wrote down."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from services.knowledge.domain.text import terms

_ASIDE = re.compile(r"\s*[(（][^)）]*[)）]")
_LONGEST = 8
Title = tuple[str, ...]


class Titles:
    """Documents by title. A title of one common word names nothing; `rare` says which words are telling."""

    def __init__(self) -> None:
        self._documents: dict[Title, set[str]] = defaultdict(set)
        self._title_of: dict[str, Title] = {}

    def add(self, document: str, title: str) -> None:
        """Lets the document be found by its title; asides in brackets do not count."""
        words = tuple(terms(_ASIDE.sub("", title)))
        if words and len(words) <= _LONGEST:
            self.put(document, words)

    def put(self, document: str, words: Title) -> None:
        """The same with the title's terms."""
        self._title_of[document] = words
        self._documents[words].add(document)

    def all(self) -> dict[str, Title]:
        """Every document with its title's terms."""
        return dict(self._title_of)

    def remove(self, document: str) -> None:
        """Forgets a document."""
        words = self._title_of.pop(document, None)
        if words is not None:
            self._documents[words].discard(document)
            if not self._documents[words]:
                del self._documents[words]

    def found_in(self, words: Sequence[str], rare: frozenset[str] | set[str]) -> set[str]:
        """Documents whose whole title stands in `words`; a title of one word only where the word is in `rare`."""
        found: set[str] = set()
        for start in range(len(words)):
            for length in range(1, min(_LONGEST, len(words) - start) + 1):
                title = tuple(words[start : start + length])
                if title in self._documents and (length > 1 or title[0] in rare):
                    found |= self._documents[title]
        return found
