"""The processor that gives a draft its shape: what it begins with, what it still owes, and when it ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from services.common.sentences import sentence_ended
from services.generator.decoding.masks import characters_mask
from services.generator.decoding.words import BAN, Vocabulary, only
from services.generator.decoding.written import Written

if TYPE_CHECKING:
    from torch import Tensor

_SLACK = 48  # tokens before the limit from which a draft may end at the next sentence's end


class Part(Protocol):
    """One constraint's share in the shape. `best` is the text of the token that the model would write next, barred or
    not."""

    def opening(self) -> str:
        """Text that the draft begins with; "" for none."""
        ...

    def owed(self, text: str) -> str | None:
        """What must be written before the draft may end: None nothing, "" more of the model's own."""
        ...

    def instead(self, text: str, best: str) -> str:
        """Text to write in place of `best`; "" for none."""
        ...

    def enough(self, text: str, best: str) -> bool:
        """Whether the draft should end before `best`."""
        ...

    def barred(self, text: str) -> str:
        """Characters that only what the part writes itself may hold at this place."""
        ...


class Plain:
    """A part that asks for nothing; the base of those that ask for something."""

    def opening(self) -> str:
        return ""

    def owed(self, text: str) -> str | None:
        return None

    def instead(self, text: str, best: str) -> str:
        return ""

    def enough(self, text: str, best: str) -> bool:
        return False

    def barred(self, text: str) -> str:
        return ""


class Shape:
    """Writes the opening, refuses the end while a part is owed something, writes what is owed when the model wants
    to end, and brings the draft to its end at a sentence's end before the limit.

    Parts are asked in their order, so that what closes the draft stands last. The text that parts ask for passes
    through `fold`: a draft in lower case gets its phrases in lower case.
    """

    def __init__(
        self, vocabulary: Vocabulary, written: Written, parts: Sequence[Part], end_ids: frozenset[int], limit: int,
        fold: str = "",
    ) -> None:  # fmt: skip
        self._vocabulary = vocabulary
        self._written = written
        self._parts = parts
        self._ends = list(end_ids)
        self._limit = limit
        self._fold = fold
        opening = "".join(part.opening() for part in parts)
        self._queue: list[int] = self._encode(opening)

    def __call__(self, generated: Sequence[int], logits: Tensor) -> Tensor:
        """Force, refuse or leave the next token."""
        if self._queue:
            return only(logits, self._queue.pop(0))
        text = self._written.text(generated)
        token = int(logits.argmax())
        barred = "".join(part.barred(text) for part in self._parts)
        if barred:
            logits[characters_mask(self._vocabulary, barred)] = BAN
        ending = token in self._ends
        best = "" if ending else self._vocabulary.spellings[token].decode("utf-8", "ignore")
        owed = [part.owed(text) for part in self._parts]
        room = self._limit - len(generated)
        closing = sum(len(self._encode(one)) for one in owed if one) + 1
        slack = min(_SLACK, self._limit // 4)
        late = room <= closing or (room <= closing + slack and sentence_ended(text))
        if late or ending or any(part.enough(text, best) for part in self._parts):
            return self._end(owed, logits, last=room <= closing)
        for part in self._parts:
            asked = part.instead(text, best)
            if asked:
                return self._write(asked, logits)
        if any(one is not None for one in owed):
            logits[self._ends] = BAN
        return logits

    def _end(self, owed: Sequence[str | None], logits: Tensor, last: bool) -> Tensor:
        for text in owed:
            if text:
                return self._write(text, logits)
            if text is not None and not last:
                logits[self._ends] = BAN
                return logits
        return only(logits, self._ends[0])

    def _write(self, text: str, logits: Tensor) -> Tensor:
        first, *self._queue = self._encode(text) or self._ends
        return only(logits, first)

    def _encode(self, text: str) -> list[int]:
        if not text:
            return []
        return self._vocabulary.encode({"lower": text.lower(), "upper": text.upper()}.get(self._fold, text))
