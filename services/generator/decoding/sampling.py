"""Draws tokens by chance: within top-k, min-p and nucleus, each by its own settings and nothing of its neighbours."""

from __future__ import annotations

import random
from collections.abc import Sequence

import torch
from torch import Tensor

from services.generator.decoding.settings import DecodeSettings

_CANDIDATES = 256  # enough for nearly every nucleus; a wider one is looked at whole


def draw(scaled: Tensor, settings: Sequence[DecodeSettings], lengths: Sequence[int]) -> list[int]:
    """A token for each row of logits over temperature `scaled: [rows, vocabulary]`, under its settings and after as
    many tokens as `lengths` says: top-k, min-p (Nguyen et al. 2024), nucleus (Holtzman et al. 2020).

    A draw depends on seed and position alone. All rows are drawn at once and where the logits lie, so that a GPU is
    waited for once.
    """
    size = min(_CANDIDATES, scaled.shape[1])
    top, ids = scaled.topk(size, 1)
    weights = (top - scaled.logsumexp(1, keepdim=True)).exp()
    places, lacking = _within(weights, settings, lengths)
    answers = torch.stack([ids.gather(1, places[:, None])[:, 0], lacking.long()]).tolist()
    for at in (at for at, wide in enumerate(answers[1]) if wide):
        weights, ids = scaled[at].softmax(0).sort(descending=True)
        whole, _ = _within(weights[None], settings[at : at + 1], lengths[at : at + 1])
        answers[0][at] = int(ids[whole[0]])
    drawn: list[int] = answers[0]
    return drawn


def _within(weights: Tensor, settings: Sequence[DecodeSettings], lengths: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Where in each row of falling probabilities `weights: [rows, n]` its draw falls, and whether what it is drawn from
    reaches past them."""
    n, device = weights.shape[1], weights.device
    lasts = torch.tensor([min(s.top_k or n, n) - 1 for s in settings], device=device)[:, None]
    open_ended = torch.tensor([s.top_k == 0 or s.top_k > n for s in settings], device=device)
    min_p = torch.tensor([s.min_p for s in settings], dtype=torch.float64, device=device)[:, None]
    likely = (weights.double() >= min_p * weights[:, :1].double()).sum(1, keepdim=True)
    lasts = torch.minimum(lasts, likely - 1)
    cut = torch.tensor([s.top_k > 0 or s.min_p > 0 for s in settings], device=device)[:, None]
    top_p = torch.tensor([s.top_p for s in settings], dtype=torch.float64, device=device)[:, None]
    lucks = [random.Random(s.seed * 1_000_003 + at).random() for s, at in zip(settings, lengths, strict=True)]
    luck = torch.tensor(lucks, dtype=torch.float64, device=device)[:, None]
    sums = weights.double().cumsum(1)
    short = (sums[:, -1] < top_p[:, 0]) | (min_p[:, 0] > 0)  # with min-p, the mass of all that are likely counts
    lacking = open_ended & (likely[:, 0] == n) & short
    sums = torch.where(cut, sums / sums.gather(1, lasts), sums)
    last = torch.minimum((sums < top_p).sum(1, keepdim=True), lasts)
    places = torch.minimum((sums < luck * sums.gather(1, last)).sum(1, keepdim=True), last)
    return places[:, 0], lacking
