"""What a training of any kind ends with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.finetune.domain.gate import Measure
from services.models.version import VersionWeights


@dataclass(frozen=True)
class Made:
    """New weights, the set they were learned from, how they were judged, the base model's content hash, and the version
    that some of the weights were taken over from (empty: none)."""

    weights: VersionWeights
    training_set: str
    measures: Sequence[Measure]
    base_version: str
    took_over: str = ""
