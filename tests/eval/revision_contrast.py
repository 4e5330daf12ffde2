"""Contrast of what a reader's feedback changes, outside the engine: what arm A4 of `tests.eval.revision` writes.

Two rows write one reply: one reads the feedback in the prompt and through the fusion head, one reads the message alone.
The next token is the greatest of log P_with + a · (log P_with − log P_without) among those with at least a tenth of the
likeliest one's probability under the first row (contrastive decoding's plausibility mask, Li et al. 2023, section 3.3).
Measured here before an engine is given such rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from services.finetune.fusing.codec import TextsCodec
from services.finetune.fusing.dataset import AGAIN
from services.finetune.training.texts import Texts
from services.generator.backends.torch_backends import make_forward
from services.generator.settings import GeneratorSettings
from services.models.feedback_reader import FeedbackReader
from services.models.feedback_vectors import DraftVectors, FeedbackVectors
from services.models.fusion import read_head
from services.models.language_model import find_model, iterate_weights, load_config
from services.models.llama.shape import LlamaShape
from services.models.llama.slots import KeyValueSlots, Segment
from services.models.llama.weights import LlamaWeights
from tests.eval.revision_arms import Reader
from tests.eval.revision_items import Item

STRENGTH = 0.5
PLAUSIBLE = 0.1
_CONTEXT = 1024
_PAIRS = 12


class ContrastWriter:
    """Greedy replies by contrast, some at a time."""

    def __init__(self, head: Path, tokens: int) -> None:
        settings = GeneratorSettings()
        folder = find_model(settings.model, settings.cache_dir)
        weights = LlamaWeights.gather(LlamaShape.of(load_config(folder)), iterate_weights(folder))
        self._forward = make_forward(weights, settings.kernel, _CONTEXT, settings.cache_dir)
        self._texts = Texts(settings.model, settings.cache_dir, settings.system_text)
        self._memory = KeyValueSlots(self._forward.shape, 2 * _PAIRS, _CONTEXT, self._forward.dtype)
        self._head = read_head(head.read_bytes(), self._texts.base_version)
        self._codec, self._vectors = TextsCodec(self._texts), FeedbackVectors(weights.embedding)
        self._reader, self._tokens = Reader(), tokens

    def replies(self, items: Sequence[Item], first: dict[str, str]) -> Iterator[tuple[Item, dict[str, Any]]]:
        """Each item with its draft (text, finish reason, tokens); `first` are the drafts that readers speak of."""
        for at in range(0, len(items), _PAIRS):
            some = items[at : at + _PAIRS]
            for item, ids in zip(some, self._write(some, first), strict=True):
                ended = ids[-1] in self._texts.end_ids
                text = self._texts.decode(ids[:-1] if ended else ids)
                yield item, {"text": text, "finish": "stop" if ended else "length", "tokens": len(ids)}

    @torch.inference_mode()
    def _write(self, items: Sequence[Item], first: dict[str, str]) -> list[list[int]]:
        prompts: list[tuple[int, ...]] = []
        followers = []
        for item in items:
            draft = first[item.prompt]
            said = AGAIN.format(comment=item.comment)
            prompts += [self._texts.revision(item.prompt, draft, said), self._texts.prompt(item.prompt)]
            read = self._reader.read(item.comment, draft, item.prompt).constraints
            followers.append(DraftVectors(self._vectors, FeedbackReader(self._codec, item.comment, read)))
        for slot, ids in enumerate(prompts):
            lead = list(ids[:-1])
            self._forward.hidden(self._forward.embed(lead), [Segment(slot, 0, len(lead))], self._memory)
        made: list[list[int]] = [[] for _ in items]
        while left := [n for n, ids in enumerate(made) if not self._over(ids)]:
            slots = [slot for n in left for slot in (2 * n, 2 * n + 1)]
            last = [made[slot // 2][-1] if made[slot // 2] else prompts[slot][-1] for slot in slots]
            segments = [Segment(slot, len(prompts[slot]) - 1 + len(made[slot // 2]), 1) for slot in slots]
            hidden = self._forward.hidden(self._forward.embed(last), segments, self._memory)
            told = [followers[n](made[n]) for n in left]
            fused = torch.cat([self._fused(row[None], one) for row, one in zip(hidden[::2], told, strict=True)])
            for n, token in zip(left, self._chosen(fused, hidden[1::2]), strict=True):
                made[n].append(token)
        return made

    def _over(self, ids: Sequence[int]) -> bool:
        return len(ids) >= self._tokens or (bool(ids) and ids[-1] in self._texts.end_ids)

    def _fused(self, hidden: Tensor, vectors: dict[str, Tensor]) -> Tensor:
        present = {name: torch.ones(1, dtype=torch.bool) for name in vectors}
        given = {name: vector[None] for name, vector in vectors.items()}
        return self._head.fuse(hidden.float(), given, present).to(hidden.dtype)

    def _chosen(self, told: Tensor, plain: Tensor) -> list[int]:
        with_it = self._forward.logits(told.contiguous()).float().log_softmax(1)
        without = self._forward.logits(plain.contiguous()).float().log_softmax(1)
        score = with_it + STRENGTH * (with_it - without)
        unlikely = with_it < with_it.max(1, keepdim=True).values + math.log(PLAUSIBLE)
        return [int(token) for token in score.masked_fill(unlikely, -math.inf).argmax(1)]
