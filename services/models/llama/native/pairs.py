"""Low-rank pairs in the order in which the native forward pass reads them."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from services.models.llama.native.library import PairFields
from services.models.llama.native.packing import LANES, address, interleave
from services.models.llama.shape import LlamaShape

Pairs = Mapping[tuple[int, str], tuple[Tensor, Tensor]]
_FUSED = (("q_proj", "k_proj", "v_proj"), ("o_proj",), ("gate_proj", "up_proj"), ("down_proj",))


@dataclass(frozen=True, slots=True)
class PackedPairs:
    """One adapter: the fields of `[layers][4]` matrices, its rank, and the memory they point to."""

    fields: ctypes.Array[PairFields]
    rank: int
    tensors: tuple[Tensor, ...]


def pack_pairs(pairs: Pairs, rank: int, shape: LlamaShape) -> PackedPairs:
    """Pack `(layer, projection) -> (A: [rank, in], B: [out, rank])`; projections that are absent stay as they are.

    Raises:
        ValueError: a pair is for no projection of this shape.
    """
    kv, query = shape.kv_heads * shape.head_dim, shape.heads * shape.head_dim
    sizes = {
        "q_proj": (shape.hidden, query),
        "k_proj": (shape.hidden, kv),
        "v_proj": (shape.hidden, kv),
        "o_proj": (query, shape.hidden),
        "gate_proj": (shape.hidden, shape.inner),
        "up_proj": (shape.hidden, shape.inner),
        "down_proj": (shape.inner, shape.hidden),
    }
    for (layer, name), (a, b) in pairs.items():
        fits = name in sizes and layer < shape.layers
        if not fits or a.shape != (rank, sizes[name][0]) or b.shape != (sizes[name][1], rank):
            raise ValueError(f"the pair of layer {layer}, {name} does not fit the model")
    kept: list[Tensor] = []
    fields = (PairFields * (shape.layers * len(_FUSED)))()
    for layer in range(shape.layers):
        for which, names in enumerate(_FUSED):
            if not any((layer, name) in pairs for name in names):
                continue
            downs, ups = [], []
            for name in names:
                inputs, outputs = sizes[name]
                none = (torch.zeros(rank, inputs), torch.zeros(outputs, rank))
                a, b = pairs.get((layer, name), none)
                downs.append(a.float())
                ups.append(b.float())
            up = interleave(*ups) if which == 2 else torch.cat(ups)
            down = torch.cat(downs).contiguous()
            panels = up.view(-1, LANES, rank).permute(0, 2, 1).contiguous()
            kept += [down, panels]
            fields[layer * len(_FUSED) + which] = PairFields(address(down), address(panels), rank, len(names))
    return PackedPairs(fields, rank, tuple(kept))
