"""Feedback as a vector and its fusion with the hidden state: the mission's formulas and what improves on them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from services.models.interactive_transformer.config import InteractiveTransformerConfig
from services.models.interactive_transformer.layers import IdentityLinear, ZeroLinear, ZeroProjection
from services.models.interactive_transformer.positions import sinusoids


def masked_mean(states: Tensor, mask: Tensor) -> Tensor:
    """Mean over the real tokens: states [batch, tokens, size], mask [batch, tokens] -> [batch, size].

    A row without a real token has the mean zero.
    """
    weight = mask.to(states.dtype)
    return (states * weight[..., None]).sum(1) / weight.sum(1, keepdim=True).clamp_min(1.0)


def bidirectional_layer(config: InteractiveTransformerConfig) -> nn.TransformerEncoderLayer:
    """A layer of the feedback's own encoder (Vaswani et al. 2017, section 3.1), its branches starting at zero.

    So a new encoder hands on what the feedback says (its embeddings, normed) and learns what to make of it.
    """
    size = config.hidden_size
    layer = nn.TransformerEncoderLayer(
        size,
        config.num_attention_heads,
        config.intermediate_size,
        config.dropout,
        activation="gelu",
        layer_norm_eps=config.layer_norm_eps,
        batch_first=True,
    )
    layer.self_attn.out_proj = ZeroProjection(size, size)
    layer.linear2 = ZeroLinear(config.intermediate_size, size)
    return layer


class FeedbackEncoder(nn.Module):
    """v_f from the feedback's tokens, in the three kinds of the configuration.

    "mean": v_f = W mean(E[feedback]) + b, the mission's. "contextual": the mean over the states of a small
    bidirectional encoder, for a mean of embeddings cannot tell "mention X, not Y" from "mention Y, not X".
    "attended": per step t, v_t = sum_j softmax_j(q(h_t).k(s_j)) s_j over those states (Bahdanau et al. 2015,
    section 3.1, with the dot product of Vaswani et al. 2017), then the same linear layer.
    """

    def __init__(self, config: InteractiveTransformerConfig) -> None:
        super().__init__()
        self.kind = config.feedback_encoder
        self.size = config.hidden_size
        # Starting along the identity puts v_f into the space of the (tied) output embedding, and the scale brings an
        # embedding to the size of a layer-normed state: what was mentioned becomes likelier before any training.
        self.embedding_scale = 1.0 / config.embedding_deviation
        self.linear = IdentityLinear(config.hidden_size, scale=self.embedding_scale if self.kind == "mean" else 1.0)
        if self.kind != "mean":
            self.layers = nn.ModuleList(bidirectional_layer(config) for _ in range(config.feedback_layers))
        if self.kind == "attended":
            # A zero query looks everywhere alike: the attended vector starts as the mean and learns to point.
            self.query = ZeroLinear(config.hidden_size, config.hidden_size, bias=False)
            self.key = nn.Linear(config.hidden_size, config.hidden_size, bias=False)

    def states(self, embedded: Tensor, mask: Tensor) -> Tensor:
        """Token states of the feedback: embedded [batch, tokens, hidden], mask [batch, tokens] -> same shape.

        The bidirectional encoder scales embeddings up before it adds positions (Vaswani et al. 2017, section 3.4),
        which would drown them otherwise.
        """
        if self.kind == "mean":
            return embedded
        embedded = embedded * self.embedding_scale
        places = sinusoids(torch.arange(embedded.shape[1], device=embedded.device), self.size)
        # Without a real token there is nothing to attend to: such rows look at everything and are zeroed later.
        hidden, ignored = embedded + places.to(embedded.dtype), ~(mask.bool() | ~mask.any(1, keepdim=True))
        for layer in self.layers:
            hidden = layer(hidden, src_key_padding_mask=ignored)
        return hidden

    def forward(self, hidden: Tensor, states: Tensor, mask: Tensor) -> Tensor:
        """v for the reply's states `hidden` [batch, segment, hidden]: [batch, 1 or segment, hidden].

        Rows without feedback (mask all zero) get the zero vector.
        """
        if self.kind == "attended":
            scores = self.query(hidden) @ self.key(states).transpose(-1, -2) / self.size**0.5
            scores = scores.masked_fill(~mask.bool()[:, None, :], torch.finfo(scores.dtype).min)
            vector = self.linear(torch.softmax(scores, dim=-1) @ states)
        else:
            vector = self.linear(masked_mean(states, mask))[:, None, :]
        return torch.as_tensor(vector * mask.any(1).to(vector.dtype)[:, None, None])


class LiteralFusion(nn.Module):
    """h' = tanh(h + v), the mission's interactive transformer."""

    def forward(self, hidden: Tensor, vector: Tensor | None) -> Tensor:
        """hidden [batch, segment, hidden], vector [batch, 1 or segment, hidden] or None (v = 0) -> as hidden."""
        return torch.tanh(hidden if vector is None else hidden + vector)


class GeneralFusion(nn.Module):
    """h' = tanh(W_h h + W_f v + b), the mission's fusion formula. W_h and W_f start as the identity."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.state = IdentityLinear(hidden_size)
        self.feedback = IdentityLinear(hidden_size, bias=False)

    def forward(self, hidden: Tensor, vector: Tensor | None) -> Tensor:
        """hidden [batch, segment, hidden], vector [batch, 1 or segment, hidden] or None (v = 0) -> as hidden."""
        mixed = self.state(hidden)
        return torch.tanh(mixed if vector is None else mixed + self.feedback(vector))


class GatedFusion(nn.Module):
    """h' = h + U tanh(W_h n(h) + W_f v + b) where there is feedback, h' = h where there is none.

    n is a layer norm without weights. U starts at zero, so that an untrained fusion changes nothing; so does W_h, so
    that U first learns what feedback says; W_f starts as the identity, without which nothing would ever be learned.
    """

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.state = ZeroLinear(hidden_size, hidden_size)
        self.feedback = IdentityLinear(hidden_size, bias=False)
        self.gate = ZeroLinear(hidden_size, hidden_size, bias=False)

    def forward(self, hidden: Tensor, vector: Tensor | None, present: Tensor | None = None) -> Tensor:
        """As the other fusions; present [batch] names the rows that have feedback (None: all)."""
        if vector is None:
            return hidden
        normed = functional.layer_norm(hidden, hidden.shape[-1:])
        added = self.gate(torch.tanh(self.state(normed) + self.feedback(vector)))
        if present is not None:
            added = added * present.to(added.dtype)[:, None, None]
        return torch.as_tensor(hidden + added)
