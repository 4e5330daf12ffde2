"""One layer, in the usual form and in the mission's literal one, and the stack with its weight sharing."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.cache_utils import Cache

from services.models.interactive_transformer.attention import SegmentAttention
from services.models.interactive_transformer.config import InteractiveTransformerConfig


class ZeroLinear(nn.Linear):
    """A linear layer that starts at zero, so that what it adds is absent until it is trained."""


class ZeroProjection(nn.modules.linear.NonDynamicallyQuantizableLinear):
    """The same in the place of torch's own attention output, which asks for this type."""


class IdentityLinear(nn.Linear):
    """A square linear layer that starts as `scale` times the identity."""

    def __init__(self, size: int, bias: bool = True, scale: float = 1.0) -> None:
        super().__init__(size, size, bias)
        self.scale = scale


class FeedForward(nn.Module):
    """FFN(x) = W_2 gelu(W_1 x + b_1) + b_2 (Vaswani et al. 2017, equation 2, with GELU for ReLU)."""

    def __init__(self, hidden_size: int, intermediate_size: int, dropout: float) -> None:
        super().__init__()
        self.inner = nn.Linear(hidden_size, intermediate_size)
        self.outer = nn.Linear(intermediate_size, hidden_size)
        self.dropout = dropout

    def forward(self, hidden: Tensor) -> Tensor:
        """[..., hidden] -> [..., hidden]."""
        inner = functional.dropout(functional.gelu(self.inner(hidden)), self.dropout, self.training)
        return torch.as_tensor(self.outer(inner))


class ResidualLayer(nn.Module):
    """The usual form: a = LayerNorm(h + Attention(h, memory)); h' = LayerNorm(a + FFN(a)).

    Vaswani et al. 2017, section 3.1, and Transformer-XL (Dai et al. 2019), the last equations of section 3.3.
    """

    def __init__(self, config: InteractiveTransformerConfig) -> None:
        super().__init__()
        self.attention = SegmentAttention(config)
        self.attention_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.feed_forward = FeedForward(config.hidden_size, config.intermediate_size, config.dropout)
        self.output_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = config.dropout

    def forward(
        self, hidden: Tensor, mask: Tensor, distances: Tensor | None, memory: Cache | None, depth: int
    ) -> Tensor:
        """hidden [batch, segment, hidden] -> the same shape; the other arguments are SegmentAttention's."""
        attended = self.attention(hidden, mask, distances, memory, depth)
        hidden = self.attention_norm(hidden + functional.dropout(attended, self.dropout, self.training))
        inner = functional.dropout(self.feed_forward(hidden), self.dropout, self.training)
        return torch.as_tensor(self.output_norm(hidden + inner))


class LiteralLayer(nn.Module):
    """The mission's form, as written: h~ = SelfAttention(h, memory); h' = LayerNorm(h~ + FFN(h~)).

    No residual runs around the attention, so that a token's own state survives a layer only as far as the
    attention looks at itself. Kept to be measured against ResidualLayer.
    """

    def __init__(self, config: InteractiveTransformerConfig) -> None:
        super().__init__()
        self.attention = SegmentAttention(config)
        self.feed_forward = FeedForward(config.hidden_size, config.intermediate_size, config.dropout)
        self.output_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = config.dropout

    def forward(
        self, hidden: Tensor, mask: Tensor, distances: Tensor | None, memory: Cache | None, depth: int
    ) -> Tensor:
        """hidden [batch, segment, hidden] -> the same shape; the other arguments are SegmentAttention's."""
        attended = self.attention(hidden, mask, distances, memory, depth)
        inner = functional.dropout(self.feed_forward(attended), self.dropout, self.training)
        return torch.as_tensor(self.output_norm(attended + inner))


class LayerStack(nn.Module):
    """num_hidden_layers deep with num_unique_layers sets of weights, used in turn.

    Sharing weights across depth is ALBERT's (Lan et al. 2020, section 3.1) and the Universal Transformer's
    (Dehghani et al. 2019) saving of parameters; it saves no computation, and each depth keeps its own memory.
    """

    def __init__(self, config: InteractiveTransformerConfig) -> None:
        super().__init__()
        kind = ResidualLayer if config.layer_form == "residual" else LiteralLayer
        self.depth = config.num_hidden_layers
        self.unique = nn.ModuleList([kind(config) for _ in range(config.num_unique_layers)])

    def forward(self, hidden: Tensor, mask: Tensor, distances: Tensor | None, memory: Cache | None) -> Tensor:
        """hidden [batch, segment, hidden] -> the last layer's states, same shape."""
        for depth in range(self.depth):
            hidden = self.unique[depth % len(self.unique)](hidden, mask, distances, memory, depth)
        return hidden
