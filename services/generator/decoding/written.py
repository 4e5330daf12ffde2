"""What a row has written so far, as text; shared by its processors and read once a step."""

from __future__ import annotations

from collections.abc import Sequence

from services.generator.decoding.words import Vocabulary


class Written:
    """The text of the generated tokens; bytes of a character not yet whole are left out."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._spellings = vocabulary.spellings
        self._bytes = b""
        self._count = 0
        self._text = ""

    def text(self, generated: Sequence[int]) -> str:
        """The text of `generated`, of which what was seen before is known."""
        if len(generated) != self._count:
            if len(generated) < self._count:
                self._bytes, self._count = b"", 0
            fresh = generated[self._count :]
            self._bytes += b"".join(self._spellings[i] for i in fresh if 0 <= i < len(self._spellings))
            self._count = len(generated)
            self._text = self._bytes.decode("utf-8", "ignore")
        return self._text
