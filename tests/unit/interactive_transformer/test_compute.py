"""The arithmetic that equal compute rests on, counted by torch as well; and the scoring of replies."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from research.eval.interactive_feedback import ReplyScore, difference, per_token, shuffled
from research.pretraining.triples import Triple
from services.models.interactive_transformer import (
    InteractiveTransformerConfig,
    InteractiveTransformerForCausalLM,
)
from services.models.interactive_transformer.compute import forward_flops


@pytest.mark.parametrize("positions", ["relative", "absolute"])
@pytest.mark.parametrize("memory", [0, 24])
def test_flops_are_those_that_torch_counts(positions: str, memory: int) -> None:
    config = InteractiveTransformerConfig(
        vocab_size=100,
        hidden_size=32,
        num_hidden_layers=2,
        memory_length=memory,
        positions=positions,
        fusion="none",
    )
    model, rows = InteractiveTransformerForCausalLM(config).eval(), 3
    carried = model.new_memory("states")
    model(torch.zeros(rows, memory or 1, dtype=torch.long), past_key_values=carried)
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(rows, 16, dtype=torch.long), past_key_values=carried if memory else None, use_cache=False)
    shared = 2 * 32 * 32 * (16 + memory) * 2 if positions == "relative" else 0  # distances: once for all rows
    counted = (counter.get_total_flops() - shared) / (rows * 16)
    assert counted == pytest.approx(forward_flops(config, 16, memory))


def test_shuffled_feedback_is_never_a_triples_own() -> None:
    triples = [Triple("q", "d", str(number), "r", "made") for number in range(30)]
    said = shuffled(triples, seed=2)
    assert sorted(said) == sorted(t.feedback for t in triples)
    assert all(comment != triple.feedback for comment, triple in zip(said, triples, strict=True))


def test_differences_are_per_token_and_their_interval_holds_them() -> None:
    left = [ReplyScore(10.0 + number % 3, 10, 2.0, 1) for number in range(40)]
    right = [ReplyScore(12.0 + number % 3, 10, 5.0, 1) for number in range(40)]
    assert per_token(left) == pytest.approx(sum(10.0 + n % 3 for n in range(40)) / 400)
    assert difference(left, right) == pytest.approx((-0.2, -0.2, -0.2))
    assert difference(left, right, copied=True)[0] == pytest.approx(-3.0)
