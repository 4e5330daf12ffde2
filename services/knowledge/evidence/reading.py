"""Reads questions and units with the encoder and the trained reader, and keeps what units were read as."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from torch.nn import functional

from services.knowledge.domain.vectors import Vectors
from services.knowledge.evidence.kept import Kept

if TYPE_CHECKING:
    from torch import Tensor

    from services.models.evidence_reader import EvidenceReader
    from services.models.sentence_encoder import SentenceEncoder

_KEPT = 2_000
"""Units whose states and vectors are kept, some 60 kB each."""


class UnitReader:
    """Vectors of units and logits of questions against them. Threads may share it.

    The lower layers read a unit once; its states serve its vector and every question that it is read against.
    """

    def __init__(self, encoder: SentenceEncoder, reader: EvidenceReader | None) -> None:
        """`reader` None: there are no logits, all are 0."""
        self._encoder = encoder
        self._reader = reader
        self._kept: Kept[tuple[Tensor, Vectors, Tensor]] = Kept(self._new, _KEPT)

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of the texts: float32 [len(texts), dimensions]."""
        return np.stack([vector for _, vector, _ in self._kept.of(texts)])

    def logits(self, question: str, texts: Sequence[str]) -> list[float]:
        """How much each text looks like the answer to the question."""
        if self._reader is None or not texts:
            return [0.0] * len(texts)
        (asked, _, _), *read = self._kept.of([question, *texts])
        return self._reader.logits(asked, [states for states, _, _ in read])

    def matches(self, question: str, texts: Sequence[str]) -> Vectors:
        """How well each text has a counterpart for the question's pieces: float32 [len(texts), 2], the mean over the
        pieces and the mean of the worst quarter (late interaction, Khattab & Zaharia 2020)."""
        asked, *read = [last for _, _, last in self._kept.of([question, *texts])]
        own = asked[1:-1] if len(asked) > 2 else asked
        rows = np.zeros((len(texts), 2), np.float32)
        for place, last in enumerate(read):
            best = (own @ last[1:-1].T if len(last) > 2 else own @ last.T).float().amax(1).sort().values
            rows[place] = float(best.mean()), float(best[: max(1, len(best) // 4)].mean())
        return rows

    def _new(self, texts: Sequence[str]) -> Iterator[tuple[Tensor, Vectors, Tensor]]:
        states = self._encoder.lower_states(texts)
        vectors, last = self._encoder.finished(states)
        pieces = [functional.normalize(one, dim=-1).to(one.dtype) for one in last]
        return zip(states, vectors, pieces, strict=True)
