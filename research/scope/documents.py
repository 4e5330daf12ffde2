"""What a company's documents have for a message, as the knowledge service finds it: the rival of a correction."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from research.evidence.sets import Company
from services.knowledge.evidence.loading import load_step
from services.models.scope.rivals import Rival, rival_of
from services.models.sentence_encoder import SentenceEncoder


class Documents:
    """A company's documents, searched and read in this process."""

    def __init__(self, name: str, files: Sequence[Path], encoder: SentenceEncoder) -> None:
        self._company = Company.of_documents(name, files, [], encoder)
        self._step = load_step(encoder, means=False)

    def rival(self, message: str) -> Rival | None:
        """What they have for a message that asks one thing; None for others, and for other languages than English."""
        found = self._step.evidence(message, [], [], self._company.sources(message), self._company.base)
        return rival_of(found.to_json())
