"""Values that a cited fact had before: a draft must not say them, whatever the model believes.

A note can only tell a model what holds; a fact that the model learned in training may still come out. What such a note
superseded is known here, so that decoding can refuse it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from services.common.names import key
from services.common.store import GroundingText
from services.generator.decoding.refused_values import telling
from services.generator.engine import DecodeSettings

_PAST = re.compile(
    r"\b(?:before|previous(?:ly)?|earlier|former(?:ly)?|used to|old|changed?|history|until|instead)\b",
    re.IGNORECASE,
)


def refused_values(notes: Sequence[GroundingText], message: str, wanted: Sequence[str] = ()) -> tuple[str, ...]:
    """The outdated values that this turn's draft must not say.

    None where the message asks about the past; and none that stands in the message, in one of the notes or in what
    feedback `wanted` said, or is too short to tell from a common word.
    """
    if _PAST.search(message):
        return ()
    said = f" {key(' '.join([message, *wanted, *(f'{one.heading} {one.text}' for one in notes)]))} "
    values = dict.fromkeys(value for one in notes for value in one.outdated)
    return tuple(one for one in values if telling(one) and f" {key(one)} " not in said)


def refusing(decode: DecodeSettings, notes: Sequence[GroundingText], message: str) -> DecodeSettings:
    """The settings that keep the notes' outdated values out of a draft that answers the message; what stands in the
    notes, in the message and in what feedback wants may still be written."""
    values = refused_values(notes, message, decode.include)
    if not values:
        return decode
    return replace(decode, refuse=values, allow=(*(note.text for note in notes), message, *decode.include))
