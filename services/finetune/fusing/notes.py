"""Training the fusion head's source "knowledge": hidden states of answers beside the notes that they follow from.

The base model is run once over all questions, with the notes in the prompt or, in a share of them, without; the head
then learns −log P'(y_t) over cached states and a sample of the vocabulary (Jean et al. 2015, section 3), as in
services.finetune.fusing.trainer.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from research.projecting.passages import PassageQuestion
from services.common.notes import noted_text, numbered
from services.finetune.fusing.base import FrozenBase
from services.models.note_states import NAME, NoteFeatures, NoteHead, note_ids

_SAMPLE = 2_048
_MOST_ANSWER = 40


@dataclass(frozen=True)
class Answered:
    """One question: `hidden: [tokens, H]` fp16 that predict the answer's `tokens`, and the notes' token ids."""

    hidden: Tensor
    tokens: Tensor
    notes: tuple[tuple[int, ...], ...]


def collect(
    base: FrozenBase,
    questions: Sequence[PassageQuestion],
    withheld: float,
    seed: int,
    told: Callable[[int], None] = lambda _: None,
) -> list[Answered]:
    """The base model's states; in a share of `withheld` the notes are not in the prompt."""
    chance = random.Random(seed)
    texts = base.texts
    made = []
    for one in questions:
        alone = chance.random() < withheld
        message = one.question if alone else f"{noted_text(numbered(one.items))}\n\n{one.question}"
        target = texts.reply(one.answer, _MOST_ANSWER)
        hidden = base.states(texts.prompt(message), target)
        made.append(Answered(hidden, torch.tensor(target), tuple(note_ids(texts.encode, item) for item in one.items)))
        told(len(made))
    return made


class NoteTrainer:
    """Trains one head; `output` is the base model's output layer `[vocabulary, H]`."""

    def __init__(self, head: NoteHead, features: NoteFeatures, output: Tensor, *, rate: float, seed: int) -> None:
        self.head = head
        self._features = features
        self._output = output.float()
        self._rate = rate
        self._chance = torch.Generator().manual_seed(seed)

    def train(self, data: Sequence[Answered], steps: int, batch: int, told: Callable[[int, float], None]) -> None:
        """`steps` steps of `batch` questions each, drawn by seed."""
        optimizer = torch.optim.AdamW(self.head.parameters(), lr=self._rate, weight_decay=0.01)
        self.head.train()
        for step in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = self._rate * min(1.0, (step + 1) / 20) * max(0.05, 1 - step / steps)
            some = [data[i] for i in torch.randint(len(data), (batch,), generator=self._chance).tolist()]
            loss = self._sampled(some)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self.head.parameters(), 1.0)
            optimizer.step()
            told(step, float(loss.detach()))
        self.head.eval()

    @torch.no_grad()
    def measure(self, data: Sequence[Answered], vectors: str) -> float:
        """Nats a token over the whole vocabulary; `vectors`: "none", "own" or "other" (the next question's notes)."""
        total, count = 0.0, 0
        for at, one in enumerate(data):
            hidden = one.hidden.float()
            if vectors != "none":
                hidden = self._fused([one], [data[(at + (vectors == "other")) % len(data)]])
            total += float(F.cross_entropy(hidden @ self._output.T, one.tokens, reduction="sum"))
            count += len(one.tokens)
        return total / count

    def _fused(self, some: Sequence[Answered], whose: Sequence[Answered]) -> Tensor:
        """The changed states `[tokens, H]` of all these answers."""
        carried = torch.stack([self.head.reader.prepared(*self._features.of(one.notes)) for one in whose])
        longest = int(carried[..., -1].sum(1).max())
        counts = torch.tensor([len(one.tokens) for one in some])
        rows = carried[:, :longest].repeat_interleave(counts, 0)
        hidden = torch.cat([one.hidden for one in some]).float()
        return self.head.fuse(hidden, {NAME: rows}, {NAME: torch.ones(len(hidden), dtype=torch.bool)})

    def _sampled(self, some: Sequence[Answered]) -> Tensor:
        tokens = torch.cat([one.tokens for one in some])
        noted = torch.tensor([token for one in some for note in one.notes for token in note])
        chance = torch.randint(len(self._output), (_SAMPLE,), generator=self._chance)
        ids = torch.unique(torch.cat([tokens, noted, chance]))
        logits = self._fused(some, some) @ self._output[ids].T
        return F.cross_entropy(logits, torch.searchsorted(ids, tokens))
