"""Does the reply become likelier given its own feedback? Scores per token, controls, and bootstrap intervals."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from services.finetune.pretraining.tasks import reply_logits
from services.finetune.pretraining.triples import Triple, encode_triples
from services.models.interactive_transformer import InteractiveTransformerForCausalLM


@dataclass(frozen=True)
class ReplyScore:
    """One reply: negative log-likelihood in nats and tokens, of all and of those copied from the feedback.

    Copied means: the token occurs in the true feedback and nowhere in question or draft.
    """

    nll: float
    tokens: int
    copied_nll: float
    copied: int


def shuffled(triples: Sequence[Triple], seed: int) -> list[str]:
    """Each triple's feedback replaced by another one's (no triple keeps its own)."""
    order = list(range(len(triples)))
    random.Random(seed).shuffle(order)
    place = {number: order[(i + 1) % len(order)] for i, number in enumerate(order)}
    return [triples[place[number]].feedback for number in range(len(triples))]


@torch.no_grad()
def score_replies(
    model: InteractiveTransformerForCausalLM,
    tokenizer: Any,
    triples: Sequence[Triple],
    feedback: Sequence[str],
    limit: int,
    in_prompt: bool = False,
    batch: int = 8,
) -> list[ReplyScore]:
    """Scores of every triple's reply when the model is told `feedback` ("" for nothing)."""
    scores = []
    for start in range(0, len(triples), batch):
        rows, said = triples[start : start + batch], feedback[start : start + batch]
        encoded = encode_triples(tokenizer, rows, limit, in_prompt, said)
        logits = reply_logits(model, encoded, in_prompt)
        losses = functional.cross_entropy(logits.transpose(1, 2), encoded.targets, reduction="none")
        for row, triple in enumerate(rows):
            wanted = encoded.targets[row] >= 0
            known = set(tokenizer.encode(triple.question + " " + triple.draft, add_special_tokens=False))
            own = set(tokenizer.encode(triple.feedback, add_special_tokens=False)[:limit]) - known
            ids, nll = encoded.targets[row][wanted].tolist(), losses[row][wanted].tolist()
            copied = [loss for token, loss in zip(ids, nll, strict=True) if token in own]
            scores.append(ReplyScore(sum(nll), len(nll), sum(copied), len(copied)))
    return scores


def per_token(scores: Sequence[ReplyScore], copied: bool = False) -> float:
    """Nats per token over all replies."""
    total = sum(s.copied_nll if copied else s.nll for s in scores)
    return total / max(1, sum(s.copied if copied else s.tokens for s in scores))


def difference(
    left: Sequence[ReplyScore], right: Sequence[ReplyScore], copied: bool = False, seed: int = 0
) -> tuple[float, float, float]:
    """(left - right in nats per token, lower, upper end of its 95 % interval), paired bootstrap over triples."""
    nll = np.array([[s.copied_nll if copied else s.nll for s in side] for side in (left, right)])
    tokens = np.array([s.copied if copied else s.tokens for s in left])
    drawn = np.random.default_rng(seed).integers(0, len(tokens), (2000, len(tokens)))
    counts = np.maximum(tokens[drawn].sum(1), 1)
    differences = (nll[0][drawn].sum(1) - nll[1][drawn].sum(1)) / counts
    value = float((nll[0].sum() - nll[1].sum()) / max(1, tokens.sum()))
    low, high = np.percentile(differences, [2.5, 97.5])
    return value, float(low), float(high)
