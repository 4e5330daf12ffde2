"""The evaluation's text half: losses of every arm on held-out documents, the memory curve, correctness, speed."""

from __future__ import annotations

import statistics
import time

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from research.eval.interactive_arms import Arm, Reading
from services.models.interactive_transformer import (
    InteractiveTransformerConfig,
    InteractiveTransformerForCausalLM,
)

MEMORIES = [0, 16, 32, 64, 128, 256, 512]
ROWS = 32  # documents read side by side
Losses = dict[str, NDArray[np.float64]]  # kind of text -> mean loss of each document in nats per token


@torch.no_grad()
def document_losses(
    model: InteractiveTransformerForCausalLM, ids: NDArray[np.int32], segment: int, memory: int, overlap: int = 0
) -> NDArray[np.float64]:
    """Mean negative log-likelihood of each document, nats per token: ids [documents, tokens + 1] -> [documents].

    Read from its beginning in segments, `memory` states kept. overlap: tokens of each segment that were predicted
    before and only serve as context (how a model without memory reads at its best, at more computation).
    """
    results = []
    for first in range(0, len(ids), ROWS):
        rows = torch.from_numpy(ids[first : first + ROWS].astype(np.int64))
        inputs, targets = rows[:, :-1], rows[:, 1:]
        carried = model.new_memory(length=memory) if memory else None
        total = torch.zeros(len(rows), dtype=torch.float64)
        done = 0
        while done < inputs.shape[1]:
            start = max(0, done - overlap)
            part = slice(start, start + segment)
            logits = model(inputs[:, part], past_key_values=carried, use_cache=False).logits.float()
            losses = functional.cross_entropy(logits.transpose(1, 2), targets[:, part], reduction="none")
            total += losses[:, done - start :].sum(1)
            done = start + losses.shape[1]
        results.append((total / inputs.shape[1]).numpy())
    return np.concatenate(results)


def reading_losses(
    reading: Reading, model: InteractiveTransformerForCausalLM, held: dict[str, NDArray[np.int32]]
) -> Losses:
    """Losses of one way to read on all held-out documents."""
    segment, memory, overlap = reading.arm.segment, reading.memory, reading.overlap
    return {kind: document_losses(model, ids, segment, memory, overlap) for kind, ids in held.items()}


def mean_loss(losses: Losses) -> float:
    """Nats per token, every kind of text counting the same."""
    return float(np.mean([part.mean() for part in losses.values()]))


def mean_of(seeds: list[Losses]) -> Losses:
    """Each document's mean over models of several seeds."""
    return {kind: np.mean([losses[kind] for losses in seeds], axis=0) for kind in seeds[0]}


def difference(left: Losses, right: Losses, seed: int = 0) -> tuple[float, float, float]:
    """(left - right in nats per token, its 95 % interval): bootstrap over documents, drawn within each kind."""
    random = np.random.default_rng(seed)
    drawn = []
    for kind in left:
        apart = left[kind] - right[kind]
        drawn.append(apart[random.integers(0, len(apart), (5000, len(apart)))].mean(1))
    low, high = np.percentile(np.mean(drawn, axis=0), [2.5, 97.5])
    return mean_loss(left) - mean_loss(right), float(low), float(high)


def memory_curve(
    arm: Arm, model: InteractiveTransformerForCausalLM, held: dict[str, NDArray[np.int32]]
) -> dict[int, float]:
    """Mean held-out loss of one trained model by the memory it is given when evaluated."""
    return {
        memory: mean_loss({kind: document_losses(model, ids, arm.segment, memory) for kind, ids in held.items()})
        for memory in MEMORIES
    }


def reading_speeds(
    models: dict[str, tuple[Arm, InteractiveTransformerForCausalLM]], rounds: int = 5
) -> dict[str, float]:
    """Tokens a second of evaluation in segments, one text: all arms in turn, the median of the rounds."""
    times: dict[str, list[float]] = {name: [] for name in models}
    text = torch.randint(0, min(model.config.vocab_size for _, model in models.values()), (1, 1024))
    for _ in range(rounds + 1):
        for name, (arm, model) in models.items():
            carried = model.new_memory(length=arm.memory) if arm.memory else None
            start = time.process_time()
            with torch.inference_mode():
                for part in text.split(arm.segment, 1):
                    model(part, past_key_values=carried, use_cache=False)
            times[name].append(time.process_time() - start)
    return {name: text.shape[1] / statistics.median(values[1:]) for name, values in times.items()}


def correctness(seed: int) -> dict[str, float]:
    """The claims of exactness, measured once more outside the tests: largest differences in fp32."""
    torch.manual_seed(seed)
    config = InteractiveTransformerConfig(
        vocab_size=512, hidden_size=64, memory_length=256, fusion="none", initializer_range=0.2
    )
    model = InteractiveTransformerForCausalLM(config).eval()
    text = torch.randint(0, 512, (2, 257))

    def loss(logits: torch.Tensor) -> float:
        return float(functional.cross_entropy(logits.flatten(0, 1), text[:, 1:].flatten()))

    with torch.no_grad():
        full = model(text[:, :-1], use_cache=False).logits
        memory = model.new_memory("states")
        parts = [model(part, past_key_values=memory).logits for part in text[:, :-1].split(64, 1)]
        decoding = model.new_memory()
        steps = [model(part, past_key_values=decoding).logits for part in text[:, :-1].split(1, 1)]
    memory = model.new_memory("states")
    embedded = model.get_input_embeddings()(text[:, :128]).detach().requires_grad_()
    model(inputs_embeds=embedded[:, :64], past_key_values=memory)
    model(inputs_embeds=embedded[:, 64:], past_key_values=memory).logits.logsumexp(-1).sum().backward()
    assert embedded.grad is not None
    return {
        "loss, segments against full attention": abs(loss(torch.cat(parts, 1)) - loss(full)),
        "logits, segments against full attention": float((torch.cat(parts, 1) - full).abs().max()),
        "logits, token by token against full forward": float((torch.cat(steps, 1) - full).abs().max()),
        "gradient that reaches the segment before": float(embedded.grad[:, :64].abs().max()),
        "gradient in the segment itself": float(embedded.grad[:, 64:].abs().max()),
    }
