"""Brings rankings of different scales together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import TypeVar

Item = TypeVar("Item", bound=Hashable)


def reciprocal_rank(
    rankings: Sequence[tuple[float, Sequence[Item]]], limit: int, constant: int = 60
) -> list[tuple[Item, float]]:
    """Reciprocal rank fusion (Cormack et al. 2009): Σ weight / (constant + rank), best first.

    `rankings` are (weight, items best first). Ties keep the order of the first ranking that has them.
    """
    scores: dict[Item, float] = defaultdict(float)
    for weight, items in rankings:
        for rank, item in enumerate(items, start=1):
            scores[item] += weight / (constant + rank)
    return sorted(scores.items(), key=lambda pair: -pair[1])[:limit]
