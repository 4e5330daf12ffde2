"""Decode passes at few shapes answer as those of any shape, and write nothing but their rows' tokens."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch

from services.models.language_model import iterate_weights, load_config
from services.models.llama.forward import TorchLlama
from services.models.llama.shape import LlamaShape
from services.models.llama.slots import KeyValueSlots, Segment, Window
from services.models.llama.steady import bucket
from services.models.llama.weights import LlamaWeights

LONGEST, SLOTS = 600, 5
DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")),
]


@pytest.mark.parametrize("window", [None, Window.of(64)], ids=["all", "window"])
@pytest.mark.parametrize("device", DEVICES)
def test_rows_of_any_number_and_length(tiny_model: Path, device: str, window: Window | None) -> None:
    weights = LlamaWeights.gather(LlamaShape.of(load_config(tiny_model)), iterate_weights(tiny_model))
    any_shape = TorchLlama(weights, "fp32", LONGEST, device)
    steady = TorchLlama(weights, "fp32", LONGEST, device, steady=True)
    memories = [KeyValueSlots(weights.shape, SLOTS, LONGEST, torch.float32, device, window) for _ in range(2)]
    drawn = random.Random(3)
    lengths = [drawn.randrange(1, 90) for _ in range(SLOTS)]
    lengths[2] = 255  # the next token but one needs a longer shape
    for slot, length in enumerate(lengths):
        for start in range(0, length, 32):
            count = min(32, length - start)
            ids = [drawn.randrange(250) for _ in range(count)]
            for memory in memories:
                any_shape.hidden(any_shape.embed(ids), [Segment(slot, start, count)], memory)
    for count in (1, 2, 3, 5, 5, 4, 2, 5):
        rows = drawn.sample(range(SLOTS), count)
        segments = [Segment(slot, lengths[slot], 1) for slot in rows]
        inputs = any_shape.embed([drawn.randrange(250) for _ in rows])
        expected = any_shape.hidden(inputs, segments, memories[0])
        torch.testing.assert_close(steady.hidden(inputs, segments, memories[1]), expected, atol=1e-5, rtol=1e-5)
        for slot in rows:
            lengths[slot] += 1
    for mine, theirs in zip(
        (memories[1].keys, memories[1].values), (memories[0].keys, memories[0].values), strict=True
    ):
        torch.testing.assert_close(mine, theirs, atol=1e-5, rtol=1e-5)


def test_buckets_are_powers_of_two_of_the_least() -> None:
    assert [bucket(count, 1) for count in (1, 2, 3, 5, 64, 65)] == [1, 2, 4, 8, 64, 128]
    assert [bucket(count, 256) for count in (1, 256, 257)] == [256, 256, 512]
