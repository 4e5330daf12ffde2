"""Heads to bench: one with random weights, as large as trained ones, with vectors for it; and the shipped one."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from services.common.constraints import Constraint
from services.generator.conditioning.feedback_fusion import FeedbackFusion, load_fusion
from services.generator.engine import Engine
from services.generator.settings import GeneratorSettings
from services.models.fusion import FusionConfig, FusionHead, Source
from services.models.language_model import find_model

SOURCES = tuple(Source(name, size=384, inner=128) for name in ("feedback", "state", "knowledge"))
FEEDBACK = (
    'Mention "light bulb", leave out the word science, and keep it under 300 words.',
    (
        Constraint("must_include", "light bulb", source="comment"),
        Constraint("must_not_include", "science", source="comment"),
        Constraint("length", "", "words", None, 300, "comment"),
    ),
)
_SHIPPED = Path(__file__).parents[1] / "services/models/weights/fusion/feedback.safetensors"


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


def shipped_head(running: Engine, version: str) -> FeedbackFusion:
    """The head that the repository ships, loaded into the engine."""
    settings = GeneratorSettings()
    folder = find_model(settings.model, settings.cache_dir)
    made = running.apply(lambda served: load_fusion(_SHIPPED, folder, version, served)).result()
    assert made is not None, "the shipped head is for another base model"
    return made
