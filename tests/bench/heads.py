"""A fusion head with random weights, as large as trained ones, and vectors for it."""

from __future__ import annotations

import torch
from torch import Tensor

from services.models.fusion import FusionConfig, FusionHead, Source

SOURCES = tuple(Source(name, size=384, inner=128) for name in ("feedback", "state", "knowledge"))


def random_head(hidden_size: int) -> FusionHead:
    """Three gated sources, none of them zero."""
    torch.manual_seed(0)
    head = FusionHead(FusionConfig(hidden_size, SOURCES)).eval().requires_grad_(False)
    for part in head.sources.values():
        torch.nn.init.normal_(part.get_parameter("back.weight"), std=0.001)
    return head


def random_vectors(seed: int) -> dict[str, Tensor]:
    """One vector for each source."""
    generator = torch.Generator().manual_seed(seed)
    return {source.name: torch.randn(source.size, generator=generator) for source in SOURCES}
