"""The configuration of the interactive transformer: the mission's exact model and every option beside it."""

from __future__ import annotations

from typing import Any, Literal

from huggingface_hub.dataclasses import strict
from transformers import PreTrainedConfig

Positions = Literal["absolute", "relative"]
LayerForm = Literal["residual", "literal"]
FeedbackEncoderKind = Literal["mean", "contextual", "attended"]
Fusion = Literal["none", "literal", "general", "gated"]


@strict
class InteractiveTransformerConfig(PreTrainedConfig):
    """What an interactive transformer is made of. `mission()` gives the model of the mission, word for word.

    Sizes
        vocab_size, hidden_size, num_hidden_layers, num_attention_heads, intermediate_size (0: 4 x hidden).
        max_position_embeddings: rows of the absolute position table; relative positions need none, for them it is
            only what a server takes for the longest prompt.
        initializer_range: deviation of new weights (0: 1/sqrt(hidden_size); the usual 0.02 leaves a model of a few
            hundred units on its first plateau for hundreds of steps).

    Context
        positions: "absolute" sinusoids added to the embedding (Vaswani et al. 2017, section 3.5), or "relative"
            (Transformer-XL, Dai et al. 2019, section 3.3), which is what recurrence needs: with absolute
            positions the same number would stand for a token of this segment and one of the last.
        memory_length: states m kept per layer from the segments before (Transformer-XL, section 3.2); 0: none.
        attention_window: keys each token may look at, itself included (sparse, windowed attention); 0: all there
            are. With 0 < window <= memory_length + 1, how text is cut into segments changes no result.
        layer_form: "residual" is LayerNorm(x + Attention), LayerNorm(x + FFN(x)); "literal" is the mission's
            h~ = SelfAttention(h, memory), h = LayerNorm(h~ + FFN(h~)), without the attention's residual.
        num_unique_layers: sets of layer weights, used in turn over the depth (0: one per layer; 1: all shared).

    Interaction
        feedback_encoder: "mean" of the feedback's embeddings, then a linear layer (the mission's); "contextual":
            the same mean over the states of a small bidirectional encoder; "attended": one attention head per
            step over those states, so that the vector can change as the reply is written.
        feedback_layers: layers of that bidirectional encoder.
        fusion: "literal" tanh(h + v); "general" tanh(W_h h + W_f v + b); "gated" h + U tanh(W_h n(h) + W_f v + b)
            with a zero-initialised U, which leaves a row without feedback exactly as it was; "none".
        state_size, knowledge_size: widths of the dialogue-state vector concatenated to the model's input and of
            the knowledge vectors fused into it; 0: the model has no such input.
    """

    model_type = "interactive_transformer"
    keys_to_ignore_at_inference = ["past_key_values"]  # noqa: RUF012  transformers' form

    vocab_size: int = 4096
    hidden_size: int = 256
    num_hidden_layers: int = 4
    num_attention_heads: int = 4
    intermediate_size: int = 0
    max_position_embeddings: int = 1024
    dropout: float = 0.0
    initializer_range: float = 0.0
    layer_norm_eps: float = 1e-5

    positions: Positions = "relative"
    memory_length: int = 128
    attention_window: int = 0
    layer_form: LayerForm = "residual"
    num_unique_layers: int = 0

    feedback_encoder: FeedbackEncoderKind = "attended"
    feedback_layers: int = 1
    fusion: Fusion = "gated"
    state_size: int = 0
    knowledge_size: int = 0

    use_cache: bool = True
    tie_word_embeddings: bool = True
    bos_token_id: int | None = None
    eos_token_id: int | list[int] | None = None
    pad_token_id: int | None = None

    def __post_init__(self, **kwargs: Any) -> None:
        """Fill in the sizes that follow from others."""
        self.intermediate_size = self.intermediate_size or 4 * self.hidden_size
        self.initializer_range = self.initializer_range or self.hidden_size**-0.5
        self.num_unique_layers = self.num_unique_layers or self.num_hidden_layers
        super().__post_init__(**kwargs)

    def validate_architecture(self) -> None:
        """Refuse combinations that cannot be built; called by transformers on creation and on saving."""
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(
                f"hidden_size {self.hidden_size} is no multiple of num_attention_heads {self.num_attention_heads}"
            )
        if self.hidden_size % 2:
            raise ValueError(f"hidden_size must be even for sinusoidal positions, not {self.hidden_size}")
        if not 1 <= self.num_unique_layers <= self.num_hidden_layers:
            raise ValueError(f"num_unique_layers must lie in 1..{self.num_hidden_layers}, not {self.num_unique_layers}")
        if min(self.memory_length, self.attention_window, self.state_size, self.knowledge_size) < 0:
            raise ValueError("memory_length, attention_window, state_size and knowledge_size cannot be negative")

    @property
    def embedding_deviation(self) -> float:
        """Deviation of a new token embedding: 1 (PyTorch's own), 1/sqrt(hidden_size) where it is the output's, too."""
        return float(self.hidden_size**-0.5) if self.tie_word_embeddings else 1.0

    @classmethod
    def mission(
        cls, vocab_size: int, hidden_size: int, num_layers: int, num_heads: int, max_len: int, **options: Any
    ) -> InteractiveTransformerConfig:
        """The mission's model: absolute positions, no memory, mean feedback encoder, tanh(h + v), own output layer.

        `max_len` is the most tokens a row may have. `options` override single fields.
        """
        exact: dict[str, Any] = {
            "positions": "absolute",
            "memory_length": 0,
            "layer_form": "residual",
            "feedback_encoder": "mean",
            "fusion": "literal",
            "tie_word_embeddings": False,
        }
        return cls(
            vocab_size=vocab_size,
            hidden_size=hidden_size,
            num_hidden_layers=num_layers,
            num_attention_heads=num_heads,
            max_position_embeddings=max_len,
            **(exact | options),
        )
