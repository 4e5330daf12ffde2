"""Trains a projector under a frozen language model: −log P(reply | prompt with soft tokens).

What stands before the soft tokens does not depend on them, so that the gradient runs through soft tokens and reply
alone; the prompt's keys and values are computed without one.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import DynamicCache, PreTrainedModel

from services.models.soft_prompt import SoftPrompt


@dataclass(frozen=True)
class SoftSample:
    """One example: token ids before the soft tokens with the items' text in them and without, each item's averages,
    and the ids of the reply's opening and of the reply with its end."""

    with_text: tuple[int, ...]
    without_text: tuple[int, ...]
    items: tuple[Tensor, ...]
    opening: tuple[int, ...]
    target: tuple[int, ...]


@dataclass(frozen=True)
class ProjectorPlan:
    """How long and how fast a projector learns; `withheld` is the share of examples without the items' text, and
    `fitted_rate` what the weights learn at beside the markers' rate; `seconds` are the processor's."""

    steps: int = 240
    batch: int = 8
    learning_rate: float = 1e-3
    withheld: float = 0.5
    fitted_rate: float = 0.05
    seconds: float = 1e9
    seed: int = 0


class ProjectorTrainer:
    """One projector's training; the model's weights stay as they are."""

    def __init__(self, projector: SoftPrompt, model: PreTrainedModel, plan: ProjectorPlan) -> None:
        self._projector = projector
        self._model: Any = model.requires_grad_(False)  # its parts are untyped
        self._plan = plan

    def train(self, samples: Sequence[SoftSample], told: Callable[[int, float], None]) -> int:
        """Train on the samples, in an order drawn by seed and again from the beginning when they are used up; answers
        the steps taken."""
        plan = self._plan
        chance = random.Random(plan.seed)
        rates = [  # the markers begin as words and go far; the fitted map must not be forgotten for them
            {"params": [self._projector.markers, self._projector.scale], "rate": plan.learning_rate},
            {"params": self._weights(), "rate": plan.learning_rate * plan.fitted_rate},
        ]
        optimizer = torch.optim.AdamW(rates, weight_decay=0.0)
        began = time.process_time()
        order: list[int] = []
        taken = 0
        self._projector.train()
        for step in range(plan.steps):
            used = max((time.process_time() - began) / plan.seconds, step / plan.steps)
            if used >= 1:
                break
            for group in optimizer.param_groups:
                group["lr"] = group["rate"] * min(1.0, (step + 1) / 10) * max(0.05, 1 - used)
            while len(order) < 4 * plan.batch:
                order += chance.sample(range(len(samples)), len(samples))
            window = sorted(order[: 4 * plan.batch], key=lambda at: len(samples[at].with_text))
            first = plan.batch * chance.randrange(4)  # of four batches, one whose lengths are near
            batch = [samples[at] for at in window[first : first + plan.batch]]
            order = window[:first] + window[first + plan.batch :] + order[4 * plan.batch :]
            shown = [chance.random() >= plan.withheld for _ in batch]
            loss, count = self._loss(batch, shown, list(range(len(batch))))
            optimizer.zero_grad()
            (loss / count).backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self._projector.parameters(), 1.0)
            optimizer.step()
            taken += 1
            told(step, float(loss.detach()) / count)
        self._projector.eval()
        return taken

    def _weights(self) -> list[Tensor]:
        """Everything but the markers and the scale."""
        parts = (self._projector.direct, self._projector.up, self._projector.down)
        return [parameter for part in parts for parameter in part.parameters()]

    @torch.no_grad()
    def measure(self, samples: Sequence[SoftSample], *, text: bool, vectors: str) -> float:
        """Nats a token of the samples' replies, with or without the items' text; `vectors` is "none", "own", or
        "other" (the next sample's)."""
        total, tokens = 0.0, 0
        batch = self._plan.batch
        for start in range(0, len(samples), batch):
            some = samples[start : start + batch]
            whose = list(range(len(some)))
            if vectors == "other":
                whose = whose[1:] + whose[:1]
            loss, count = self._loss(some, [text] * len(some), whose if vectors != "none" else None)
            total += float(loss)
            tokens += count
        return total / tokens

    def _loss(
        self, batch: Sequence[SoftSample], shown: Sequence[bool], whose: Sequence[int] | None
    ) -> tuple[Tensor, int]:
        """(summed loss, tokens) of the batch; row i gets the items of row `whose[i]`."""
        prefixes = [one.with_text if text else one.without_text for one, text in zip(batch, shown, strict=True)]
        longest = max(map(len, prefixes))
        ids = torch.zeros(len(batch), longest, dtype=torch.long)
        seen = torch.zeros(len(batch), longest, dtype=torch.long)
        for row, prefix in enumerate(prefixes):
            ids[row, longest - len(prefix) :] = torch.tensor(prefix)
            seen[row, longest - len(prefix) :] = 1
        with torch.no_grad():
            before = self._model.model(
                input_ids=ids,
                attention_mask=seen,
                position_ids=(seen.cumsum(1) - 1).clamp_min(0),
                past_key_values=DynamicCache(config=self._model.config),
                use_cache=True,
            ).past_key_values
        table = self._model.get_input_embeddings().weight
        parts, starts = [], []
        for row, one in enumerate(batch):
            soft = self._projector(batch[whose[row]].items) if whose is not None else table[:0].float()
            rest = table[torch.tensor([*one.opening, *one.target[:-1]])]
            parts.append(torch.cat([soft.to(table.dtype), rest]))
            starts.append(len(soft) + len(one.opening) - 1)
        inputs = torch.nn.utils.rnn.pad_sequence(parts, batch_first=True)
        mask = torch.zeros(inputs.shape[:2], dtype=torch.long)
        for row, part in enumerate(parts):
            mask[row, : len(part)] = 1
        places = seen.sum(1, keepdim=True) + torch.arange(inputs.shape[1])
        hidden = self._model.model(
            inputs_embeds=inputs,
            attention_mask=torch.cat([seen, mask], 1),
            position_ids=places,
            past_key_values=before,
            use_cache=True,
        ).last_hidden_state
        told = [
            hidden[row, start : start + len(one.target)]
            for row, (start, one) in enumerate(zip(starts, batch, strict=True))
        ]
        logits = self._model.get_output_embeddings()(torch.cat(told)).float()
        targets = torch.tensor([token for one in batch for token in one.target])
        return F.cross_entropy(logits, targets, reduction="sum"), len(targets)
