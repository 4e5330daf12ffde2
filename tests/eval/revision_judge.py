"""What the scorer of revisions needs of models: fluency by the base model, closeness to the prompt by an encoder."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from services.finetune.fusing.base import FrozenBase
from services.generator.settings import GeneratorSettings
from services.models.sentence_encoder import SentenceEncoder

_WORDS = 70


class Judge:
    """Perplexity and relevance of replies; loads the base model in the kernels that serve it."""

    def __init__(self) -> None:
        settings = GeneratorSettings()
        self._base = FrozenBase(settings.model, settings.cache_dir, settings.system_text, rows=1)
        self._encoder = SentenceEncoder.load()
        self._end = self._base.texts.encode("<|im_end|>")[:1]

    def perplexity(self, prompt: str, reply: str) -> float:
        """exp of the base model's mean −log P of the reply's tokens after the prompt alone, without any feedback."""
        ids = self._base.texts.encode(reply)
        if not ids:
            return math.inf
        logits = self._base.logits(self._base.states(self._base.texts.prompt(prompt), ids).float())
        return math.exp(float(torch.nn.functional.cross_entropy(logits, torch.tensor(ids))))

    def relevance(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """Cosine of each (prompt, the reply's first words)."""
        texts = [text for prompt, reply in pairs for text in (prompt, " ".join(reply.split()[:_WORDS]).lower())]
        vectors = self._encoder.encode(texts)
        return [float(vectors[2 * at] @ vectors[2 * at + 1]) for at in range(len(pairs))]
