"""Training low-rank pairs on a frozen base model: minimise −Σ log P(y|x; θ) over the answers' tokens.

The loss is the mission's, taken over answer tokens and the end token alone and averaged per token; the prompt is the
condition and is not learned. LoRA: Hu et al. 2021, equation 3.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load, save
from torch import Tensor
from transformers import PreTrainedModel

from services.finetune.training.loss import Sample, answer_loss, parts
from services.models.arithmetic import computes_in_bf16


@dataclass(frozen=True)
class LoraSettings:
    """How a run trains; ``max_steps`` 0 follows from the epochs, ``bfloat16`` is for the products alone."""

    rank: int = 16
    alpha: int = 32
    learning_rate: float = 5e-4
    epochs: float = 4.0
    max_steps: int = 0
    batch_size: int = 8
    seed: int = 0
    warmup: float = 0.1
    clip: float = 1.0
    bfloat16: bool = False

    def steps(self, samples: int) -> int:
        """Optimiser steps for a set of this size."""
        return self.max_steps or max(1, math.ceil(samples * self.epochs / self.batch_size))


def computes_in_bfloat16(precision: str) -> bool:
    """Whether a training at ``precision`` (auto, fp32, bf16) takes bfloat16 products on this CPU."""
    return precision == "bf16" or (precision == "auto" and computes_in_bf16())


class LoraTrainer:
    """One run's model, optimiser and place in the data; its checkpoint continues it exactly."""

    def __init__(self, base: PreTrainedModel, samples: Sequence[Sample], settings: LoraSettings) -> None:
        torch.manual_seed(settings.seed)
        config = LoraConfig(
            r=settings.rank,
            lora_alpha=settings.alpha,
            lora_dropout=0.0,
            target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
            task_type="CAUSAL_LM",
        )
        model = get_peft_model(base, config)
        assert isinstance(model, PeftModel)
        self.model = model
        self.settings = settings
        self.total_steps = settings.steps(len(samples))
        self.step = 0
        self._samples = list(samples)
        self._parameters = {name: p for name, p in self.model.named_parameters() if p.requires_grad}
        self._optimiser = torch.optim.AdamW(self._parameters.values(), lr=settings.learning_rate, weight_decay=0.0)

    def run(self, on_step: Callable[[int, float], bool]) -> bool:
        """Train to the end. ``on_step(step, loss)`` is told each step and answers False to stop; so does this."""
        self.model.train()
        for batch in self._batches():
            loss = self._train(batch)
            self.step += 1
            if not on_step(self.step, loss):
                return False
        self.model.eval()
        return True

    def _batches(self) -> Iterator[list[Sample]]:
        """The batches from the current step on; a function of seed and step, so that a resumed run sees the same."""
        size, per_epoch = self.settings.batch_size, math.ceil(len(self._samples) / self.settings.batch_size)
        while self.step < self.total_steps:
            epoch, at = divmod(self.step, per_epoch)
            order = list(range(len(self._samples)))
            random.Random(f"{self.settings.seed}:{epoch}").shuffle(order)
            yield [self._samples[i] for i in order[at * size : (at + 1) * size]]

    def _train(self, batch: Sequence[Sample]) -> float:
        for group in self._optimiser.param_groups:
            group["lr"] = self._rate()
        tokens, loss = sum(len(one.answer) for one in batch), 0.0
        for part in parts(batch):
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.settings.bfloat16):
                share = answer_loss(self.model, part)[0] / tokens
            share.backward()  # type: ignore[no-untyped-call]
            loss += float(share.detach())
        torch.nn.utils.clip_grad_norm_(self._parameters.values(), self.settings.clip)
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)
        return loss

    def _rate(self) -> float:
        """The learning rate of the step that comes: up within `warmup`, then down as half a cosine."""
        warm = max(1, int(self.total_steps * self.settings.warmup))
        decay = 0.5 * (1 + math.cos(math.pi * min(1.0, self.step / self.total_steps)))
        return self.settings.learning_rate * min(1.0, (self.step + 1) / warm) * decay

    def checkpoint(self) -> bytes:
        """Pairs, optimiser state and step as safetensors; ``resume`` takes it."""
        tensors: dict[str, Tensor] = {"step": torch.tensor(self.step)}
        for name, parameter in self._parameters.items():
            tensors[f"p.{name}"] = parameter.detach().contiguous()
            for key, value in self._optimiser.state.get(parameter, {}).items():
                tensors[f"o.{key}.{name}"] = torch.as_tensor(value).contiguous()
        buffer = BytesIO(save(tensors))
        return buffer.getvalue()

    def resume(self, checkpoint: bytes) -> None:
        """Go on where a checkpoint of the same set and settings was made. Raises ValueError if it does not fit."""
        tensors = load(checkpoint)
        with torch.no_grad():
            for name, parameter in self._parameters.items():
                if tensors[f"p.{name}"].shape != parameter.shape:
                    raise ValueError(f"the checkpoint's {name} has another shape")
                parameter.copy_(tensors[f"p.{name}"])
                state = {
                    key: tensors[f"o.{key}.{name}"]
                    for key in ("step", "exp_avg", "exp_avg_sq")
                    if f"o.{key}.{name}" in tensors
                }
                if state:
                    self._optimiser.state[parameter] = state
        self.step = int(tensors["step"])
