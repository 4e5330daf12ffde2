"""Values that a cited fact had before: a draft must not say them, whatever the model believes.

A note can only tell a model what holds; a fact that the model learned in training may still come out. What such a note
superseded is known here, so that decoding can refuse it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

import torch
from torch import Tensor

from services.common.names import key
from services.common.store import GroundingText
from services.generator.engine import DecodeSettings

_TELLING = 3  # letters or digits that make a value, or the beginning of one, more than a common word
_PAST = re.compile(
    r"\b(?:before|previous(?:ly)?|earlier|former(?:ly)?|used to|old|changed?|history|until|instead)\b",
    re.IGNORECASE,
)
_BAN = float("-inf")


class Wording(Protocol):
    """What is needed of a codec."""

    def encode(self, text: str) -> list[int]: ...

    def decode(self, ids: Sequence[int]) -> str: ...


def refused_values(notes: Sequence[GroundingText], message: str, wanted: Sequence[str] = ()) -> tuple[str, ...]:
    """The outdated values that this turn's draft must not say.

    None where the message asks about the past; and none that stands in the message, in one of the notes or in what
    feedback `wanted` said, or is too short to tell from a common word.
    """
    if _PAST.search(message):
        return ()
    said = f" {key(' '.join([message, *wanted, *(f'{one.heading} {one.text}' for one in notes)]))} "
    values = dict.fromkeys(value for one in notes for value in one.outdated)
    return tuple(one for one in values if _letters(one) >= _TELLING and f" {key(one)} " not in said)


def refusing(
    decode: DecodeSettings, values: Sequence[str], notes: Sequence[GroundingText], message: str, codec: Wording
) -> DecodeSettings:
    """The settings with a processor that keeps these values out of the draft."""
    if not values:
        return decode
    allowed = (*(one.text for one in notes), message, *decode.include)
    return replace(decode, processors=(*decode.processors, lambda: RefusedValues(codec, values, allowed)))


class RefusedValues:
    """A token processor that keeps values out by the first of their tokens that tells them from the `allowed` texts:
    what stands there may still be written, another value that begins with the same word too."""

    def __init__(self, codec: Wording, values: Iterable[str], allowed: Iterable[str] = ()) -> None:
        spoken = f" {' '.join(allowed)}"
        self._refused: dict[int, list[tuple[tuple[int, ...], int]]] = {}
        for way in (way for value in values for way in _ways(codec, value)):
            starts = [codec.decode(way[:end]).strip() for end in range(1, len(way) + 1)]
            told = [_letters(start) >= _TELLING and not _begins_in(start, spoken) for start in starts]
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
            logits[banned] = _BAN
            if not bool(torch.isfinite(logits).any()):
                logits[banned] = kept
        return logits


def _ways(codec: Wording, text: str) -> list[tuple[int, ...]]:
    """Token ids that write the text, within a line and at its beginning."""
    return [tuple(ids) for ids in (codec.encode(f" {text.strip()}"), codec.encode(text.strip())) if ids]


def _begins_in(start: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(start)}", text) is not None


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text))
