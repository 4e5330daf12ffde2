"""What can be counted in a text while it grows, each piece looked at once: words, sentences, lines, letters' case.

The counts are those of the whole text by the same rules (`services.common.text_measures`); only what the text's last
sentence may still become is looked at again.
"""

from __future__ import annotations

import codecs
import re

from services.common import text_measures as measure
from services.common.sentences import CLAUSE_STOPS, LINE_BREAKS, SPACED_STOPS, UNSPACED_STOPS

_WORD_BEGINS = re.compile(r"(?<!\w)\w")
_BREAKS = LINE_BREAKS
_STOPS = re.compile(f"[{SPACED_STOPS}{UNSPACED_STOPS}{CLAUSE_STOPS}{_BREAKS}]")


class GrowingText:
    """A draft's text, extended by the bytes of its tokens; bytes of a character not yet whole are left out."""

    def __init__(self) -> None:
        self.text = ""
        self.words = 0
        self.quotes = 0
        self.one_line = True
        self._decoder = codecs.getincrementaldecoder("utf-8")("ignore")
        self._cased = False
        self._lower = self._upper = True
        self._open = 0  # where the sentence begins that may still change
        self._settled = 0  # sentences before it
        self._count = 0
        self._stirred = False  # whether the open one has what may end it
        self._going_on = False  # whether the open one counts whatever letters follow

    def extend(self, spelling: bytes) -> None:
        """Take in more bytes."""
        fresh = self._decoder.decode(spelling)
        if not fresh:
            return
        begun = len(_WORD_BEGINS.findall(fresh))
        if begun and _wordly(fresh[0]) and self.text and _wordly(self.text[-1]):
            begun -= 1
        self.words += begun
        self.text += fresh
        self.quotes += fresh.count('"')
        self.one_line = self.one_line and "\n" not in fresh
        self._stirred = self._stirred or _STOPS.search(fresh) is not None
        if fresh.islower():
            self._cased, self._upper = True, False
        elif fresh.isupper():
            self._cased, self._lower = True, False
        elif any(c.islower() or c.isupper() or c.istitle() for c in fresh):
            self._cased, self._lower, self._upper = True, False, False

    @property
    def case(self) -> float:
        """1 where all letters are lower case, −1 where all are upper case, else 0."""
        return float(self._lower) - float(self._upper) if self._cased else 0.0

    @property
    def sentences(self) -> int:
        """How many `text_measures.sentences` finds."""
        if self._stirred or not self._going_on:
            self._settle()
            rest = self.text[self._open :]
            self._count = self._settled + len(measure.sentences(rest))
            self._going_on = any(map(str.isalpha, rest))
            self._stirred = _STOPS.search(rest) is not None
        return self._count

    def _settle(self) -> None:
        """Move `_open` behind what no further text changes: lines that are ended, and sentences that something
        follows."""
        rest = self.text[self._open :]
        lines = rest.splitlines(keepends=True)
        last = len(rest) if not lines or lines[-1] != lines[-1].rstrip(_BREAKS) else len(rest) - len(lines[-1])
        follows = (end for end in measure.sentence_ends(rest[last:]) if last + end < len(rest))
        end = last + max(follows, default=0)
        self._settled += len(measure.sentences(rest[:end]))
        self._open += end


def _wordly(character: str) -> bool:
    return character.isalnum() or character == "_"
