"""The evaluation's text half: losses of every arm on held-out text, the memory curve, correctness, speed."""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from services.finetune.pretraining.corpus import SegmentStream
from services.models.interactive_transformer import (
    InteractiveTransformerConfig,
    InteractiveTransformerForCausalLM,
)
from tests.eval.interactive_arms import Arm, Corpus

LANES = 4
BLOCK = 128  # tokens that are drawn together in the bootstrap
MEMORIES = [0, 16, 32, 64, 128, 256, 512]


@torch.no_grad()
def token_losses(
    model: InteractiveTransformerForCausalLM, ids: NDArray[np.int32], segment: int, memory: int
) -> NDArray[np.float64]:
    """Each token's negative log-likelihood in nats, [lanes, tokens], read in segments with `memory` states kept."""
    stream = SegmentStream(ids, LANES, segment)
    carried = model.new_memory(length=memory) if memory else None
    losses = []
    for _ in range(stream.segments):
        inputs, targets, _ = stream.next()
        logits = model(inputs, past_key_values=carried, use_cache=False).logits.float()
        losses.append(functional.cross_entropy(logits.transpose(1, 2), targets, reduction="none").numpy())
    return np.concatenate(losses, axis=1).astype(np.float64)


def blocks(losses: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Mean loss of every block of BLOCK tokens, all kinds of text in one row."""
    rows = [part[:, : part.shape[1] // BLOCK * BLOCK].reshape(-1, BLOCK).mean(1) for part in losses.values()]
    return np.concatenate(rows)


def interval(differences: NDArray[np.float64], seed: int = 0) -> tuple[float, float]:
    """95 % bootstrap interval of the mean over blocks."""
    drawn = np.random.default_rng(seed).integers(0, len(differences), (2000, len(differences)))
    low, high = np.percentile(differences[drawn].mean(1), [2.5, 97.5])
    return float(low), float(high)


def evaluate_arm(arm: Arm, model: InteractiveTransformerForCausalLM, corpus: Corpus) -> dict[str, Any]:
    """Held-out losses of one arm, by kind and in all, and the mean of each block."""
    losses = {kind: token_losses(model, ids, arm.segment, arm.memory) for kind, ids in corpus.held.items()}
    return {
        "name": arm.name,
        "parameters": model.num_parameters(),
        "loss": float(np.mean([part.mean() for part in losses.values()])),
        "by_kind": {kind: float(part.mean()) for kind, part in losses.items()},
        "blocks": blocks(losses).tolist(),
    }


def memory_curve(arm: Arm, model: InteractiveTransformerForCausalLM, corpus: Corpus) -> dict[int, float]:
    """Mean held-out loss of one trained model by the memory it is given when evaluated."""
    return {
        memory: float(np.mean([token_losses(model, ids, arm.segment, memory).mean() for ids in corpus.held.values()]))
        for memory in MEMORIES
    }


def reading_speeds(
    models: dict[str, tuple[Arm, InteractiveTransformerForCausalLM]], rounds: int = 5
) -> dict[str, float]:
    """Tokens a second of evaluation in segments, one text: all arms in turn, the median of the rounds."""
    times: dict[str, list[float]] = {name: [] for name in models}
    text = torch.randint(0, 1000, (1, 1024))
    for _ in range(rounds + 1):
        for name, (arm, model) in models.items():
            carried = model.new_memory(length=arm.memory) if arm.memory else None
            start = time.perf_counter()
            with torch.inference_mode():
                for part in text.split(arm.segment, 1):
                    model(part, past_key_values=carried, use_cache=False)
            times[name].append(time.perf_counter() - start)
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
