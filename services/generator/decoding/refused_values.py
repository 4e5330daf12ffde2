"""Keeps values out of a draft by the first of their tokens that tells them from what may be said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from services.generator.decoding.words import BAN

if TYPE_CHECKING:
    from torch import Tensor

_TELLING = 3  # letters or digits that make a value, or the beginning of one, more than a common word


class Wording(Protocol):
    """What is needed of a codec."""

    def encode(self, text: str) -> list[int]: ...

    def decode(self, ids: Sequence[int]) -> str: ...


def telling(text: str) -> bool:
    """Whether the text tells more than a common word does."""
    return sum(map(str.isalnum, text)) >= _TELLING


class RefusedValues:
    """A token processor that keeps values out by the first of their tokens that tells them from the `allowed` texts:
    what stands there may still be written, another value that begins with the same word too."""

    def __init__(self, codec: Wording, values: Iterable[str], allowed: Iterable[str] = ()) -> None:
        spoken = f" {' '.join(allowed)}"
        self._refused: dict[int, list[tuple[tuple[int, ...], int]]] = {}
        for way in (way for value in values for way in _ways(codec, value)):
            starts = [codec.decode(way[:end]).strip() for end in range(1, len(way) + 1)]
            told = [telling(start) and not _begins_in(start, spoken) for start in starts]
            at = told.index(True) if True in told else len(way) - 1
            self._refused.setdefault(at, []).append((way[:at], way[at]))

    def __call__(self, generated: Sequence[int], logits: Tensor) -> Tensor:
        """Ban what would tell one of the values after `generated`; nothing where nothing else could follow."""
        banned = []
        for count, ways in self._refused.items():
            tail = tuple(generated[len(generated) - count :]) if count else ()
            for before, token in ways:
                if tail == before:
                    banned.append(token)
        if banned:
            kept = logits[banned].clone()
            logits[banned] = BAN
            if not bool(logits.isfinite().any()):
                logits[banned] = kept
        return logits


def _ways(codec: Wording, text: str) -> list[tuple[int, ...]]:
    """Token ids that write the text, within a line and at its beginning."""
    return [tuple(ids) for ids in (codec.encode(f" {text.strip()}"), codec.encode(text.strip())) if ids]


def _begins_in(start: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(start)}", text) is not None
