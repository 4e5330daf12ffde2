"""Chooses each row's next token from its logits, by its own settings and nothing of its neighbours."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from services.generator.engine.request import TokenProcessor

if TYPE_CHECKING:
    from services.generator.engine.rows import Row

_CANDIDATES = 256  # enough for nearly every nucleus; a wider one is looked at whole

ProcessorsOf = Callable[["Row"], Sequence[TokenProcessor]]


@torch.inference_mode()
def choose(
    logits: Tensor,
    rows: Sequence[Row],
    processors: ProcessorsOf,
    end_ids: frozenset[int],
    greatest: Callable[[Tensor], list[int]] | None = None,
) -> list[int]:
    """One token for each row from fp32 `logits: [rows, vocabulary]`, which may be changed in place.

    `greatest` answers the place of each row's greatest; torch's own where it is None.
    """
    scored = [i for i, row in enumerate(rows) if row.request.settings.scored]
    plain = logits[scored].log_softmax(1) if scored else None
    early = [i for i, row in enumerate(rows) if _made(row) < row.request.settings.min_new_tokens]
    if early:
        ends = torch.tensor(list(end_ids), device=logits.device)
        logits[torch.tensor(early, device=logits.device)[:, None], ends] = float("-inf")
    for index, row in enumerate(rows):
        used = processors(row)
        if used or row.request.settings.repetition_penalty != 1.0:
            _shape(logits[index], row, used)
    best: list[int] = logits.argmax(1).tolist() if greatest is None else greatest(logits)
    drawn = [i for i, row in enumerate(rows) if row.request.settings.temperature > 0]
    if drawn:
        chosen = logits if len(drawn) == len(rows) else logits[drawn]
        temperatures = torch.tensor([rows[i].request.settings.temperature for i in drawn], device=logits.device)
        scaled = chosen / temperatures[:, None]
        size = min(_CANDIDATES, scaled.shape[1])
        top, ids = scaled.topk(size, 1)
        weights = (top - scaled.logsumexp(1, keepdim=True)).exp()
        for at, i in enumerate(drawn):
            best[i] = _draw(rows[i], weights[at], ids[at], scaled[at])
    if plain is not None:
        for at, i in enumerate(scored):
            rows[i].log_likelihood += float(plain[at, best[i]])
    return best


def _made(row: Row) -> int:
    return len(row.ids) - row.prompt_length


def _shape(logits: Tensor, row: Row, processors: Sequence[TokenProcessor]) -> None:
    settings = row.request.settings
    if settings.repetition_penalty != 1.0:
        seen = torch.tensor(sorted({i for i in row.ids if i >= 0}), device=logits.device)
        found = logits[seen]
        factor = settings.repetition_penalty
        logits[seen] = torch.where(found > 0, found / factor, found * factor)  # CTRL (Keskar et al. 2019, 4.1)
    if processors:
        generated = row.generated
        for processor in processors:
            logits.copy_(processor(generated, logits))


def _draw(row: Row, weights: Tensor, ids: Tensor, scaled: Tensor) -> int:
    """Draw within top-k and nucleus (Holtzman et al. 2020); the draw depends on seed and position alone."""
    settings = row.request.settings
    position = _made(row)
    luck = random.Random(settings.seed * 1_000_003 + position).random()
    width = settings.top_k or scaled.shape[0]
    needs_all = min(width, scaled.shape[0]) > len(weights) and float(weights.sum()) < settings.top_p
    if needs_all:
        weights, ids = scaled.softmax(0).sort(descending=True)
    weights, ids = weights[:width].double(), ids[:width]
    if settings.top_k:
        weights = weights / weights.sum()
    sums = weights.cumsum(0)
    last = min(int((sums < settings.top_p).sum()), len(sums) - 1)
    kept = float(sums[last])
    at = min(int((sums[: last + 1] < luck * kept).sum()), last)
    return int(ids[at])
