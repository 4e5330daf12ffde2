"""The first stage of training: what flags and cues alone say, learned on many turns before the layers are touched."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import torch

from research.tracker.targets import Targets, loss
from services.tracker.learned.network import GATES, Batch, Network, Scores, possible


def learn_flags(
    network: Network, drawn: Sequence[tuple[Batch, Targets, int]], epochs: int, rate: float, dice: random.Random
) -> list[float]:
    """Trains `network.slot_flags` on prepared batches; returns the mean loss of every epoch."""
    weights = list(network.slot_flags.parameters())
    optimiser = torch.optim.AdamW(weights, rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=epochs * len(drawn))
    order, means = list(range(len(drawn))), []
    ready = [(batch, _without_places(targets), possible(batch), count) for batch, targets, count in drawn]
    for _ in range(epochs):
        dice.shuffle(order)
        total = 0.0
        for index in order:
            batch, targets, can, count = ready[index]
            said = network.slot_flags(batch.flags, batch.kinds)
            gates = len(GATES)
            gate, nothing = said[..., :gates].masked_fill(~can, -1e4), said.new_zeros(())
            parts = [said[..., gates + part] for part in range(4)]
            value, _ = loss(Scores(gate, *parts, *[nothing] * 7), targets, count)
            optimiser.zero_grad()
            value.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            total += float(value.detach())
        means.append(total / len(order))
    return means


def _without_places(targets: Targets) -> Targets:
    """The targets that need no text: no spans, values and sources."""
    return replace(targets, user_span=[], system_span=[], value_user=[], value_system=[], copy=[])
