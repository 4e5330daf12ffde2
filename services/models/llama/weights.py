"""The weights of a Llama-shaped model, fused as the forward pass wants them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from services.models.llama.shape import LlamaShape, NotLlamaShaped


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """One layer, fp32 or as stored; every matrix `[out, in]`.

    `qkv` stacks query, key and value, `gate_up` gate and up. Norms of query and key heads (Qwen 3) may be absent.
    """

    attention_norm: Tensor
    qkv: Tensor
    qkv_bias: Tensor | None
    query_norm: Tensor | None
    key_norm: Tensor | None
    output: Tensor
    output_bias: Tensor | None
    feed_norm: Tensor
    gate_up: Tensor
    down: Tensor


@dataclass(frozen=True, slots=True)
class LlamaWeights:
    """The whole model; `head` is the embedding where the two are tied."""

    shape: LlamaShape
    embedding: Tensor
    layers: tuple[LayerWeights, ...]
    norm: Tensor
    head: Tensor

    @staticmethod
    def gather(shape: LlamaShape, tensors: Iterable[tuple[str, Tensor]]) -> LlamaWeights:
        """Fuse named tensors (Hugging Face's names).

        Raises:
            NotLlamaShaped: a tensor is missing or one is there that this forward pass would ignore.
        """
        named = {name.removeprefix("model."): tensor for name, tensor in tensors if "rotary_emb" not in name}
        try:
            layers = tuple(_layer(named, f"layers.{i}.") for i in range(shape.layers))
            embedding, norm = named.pop("embed_tokens.weight"), named.pop("norm.weight")
            head = named.pop("lm_head.weight", embedding)
        except KeyError as missing:
            raise NotLlamaShaped(f"there is no tensor {missing}") from missing
        if named:
            raise NotLlamaShaped(f"unknown tensors: {', '.join(sorted(named)[:3])}")
        return LlamaWeights(shape, embedding, layers, norm, embedding if shape.tied else head)


def _layer(named: dict[str, Tensor], prefix: str) -> LayerWeights:
    def take(name: str) -> Tensor:
        return named.pop(prefix + name)

    def maybe(name: str) -> Tensor | None:
        return named.pop(prefix + name, None)

    heads = ("q", "k", "v")
    biases = [maybe(f"self_attn.{h}_proj.bias") for h in heads]
    present = [bias for bias in biases if bias is not None]
    return LayerWeights(
        attention_norm=take("input_layernorm.weight"),
        qkv=torch.cat([take(f"self_attn.{h}_proj.weight") for h in heads]),
        qkv_bias=torch.cat(present) if len(present) == len(heads) else None,
        query_norm=maybe("self_attn.q_norm.weight"),
        key_norm=maybe("self_attn.k_norm.weight"),
        output=take("self_attn.o_proj.weight"),
        output_bias=maybe("self_attn.o_proj.bias"),
        feed_norm=take("post_attention_layernorm.weight"),
        gate_up=torch.cat([take("mlp.gate_proj.weight"), take("mlp.up_proj.weight")]),
        down=take("mlp.down_proj.weight"),
    )
