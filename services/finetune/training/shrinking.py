"""How much of what was trained is kept: the update is scaled down until it no longer costs what was known before.

Weights between those before and after a training keep most of what was learned and lose little of what was known
(Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", section 3). Low-rank pairs make that one factor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from peft import PeftModel

from services.finetune.training.judging import mean_loss
from services.finetune.training.loss import Sample

SCALES = (1.0, 0.85, 0.7, 0.55, 0.4)
ALLOWED_RISE = 0.01  # half of what the gate allows, which judges by other examples


def shrink(
    model: PeftModel, watched: Sequence[Sample], before: float, alive: Callable[[], bool] | None = None
) -> float:
    """Scale the pairs in place by the largest of SCALES at which the loss on ``watched`` is at most 1 % above
    ``before``, or by the smallest; answers the scale. With nothing to watch all is kept."""
    if not watched:
        return 1.0
    halves = [value for name, value in model.named_parameters() if "lora_B" in name]
    kept = 1.0
    with torch.no_grad():
        for scale in SCALES:
            for half in halves:
                half.mul_(scale / kept)
            kept = scale
            if mean_loss(model, watched, alive=alive) <= before * (1 + ALLOWED_RISE):
                break
    return kept
