"""A fusion head with random weights, as large as trained ones, and vectors for it."""

from __future__ import annotations

import torch
from torch import Tensor

SOURCES, SIZE, INNER = ("feedback", "state", "knowledge"), 384, 128


class RandomHead:
    """h + Σ U tanh(W n(h) + V v) over three sources (DESIGN.md section 7)."""

    def __init__(self, hidden: int) -> None:
        generator = torch.Generator().manual_seed(0)
        self._inner = torch.randn(len(SOURCES), hidden, INNER, generator=generator) * 0.02
        self._vector = torch.randn(len(SOURCES), SIZE, INNER, generator=generator) * 0.02
        self._back = torch.randn(len(SOURCES), INNER, hidden, generator=generator) * 0.001

    def fuse(self, hidden: Tensor, vectors: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        normed = hidden / hidden.norm(dim=1, keepdim=True)
        out = hidden
        for n, name in enumerate(SOURCES):
            mixed = torch.tanh(normed @ self._inner[n] + vectors[name] @ self._vector[n])
            out = torch.where(present[name][:, None], out + mixed @ self._back[n], out)
        return out


def random_vectors(seed: int) -> dict[str, Tensor]:
    """One vector for each source."""
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(SIZE, generator=generator) for name in SOURCES}
