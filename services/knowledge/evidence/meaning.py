"""How near a question's meaning is to a unit's, by an encoder that reads many languages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from services.common.evidence.units import Unit
from services.knowledge.domain.vectors import Vectors
from services.knowledge.evidence.kept import Kept

if TYPE_CHECKING:
    from services.models.multilingual import MultilingualEncoder

MEANING = ("meaning", "meaning_lead", "meaning_bare")
"""The features, in their order: the cosine of the question and the unit as it is read, the same less that of the best
other unit, and the cosine of the question and what the unit says without headings and names; all as `_spread`."""
_MIDDLE, _SCALE = 0.85, 10.0
"""The model's cosines lie between .7 and 1 (it was trained at a temperature of .01); so they are spread."""
_KEPT = 20_000
"""Vectors of texts that are kept, 1.5 kB each."""


class MeaningReader:
    """Cosines of questions and units; what a unit means is read once. Threads may share it."""

    def __init__(self, encoder: MultilingualEncoder) -> None:
        self._encoder = encoder
        self._kept: Kept[Vectors] = Kept(encoder.passages, _KEPT)

    def features(self, question: str, units: Sequence[Unit]) -> Vectors:
        """float32 `[len(units), len(MEANING)]`."""
        asked = self._encoder.questions([question])[0]
        read = np.stack(self._kept.of([*(one.read for one in units), *(one.text for one in units)])) @ asked
        whole, bare = read[: len(units)], read[len(units) :]
        others = [np.delete(whole, place).max(initial=-1.0) for place in range(len(units))]
        lead = _SCALE * (whole - others) if len(units) > 1 else np.zeros(len(units))
        return np.column_stack([_spread(whole), lead, _spread(bare)]).astype(np.float32)


def _spread(cosines: Vectors) -> Vectors:
    return (cosines - np.float32(_MIDDLE)) * np.float32(_SCALE)
