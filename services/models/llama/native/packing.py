"""Brings matrices into the order and number formats of products.h."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import torch
from torch import Tensor

from services.models.llama.native.library import MatrixFields, NativeUnavailable

LANES, GROUP = 16, 32
_MARGIN = 8192
_FORMATS = {"fp32": 0, "bf16": 1, "int8": 2, "int4": 3, "fp16": 4}


@dataclass(frozen=True, slots=True)
class PackedMatrix:
    """A matrix as the kernels read it; keeps its memory alive. `n` includes padding to whole panels."""

    fields: MatrixFields
    tensors: tuple[Tensor, ...]

    @property
    def n(self) -> int:
        """Output channels, padded."""
        return int(self.fields.n)

    @property
    def bytes(self) -> int:
        """Memory a product reads."""
        return sum(t.numel() * t.element_size() for t in self.tensors)


def pack(weight: Tensor, kernel: str, bias: Tensor | None = None) -> PackedMatrix:
    """Pack `weight: [out, in]`.

    int8: 255 steps symmetric around zero for every 32 weights (the grid of GGUF's Q8_0). int4: 16 steps between
    the least and the greatest of every 32 (the grid of Q4_1). Weights that lie on these grids are kept exactly.

    Raises:
        NativeUnavailable: the input size is no multiple of 32.
    """
    weight = weight.float()
    rows, k = weight.shape
    if k % GROUP:
        raise NativeUnavailable(f"a matrix has {k} inputs, which is no multiple of {GROUP}")
    if rows % LANES:
        weight = torch.cat([weight, weight.new_zeros(LANES - rows % LANES, k)])
    n = len(weight)
    panels = weight.view(n // LANES, LANES, k)
    scale = low = None
    if kernel in ("fp32", "fp16"):
        data = panels.permute(0, 2, 1).to(torch.float16 if kernel == "fp16" else torch.float32).contiguous()
    elif kernel == "bf16":
        data = panels.view(-1, LANES, k // 2, 2).permute(0, 2, 1, 3).to(torch.bfloat16).contiguous()
    else:
        steps, scale, low = _quantise(panels.view(-1, LANES, k // GROUP, GROUP), kernel)
        ordered = steps.view(-1, LANES, k // GROUP, 8, 4).permute(0, 2, 3, 1, 4)
        if kernel == "int4":
            ordered = ordered[:, :, :4] | (ordered[:, :, 4:] << 4)
        data = ordered.contiguous()
        scale = scale.permute(0, 2, 1).contiguous()
        low = low.permute(0, 2, 1).contiguous() if kernel == "int4" else scale[:0]
    padded = None
    if bias is not None:
        padded = torch.zeros(n)
        padded[: len(bias)] = bias
    data = _with_margin(data)
    tensors = [t for t in (data, scale, low, padded) if t is not None]
    fields = MatrixFields(_FORMATS[kernel], n, k, data.data_ptr(), address(scale), address(low), address(padded), 0)
    return PackedMatrix(fields, tuple(tensors))


def interleave(gate: Tensor, up: Tensor) -> Tensor:
    """Stack `[inner, hidden]` gate and up so that their panels alternate."""
    inner, hidden = gate.shape
    pairs = torch.stack([gate.view(-1, LANES, hidden), up.view(-1, LANES, hidden)], 1)
    return pairs.reshape(2 * inner, hidden)


def fits_int4(weight: Tensor) -> bool:
    """Whether int4 keeps the weights to within rounding, as it does where the model was shipped in Q4_1 or Q4_0."""
    weight = weight.float()
    rows, k = weight.shape
    if k % GROUP:
        return False
    groups = weight.view(rows, 1, k // GROUP, GROUP)
    steps, scale, low = _quantise(groups, "int4")
    restored = steps * scale.float()[..., None] + low.float()[..., None]
    return bool((restored - groups).abs().max() <= 1e-3 * groups.abs().max())


def address(tensor: Tensor | None) -> int | None:
    """Where a tensor lies; None for none."""
    return None if tensor is None else tensor.data_ptr()


def as_pointer(structure: ctypes.Structure) -> object:
    """The structure for a call, which keeps it alive; its bare address would outlive a structure made on the spot."""
    return ctypes.byref(structure)


def _with_margin(data: Tensor) -> Tensor:
    """The data at the beginning of a longer buffer: the kernels prefetch past the end."""
    raw = data.view(torch.uint8).flatten()
    buffer = torch.zeros(len(raw) + _MARGIN, dtype=torch.uint8)
    buffer[: len(raw)] = raw
    return buffer


def _quantise(groups: Tensor, kernel: str) -> tuple[Tensor, Tensor, Tensor]:
    """`groups: [..., 32]` to uint8 steps and fp16 scale and low `[...]`: weight ≈ scale * step + low for int4,
    scale * (step - 128) for int8."""
    if kernel == "int8":
        scale = (groups.abs().amax(-1) / 127).half()
        steps = (groups / scale.float().clamp_min(1e-8)[..., None]).round().clamp(-127, 127) + 128
        return steps.to(torch.uint8), scale, torch.zeros_like(scale)
    least, most = groups.amin(-1), groups.amax(-1)
    scale, low = ((most - least) / 15).half(), least.half()
    steps = ((groups - low.float()[..., None]) / scale.float().clamp_min(1e-8)[..., None]).round().clamp(0, 15)
    return steps.to(torch.uint8), scale, low
