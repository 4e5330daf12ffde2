"""Training until it is said right: rounds over what greedy decoding does not yet say, what is learned is left out.

Forced to read the right answer, a model that ranks each of its tokens first would have written the answer greedily, so
one forward pass tells what decoding would say, and costs a fraction of it. That holds for whole answers with their end
token only; a share of right tokens says little (it overstated edits by 58 points in arXiv 2502.11177).
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

import torch
from safetensors.torch import load, save
from transformers import PreTrainedModel

from services.finetune.training.lora import LoraSettings, LoraTrainer
from services.finetune.training.loss import Sample, answer_hits
from services.models.adapter import Adapter

WARM_STEPS = 4
_SLOWER, _SLOWEST = 0.8, 0.25
"""Factor of the rate for each round from the fourth on, and of all: few are left then, and they disturb the others."""


class RoundsTrainer(LoraTrainer):
    """Trains at most `settings.epochs` rounds. ``start`` are pairs of the same rank to go on from; what they say right
    already is not trained on until another lesson breaks it."""

    def __init__(
        self,
        base: PreTrainedModel,
        samples: Sequence[Sample],
        settings: LoraSettings,
        start: Adapter | None = None,
        alive: Callable[[], bool] | None = None,
    ) -> None:
        super().__init__(base, samples, settings)
        self._alive = alive or (lambda: True)
        self._rounds = max(1, math.ceil(settings.epochs))
        self.total_steps = settings.max_steps or self._rounds * math.ceil(len(samples) / settings.batch_size)
        self._round = 0
        self._queue: list[int] | None = None  # samples of this round that are still to come; None: to be chosen
        if start is not None and start.rank == settings.rank:
            self._take_over(start)

    def run(self, on_step: Callable[[int, float], bool]) -> bool:
        """Train to the end. ``on_step(step, loss)`` is told each step and answers False to stop; so does this."""
        self.model.train()
        while self.step < self.total_steps:
            if self._queue is None:
                if self._round >= self._rounds:
                    break
                self._queue = self._unlearned()
                if not self._alive():
                    return False
                if not self._queue:
                    break
                random.Random(f"{self.settings.seed}:{self._round}").shuffle(self._queue)
            size = self.settings.batch_size
            batch, self._queue = self._queue[:size], self._queue[size:] or None
            if self._queue is None:
                self._round += 1
            loss = self._train([self._samples[at] for at in batch])
            self.step += 1
            if not on_step(self.step, loss):
                return False
        self.model.eval()
        return True

    def _unlearned(self) -> list[int]:
        """The samples that greedy decoding does not say right."""
        return [at for at, right in enumerate(answer_hits(self.model, self._samples, self._alive)) if not right]

    def _rate(self) -> float:
        slower = max(_SLOWEST, _SLOWER ** max(0, self._round - 3))
        return self.settings.learning_rate * min(1.0, (self.step + 1) / WARM_STEPS) * slower

    def _take_over(self, start: Adapter) -> None:
        scale = self.settings.alpha / self.settings.rank
        with torch.no_grad():
            for (layer, projection), (a, b) in start.pairs.items():
                for half, value in (("A", a), ("B", b / scale)):
                    name = next(
                        name
                        for name in self._parameters
                        if f"layers.{layer}." in name and f".{projection}.lora_{half}." in name
                    )
                    self._parameters[name].copy_(value)

    def checkpoint(self) -> bytes:
        """As that of every training, with the place in the rounds."""
        queue = [-1] if self._queue is None else self._queue
        place = {"round": torch.tensor(self._round), "queue": torch.tensor(queue)}
        return save({**load(super().checkpoint()), **place})

    def resume(self, checkpoint: bytes) -> None:
        """Go on where a checkpoint of the same set and settings was made. Raises ValueError if it does not fit."""
        super().resume(checkpoint)
        tensors = load(checkpoint)
        self._round = int(tensors["round"])
        queue = [int(at) for at in tensors["queue"]]
        self._queue = None if queue == [-1] else queue
