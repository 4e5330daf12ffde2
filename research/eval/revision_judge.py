"""What the scorer of revisions needs of models: fluency by the base model, closeness to the prompt by an encoder.

Which perplexity. The rule refuses degenerate text: word salad, letters run wild. Three readings of "base-model
perplexity" were weighed before any arm was judged by this code:

- after the prompt alone: a reply that does what was asked later (capitals, a phrase at its end, JSON) is improbable
  there because it obeys; the rule would then measure obedience, with the wrong sign. Reported as `strict`;
- of the text alone: its first tokens have nothing before them and cost most, so that short replies, which readers ask
  for, fail by their length;
- in the conversation the reader sees: the prompt, the first draft, the reader's own words, then the reply. Probable
  there is what a fluent writer could answer at that place. It is a function of the item and the text alone, the same
  for every arm, whatever the arm was shown. This one decides.

First replies (A0) stand in the conversation that is the prompt alone, so both readings are the same for them.
"""

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

    def perplexity(self, prompt: str, reply: str, draft: str = "", comment: str = "") -> float:
        """exp of the base model's mean −log P of the reply's tokens after the prompt and, where there is a comment,
        the draft and the comment. Cheapest for calls that are sorted by prompt and comment."""
        texts = self._base.texts
        ids = texts.encode(reply)
        if not ids:
            return math.inf
        before = texts.revision(prompt, draft, comment) if comment else texts.prompt(prompt)
        logits = self._base.logits(self._base.states(before, ids).float())
        return math.exp(float(torch.nn.functional.cross_entropy(logits, torch.tensor(ids))))

    def relevance(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """Cosine of each (prompt, the reply's first words)."""
        texts = [text for prompt, reply in pairs for text in (prompt, " ".join(reply.split()[:_WORDS]).lower())]
        vectors = self._encoder.encode(texts)
        return [float(vectors[2 * at] @ vectors[2 * at + 1]) for at in range(len(pairs))]
