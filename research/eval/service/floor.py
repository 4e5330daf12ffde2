"""The floor to beat: the sentence or row nearest to the question, quoted as it stands."""

from __future__ import annotations

import re
import time

import numpy as np

from research.eval.service.product import Record
from research.eval.service.sets import ServiceSet
from services.models.sentence_encoder import SentenceEncoder

LEAST_LIKENESS = 0.51
DECLINE = "I don't know."
_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'(])|(?<=[。！？])")


class Floor:
    """Quotes the nearest of a set's sentences; below `LEAST_LIKENESS` it does not know."""

    def __init__(self, subject: ServiceSet, encoder: SentenceEncoder) -> None:
        self._encoder = encoder
        self._sentences = [
            sentence.strip()
            for passage in subject.passages()
            for sentence in ([passage.labelled()] if passage.cells else _END.split(passage.text))
            if sentence.strip()
        ]
        self._vectors = encoder.encode(self._sentences)

    def ask(self, question: str) -> Record:
        """The reply with its likeness and CPU seconds."""
        began, cpu = time.monotonic(), time.process_time()
        likeness = self._vectors @ self._encoder.encode([question])[0]
        best = int(np.argmax(likeness))
        text = self._sentences[best] if likeness[best] >= LEAST_LIKENESS else DECLINE
        seconds = time.monotonic() - began
        return {
            "question": question,
            "reply": text,
            "likeness": round(float(likeness[best]), 3),
            "first_token_s": seconds,
            "seconds": seconds,
            "cpu_s": time.process_time() - cpu,
        }
