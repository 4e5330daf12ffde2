"""Judging a model by what it does: the loss of known answers, and greedy replies against them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch

from services.finetune.training.loss import Sample, answer_loss, parts


class Counts(Protocol):
    """Who is told how much is wanted, and how much has come."""

    def gather(self, more: int) -> None:
        """So many more are wanted."""
        ...

    def gathered(self, more: int) -> None:
        """So many have come."""
        ...


_WORD = re.compile(r"\w+", re.UNICODE)


@torch.no_grad()
def mean_loss(
    model: Any, samples: Sequence[Sample], batch_size: int = 8, alive: Callable[[], bool] | None = None
) -> float:
    """Mean −log P of an answer token in nats over all samples; 0 for none. Stops early when ``alive`` says so."""
    total, tokens = 0.0, 0
    for at in range(0, len(samples), batch_size):
        if alive is not None and not alive():
            break
        for part in parts(samples[at : at + batch_size]):
            loss, count = answer_loss(model, part)
            total, tokens = total + float(loss), tokens + count
    return total / tokens if tokens else 0.0


@torch.no_grad()
def greedy_replies(
    model: Any,
    prompts: Sequence[Sequence[int]],
    end_ids: Sequence[int],
    *,
    tokens: int = 64,
    batch_size: int = 16,
    alive: Callable[[], bool] | None = None,
    counts: Counts | None = None,
) -> list[list[int]]:
    """The greedy continuation of each prompt, without its end token; prompts of one batch are padded on the left."""
    replies: list[list[int]] = []
    if counts is not None:
        counts.gather(len(prompts))
    for at in range(0, len(prompts), batch_size):
        if alive is not None and not alive():
            break
        batch = prompts[at : at + batch_size]
        longest = max(map(len, batch))
        ids = torch.zeros(len(batch), longest, dtype=torch.long)
        mask = torch.zeros(len(batch), longest, dtype=torch.long)
        for row, prompt in enumerate(batch):
            ids[row, longest - len(prompt) :] = torch.tensor(list(prompt))
            mask[row, longest - len(prompt) :] = 1
        made = model.generate(
            input_ids=ids,
            attention_mask=mask,
            max_new_tokens=tokens,
            do_sample=False,
            eos_token_id=list(end_ids),
            pad_token_id=end_ids[0],
        )
        for row in made[:, longest:].tolist():
            cut = next((i for i, token in enumerate(row) if token in end_ids), len(row))
            replies.append(row[:cut])
        if counts is not None:
            counts.gathered(len(batch))
    return replies


def says(reply: str, answer: str) -> bool:
    """Whether a reply gives the answer: its words in their order, or, of eight words and more, 70 % of them (F1)."""
    said, wanted = _WORD.findall(reply.lower()), _WORD.findall(answer.lower())
    if not wanted:
        return not said
    if f" {' '.join(wanted)} " in f" {' '.join(said)} ":
        return True
    shared = sum((Counter(said) & Counter(wanted)).values())
    return len(wanted) >= 8 and 2 * shared / (len(said) + len(wanted)) >= 0.7
