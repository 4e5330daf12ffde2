"""What a token costs in arithmetic, so that models are compared at equal compute and not at equal steps."""

from __future__ import annotations

from services.models.interactive_transformer.config import InteractiveTransformerConfig


def forward_flops(config: InteractiveTransformerConfig, segment: int, memory: int, keep_states: bool = True) -> float:
    """Floating-point operations of one token's forward pass, in a segment of `segment` after `memory` tokens.

    A product of [m, k] and [k, n] counts 2mkn. keep_states: keys and values of the memory are projected anew, as
    in training. Embedding look-ups, norms and soft-max are left out; masked products are counted, for they are
    computed. The distances' projection is shared by all rows of a batch and left out.
    """
    size, keys = config.hidden_size, segment + memory
    projected = keys / segment if keep_states else 1.0
    projections = 2 * size * size * (2 + 2 * projected)  # query, output; key and value of all keys
    products = 2 * size * keys * (3 if config.positions == "relative" else 2)  # content, distance, values
    feed_forward = 2 * 2 * size * config.intermediate_size
    return config.num_hidden_layers * (projections + products + feed_forward) + 2 * size * config.vocab_size


def training_flops(config: InteractiveTransformerConfig, segment: int, memory: int) -> float:
    """The same for a training step: forward, and a backward of twice that (Kaplan et al. 2020, section 2.1)."""
    return 3 * forward_flops(config, segment, memory)
