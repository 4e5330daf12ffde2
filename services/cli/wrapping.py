"""Text that comes in pieces, printed without breaking a word at the edge of the terminal."""

from __future__ import annotations

import re

from rich.cells import cell_len
from rich.console import Console

# A word, a run of blanks, a line's end; a wide character (Chinese, an emoji) is a word of its own.
_PIECE = re.compile(
    r"\n|[^\S\n]+|[\u1100-\u11ff\u2e80-\ufaff\uff00-\uffef\U0001f000-\U0003ffff]|"
    r"[^\s\u1100-\u11ff\u2e80-\ufaff\uff00-\uffef\U0001f000-\U0003ffff]+"
)
_LONGEST = 200
"""A word that has become so long is printed as far as it has come."""


class WordWriter:
    """Prints pieces of text; on a terminal the last word waits until it is whole, and begins a line where it must.

    Elsewhere nothing is broken and nothing waits: other programs read it.
    """

    def __init__(self, out: Console) -> None:
        """Start at the beginning of a line."""
        self._out = out
        self._column = 0
        self._word = ""
        self._blanks = ""

    def write(self, text: str) -> None:
        """Print what is whole of the text so far."""
        if not self._out.is_terminal:
            self._print(text)
            return
        for piece in _PIECE.findall(text):
            if piece == "\n":
                self.flush()
                self._print("\n")
                self._column, self._blanks = 0, ""
            elif piece.isspace():
                self.flush()
                self._blanks += piece
            elif cell_len(piece[0]) == 2 or len(self._word) > _LONGEST:
                self.flush()
                self._word = piece
                self.flush()
            else:
                self._word += piece

    def flush(self) -> None:
        """Print the word that waits."""
        if not self._word:
            return
        width = cell_len(self._word)
        if self._column and self._column + cell_len(self._blanks) + width > self._out.width:
            self._print("\n")
            self._column = 0
        else:
            self._print(self._blanks)
            self._column += cell_len(self._blanks)
        self._print(self._word)
        self._column = (self._column + width) % self._out.width if width > self._out.width else self._column + width
        self._word = self._blanks = ""

    def restart(self) -> None:
        """Begin at the start of a line; what waited is dropped."""
        self._column, self._word, self._blanks = 0, "", ""

    def _print(self, text: str) -> None:
        if text:
            self._out.print(text, end="", markup=False, soft_wrap=True)
