"""The encoders that the settings name. Each is loaded, and torch with it, when the first text needs it: torch takes
seconds and 200 MB, and a service without documents reads no text."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from services.knowledge.domain.vectors import Vectors
from services.knowledge.settings import KnowledgeSettings
from services.models.encoder_files import BUNDLED, PROPERTIES, EncoderFiles

if TYPE_CHECKING:
    from services.knowledge.evidence.step import EvidenceStep
    from services.models.sentence_encoder import SentenceEncoder


class Encoders:
    """What reads texts, what reads statements, and the evidence step over both; threads may share it."""

    def __init__(self, settings: KnowledgeSettings, threads: int = 1) -> None:
        """`threads` is how many of them torch computes with in this process.

        Raises EncoderNotFound when no encoder lies where the settings point.
        """
        files = EncoderFiles.of(settings.sentence_encoder)
        self.name = files.name(settings.sentence_precision)
        self.dimensions = files.dimensions
        self.tokenizer_file = files.tokenizer
        self._settings = settings
        self._threads = threads
        self._lock = threading.RLock()
        self._texts: SentenceEncoder | None = None
        self._properties: SentenceEncoder | None = None
        self._evidence: EvidenceStep | None = None

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of texts: float32 [len(texts), dimensions]."""
        return self.texts().encode(texts)

    def encode_properties(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of what statements say: float32 [len(texts), dimensions]."""
        return self.properties().encode(texts)

    def texts(self) -> SentenceEncoder:
        """The encoder of texts."""
        with self._lock:
            if self._texts is None:
                self._texts = self._load(self._settings.sentence_encoder)
            return self._texts

    def properties(self) -> SentenceEncoder:
        """The encoder of what statements say, which shares what it can with that of texts."""
        with self._lock:
            if self._properties is None:
                bundled = self._settings.sentence_encoder == BUNDLED
                published = self.texts() if bundled else self._load(BUNDLED)
                self._properties = published.tuned(PROPERTIES)
            return self._properties

    def evidence(self) -> EvidenceStep:
        """The evidence step over the encoder of texts, with the trained reader where that is the bundled one, and with
        the multilingual encoder where it is installed and not turned off."""
        with self._lock:
            if self._evidence is None:
                from services.knowledge.evidence.loading import load_step

                self._evidence = load_step(
                    self.texts(),
                    reads=self._settings.sentence_encoder == BUNDLED,
                    means=self._settings.evidence_multilingual,
                )
            return self._evidence

    def load(self) -> None:
        """Loads everything that grounding needs, so that no turn waits for it."""
        from services.knowledge.evidence import spelling

        self.properties()
        self.evidence()
        spelling.load()

    def _load(self, source: str) -> SentenceEncoder:
        import torch

        from services.models.sentence_encoder import SentenceEncoder

        torch.set_num_threads(self._threads)
        return SentenceEncoder.load(source, self._settings.sentence_precision)
