"""The training loop: steps of any task, mixed precision, checkpoints to go on from, and a loss curve."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from research.pretraining.checkpoint import load_checkpoint, save_checkpoint
from research.pretraining.curves import append_record, draw_curves
from services.models.arithmetic import computes_in_bf16


class Task(Protocol):
    """What is trained on. A task carries whatever runs from step to step (stream position, memory)."""

    def loss(self, model: nn.Module) -> tuple[Tensor, int]:
        """Mean negative log-likelihood (nats) of the next batch, with gradient, and how many tokens it is over."""

    def held_out(self, model: nn.Module) -> float | None:
        """Mean negative log-likelihood of held-out text, in nats per token; None without any."""

    def carried(self) -> dict[str, Tensor]:
        """All that the next step depends on."""

    def restore(self, carried: dict[str, Tensor]) -> None:
        """Go on from what `carried` gave."""


@dataclass(frozen=True)
class TrainingPlan:
    """How long and how fast. Learning rate: linear warm-up, then a cosine down to a tenth.

    precision: "fp32", or "bf16" for mixed precision (weights and optimiser stay fp32, products are bfloat16
    unless a CPU does not compute in it).
    feedback_rate: how many times faster the feedback encoder and the fusion learn, which are new where the rest of
    the model is trained already.
    """

    steps: int
    learning_rate: float = 1e-3
    warmup: int = 100
    weight_decay: float = 0.01
    clip: float = 1.0
    precision: str = "bf16"
    log_every: int = 20
    evaluate_every: int = 0
    save_every: int = 200
    feedback_rate: float = 1.0


FEEDBACK_PATH = ("feedback_encoder.", "fusion.")  # parameters on the way from feedback to output


def learning_rate(plan: TrainingPlan, step: int) -> float:
    """The rate of one step (from 0)."""
    if step < plan.warmup:
        return plan.learning_rate * (step + 1) / plan.warmup
    done = (step - plan.warmup) / max(1, plan.steps - plan.warmup)
    return plan.learning_rate * (0.1 + 0.45 * (1 + math.cos(math.pi * min(done, 1.0))))


def parameter_groups(model: nn.Module, plan: TrainingPlan) -> list[dict[str, Any]]:
    """The trained parameters for the optimiser: the feedback path with its own factor to the learning rate."""
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    path = [p for name, p in named if name.startswith(FEEDBACK_PATH)]
    rest = [p for name, p in named if not name.startswith(FEEDBACK_PATH)]
    groups = [{"params": rest, "factor": 1.0}, {"params": path, "factor": plan.feedback_rate}]
    return [group for group in groups if group["params"]]


def train(model: nn.Module, task: Task, plan: TrainingPlan, folder: Path) -> float:
    """Train `model` in place for `plan.steps` steps, from the folder's checkpoint if it has one.

    Returns the seconds spent in steps by this call. Writes state.safetensors, curve.jsonl and curve.svg into
    `folder`. A resumed run takes the same steps an unbroken one would have taken.
    """
    folder.mkdir(parents=True, exist_ok=True)
    device = next(model.parameters()).device
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        parameter_groups(model, plan), lr=plan.learning_rate, weight_decay=plan.weight_decay, betas=(0.9, 0.98)
    )
    start = 0
    if (found := load_checkpoint(folder, model, optimizer)) is not None:
        start, carried = found
        task.restore(carried)
    mixed = plan.precision == "bf16" and (device.type != "cpu" or computes_in_bf16())
    seconds, losses, tokens, since = 0.0, 0.0, 0, time.perf_counter()
    for step in range(start, plan.steps):
        model.train()
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(plan, step) * group["factor"]
        with torch.autocast(device.type, torch.bfloat16, enabled=mixed):
            loss, count = task.loss(model)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, plan.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses, tokens = losses + float(loss.detach()) * count, tokens + count
        last = step + 1 == plan.steps
        if (step + 1) % plan.log_every == 0 or last:
            spent = time.perf_counter() - since
            seconds += spent
            record = {"step": step + 1, "loss": losses / tokens, "tokens_per_second": tokens / spent}
            if plan.evaluate_every and ((step + 1) % plan.evaluate_every == 0 or last):
                model.eval()
                with torch.no_grad():
                    held = task.held_out(model)
                record |= {} if held is None else {"held_out": held}
            append_record(folder, record)
            losses, tokens, since = 0.0, 0, time.perf_counter()
        if (step + 1) % plan.save_every == 0 or last:
            save_checkpoint(folder, model, optimizer, step + 1, task.carried())
            draw_curves(folder)
    model.eval()
    return seconds
