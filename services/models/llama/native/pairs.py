"""Low-rank pairs in the order in which the native forward pass reads them."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from services.models.llama.native.library import PairFields
from services.models.llama.native.packing import LANES, PackedMatrix, address, interleave, pack
from services.models.llama.shape import LlamaShape

Pairs = Mapping[tuple[int, str], tuple[Tensor, Tensor]]
_FUSED = (("q_proj", "k_proj", "v_proj"), ("o_proj",), ("gate_proj", "up_proj"), ("down_proj",))


@dataclass(frozen=True, slots=True)
class PackedPairs:
    """One adapter: the fields of `[layers][4]` matrices, the most channels of a `down`, and the memory pointed to."""

    fields: ctypes.Array[PairFields]
    low: int
    kept: tuple[Tensor | PackedMatrix, ...]


def pack_pairs(pairs: Pairs, rank: int, shape: LlamaShape, dtype: torch.dtype) -> PackedPairs:
    """Pack `(layer, projection) -> (A: [rank, in], B: [out, rank])` in fp32 or bf16; projections that are absent stay
    as they are.

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
    kept: list[Tensor | PackedMatrix] = []
    even = rank + rank % 2
    low = 0
    fields = (PairFields * (shape.layers * len(_FUSED)))()
    for layer in range(shape.layers):
        for which, names in enumerate(_FUSED):
            if not any((layer, name) in pairs for name in names):
                continue
            downs, ups = [], []
            for name in names:
                inputs, outputs = sizes[name]
                down, up = torch.zeros(even, inputs), torch.zeros(outputs, even)
                if (layer, name) in pairs:
                    down[:rank], up[:, :rank] = pairs[(layer, name)]
                downs.append(down)
                ups.append(up)
            packed = pack(torch.cat(downs), "fp32" if dtype == torch.float32 else "bf16")
            panels = _panels(interleave(*ups) if which == 2 else torch.cat(ups), dtype)
            kept += [packed, panels]
            low = max(low, packed.n)
            fields[layer * len(_FUSED) + which] = PairFields(packed.fields, address(panels), even, len(names))
    return PackedPairs(fields, low, tuple(kept))


def _panels(up: Tensor, dtype: torch.dtype) -> Tensor:
    """`[out, rank]` in panels of 16 channels."""
    panels = up.view(-1, LANES, up.shape[1]).permute(0, 2, 1)
    if dtype == torch.float32:
        return panels.contiguous()
    return panels.reshape(len(panels), -1, 2, LANES).transpose(2, 3).to(torch.bfloat16).contiguous()
