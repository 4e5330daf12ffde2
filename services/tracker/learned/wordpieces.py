"""Text to WordPieces and back, for the dialogue part of the network's input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer

from services.models.minilm import wheel_path

CLS, SEP, PAD = 101, 102, 0
MAX_TEXT = 62  # WordPieces kept of each of the two texts: 128 with the three special tokens


@dataclass(frozen=True, slots=True)
class Pieces:
    """One text: WordPiece ids and each piece's `(start, end)` in characters of the text."""

    ids: tuple[int, ...]
    offsets: tuple[tuple[int, int], ...]

    def locate(self, start: int, end: int) -> tuple[int, int] | None:
        """First and last piece covering characters `start` to `end`, or None when cut away."""
        first = last = -1
        for index, (left, right) in enumerate(self.offsets):
            if right > start and left < end:
                first = index if first < 0 else first
                last = index
        return (first, last) if first >= 0 else None


class WordPieces:
    """MiniLM's tokenizer without special tokens and without padding."""

    def __init__(self) -> None:
        self._tokenizer = Tokenizer.from_file(str(wheel_path("tokenizer.json")))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def read(self, texts: Sequence[str], limit: int = MAX_TEXT) -> list[Pieces]:
        """Reads texts, each cut to its first `limit` pieces."""
        return [
            Pieces(tuple(encoding.ids[:limit]), tuple(encoding.offsets[:limit]))
            for encoding in self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        ]
