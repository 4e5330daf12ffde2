"""BERT's forward pass (Devlin et al. 2019), written out over loaded weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Layer:
    """One layer's weights; norms are (weight, bias)."""

    qkv_weight: Tensor  # [3 * hidden, hidden]
    qkv_bias: Tensor
    out_weight: Tensor
    out_bias: Tensor
    out_norm: tuple[Tensor, Tensor]
    up_weight: Tensor
    up_bias: Tensor
    down_weight: Tensor
    down_bias: Tensor
    down_norm: tuple[Tensor, Tensor]


class Bert:
    """A BERT encoder for reading alone. Threads may share it.

    For one short text the module tree of a framework costs more than the products do. Rows are padded per batch, so a
    state does not depend on its company beyond rounding.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        weights: Mapping[str, Tensor],
        words: Callable[[Tensor], Tensor],
        dtype: torch.dtype,
    ) -> None:
        """`config` and the names of `weights` are those of transformers' BertModel. `words` maps piece ids
        `[rows, length]` to their vectors `[rows, length, width]`; `dtype` is what the layers compute in.

        Raises KeyError where weights are missing.
        """
        self.width: int = config["hidden_size"]
        self.positions: int = config["max_position_embeddings"]
        self.dtype = dtype
        self._heads: int = config["num_attention_heads"]
        self._eps: float = config["layer_norm_eps"]
        self._words = words
        places, segments = (weights[f"embeddings.{name}_embeddings.weight"] for name in ("position", "token_type"))
        self._places = places + segments[0]
        self._norm = (weights["embeddings.LayerNorm.weight"].clone(), weights["embeddings.LayerNorm.bias"].clone())
        self.layers = [self._read(weights, f"encoder.layer.{number}.") for number in range(config["num_hidden_layers"])]

    def tuned(self, weights: Mapping[str, Tensor]) -> Bert:
        """The same encoder with the layers of `weights` in place of its own; the rest is shared.

        Raises KeyError or IndexError where the layers are not this encoder's.
        """
        made = copy(self)
        made.layers = list(self.layers)
        for number in sorted({int(name.split(".")[2]) for name in weights if name.startswith("encoder.layer.")}):
            made.layers[number] = self._read(weights, f"encoder.layer.{number}.")
        return made

    def states(self, rows: Sequence[Sequence[int]], depth: int | None = None) -> tuple[Tensor, Tensor]:
        """(states after `depth` layers, all by default: `[rows, longest, width]`; mask `[rows, longest]`, false where a
        row has no piece) of piece ids."""
        length = max(len(ids) for ids in rows)
        ids = torch.zeros((len(rows), length), dtype=torch.long)
        mask = torch.zeros((len(rows), length), dtype=torch.bool)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = torch.tensor(row)
            mask[number, : len(row)] = True
        hidden = self._words(ids) + self._places[:length]
        hidden = F.layer_norm(hidden, (self.width,), *self._norm, self._eps).to(self.dtype)
        return self._through(self.layers[:depth], hidden, mask), mask

    def upper_states(self, hidden: Tensor, mask: Tensor, depth: int) -> Tensor:
        """The last layer's states of rows that the first `depth` layers have read: `hidden` is
        `[rows, length, width]`, `mask` `[rows, length]` is false where a row has no piece."""
        return self._through(self.layers[depth:], hidden, mask)

    def _through(self, layers: Sequence[Layer], hidden: Tensor, mask: Tensor) -> Tensor:
        attention_mask = None if bool(mask.all()) else mask[:, None, None, :]
        for layer in layers:
            hidden = self._block(hidden, layer, attention_mask)
        return hidden

    def _block(self, hidden: Tensor, layer: Layer, mask: Tensor | None) -> Tensor:
        rows, length, width = hidden.shape
        mixed = F.linear(hidden, layer.qkv_weight, layer.qkv_bias)
        query, key, value = mixed.view(rows, length, 3, self._heads, width // self._heads).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        attended = attended.transpose(1, 2).reshape(rows, length, width)
        hidden = hidden + F.linear(attended, layer.out_weight, layer.out_bias)
        hidden = F.layer_norm(hidden, (width,), *layer.out_norm, self._eps)
        inner = F.gelu(F.linear(hidden, layer.up_weight, layer.up_bias))
        hidden = hidden + F.linear(inner, layer.down_weight, layer.down_bias)
        return F.layer_norm(hidden, (width,), *layer.down_norm, self._eps)

    def _read(self, weights: Mapping[str, Tensor], prefix: str) -> Layer:
        def take(name: str) -> Tensor:
            return weights[prefix + name].to(self.dtype)

        parts = [f"attention.self.{part}" for part in ("query", "key", "value")]
        return Layer(
            qkv_weight=torch.cat([take(f"{part}.weight") for part in parts]),
            qkv_bias=torch.cat([take(f"{part}.bias") for part in parts]),
            out_weight=take("attention.output.dense.weight"),
            out_bias=take("attention.output.dense.bias"),
            out_norm=(take("attention.output.LayerNorm.weight"), take("attention.output.LayerNorm.bias")),
            up_weight=take("intermediate.dense.weight"),
            up_bias=take("intermediate.dense.bias"),
            down_weight=take("output.dense.weight"),
            down_bias=take("output.dense.bias"),
            down_norm=(take("output.LayerNorm.weight"), take("output.LayerNorm.bias")),
        )


def cut(ids: list[int], limit: int) -> list[int]:
    """At most `limit` pieces of a row; the marker at its end stays."""
    return ids if len(ids) <= limit else [*ids[: limit - 1], ids[-1]]


def mean_pooled(hidden: Tensor, mask: Tensor) -> Tensor:
    """Unit vectors, the mean of each row's states (Reimers & Gurevych 2019, section 3): float32 `[rows, width]`."""
    weight = mask.unsqueeze(-1).float()
    return F.normalize((hidden.float() * weight).sum(1) / weight.sum(1), dim=-1)
