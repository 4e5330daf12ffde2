"""The linear layers in the precisions that torch offers: fp32, bf16, and quantised with scales of their own row."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

GROUP = 32


class Linear(Protocol):
    """`x: [rows, in]` to `[rows, out]` in the same dtype."""

    def __call__(self, x: Tensor) -> Tensor: ...


def make_linear(kernel: str, weight: Tensor, bias: Tensor | None, device: str) -> Linear:
    """The layer in the arithmetic of `kernel` (fp32, bf16, int8, int4)."""
    bias = None if bias is None else bias.to(device)
    if kernel in ("fp32", "bf16"):
        dtype = torch.float32 if kernel == "fp32" else torch.bfloat16
        return PlainLinear(weight.to(device, dtype), None if bias is None else bias.to(dtype))
    if kernel == "int8":
        return Int8Linear(weight, bias)
    if kernel == "int4":
        return Int4Linear(weight, bias)
    raise ValueError(f"unknown kernel {kernel}")


class PlainLinear:
    """The product in the weights' dtype."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        self._weight = weight
        self._bias = bias

    def __call__(self, x: Tensor) -> Tensor:
        return F.linear(x.to(self._weight.dtype), self._weight, self._bias).to(x.dtype)


class Int8Linear:
    """Weights int8 by output channel, activations int8 by row; the sums are exact integers, so that a row's
    result does not depend on its company."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        weight = weight.float()
        self._scale = (weight.abs().amax(1) / 127).clamp_min(1e-12)
        self._weight = (weight / self._scale[:, None]).round().to(torch.int8).t().contiguous()
        self._bias = bias

    def __call__(self, x: Tensor) -> Tensor:
        wide = x.float()
        scale = (wide.abs().amax(1, keepdim=True) / 127).clamp_min(1e-12)
        rounded = (wide / scale).round_().to(torch.int8)
        out = torch._int_mm(rounded, self._weight).float() * scale * self._scale
        if self._bias is not None:
            out = out + self._bias
        return out.to(x.dtype)


class Int4Linear:
    """Weights in 16 steps between the least and the greatest of every 32 (the grid of GGUF's Q4_1), bf16
    activations."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        rows, columns = weight.shape
        groups = weight.float().view(rows, columns // GROUP, GROUP)
        low, high = groups.amin(2), groups.amax(2)
        scale = ((high - low) / 15).clamp_min(1e-12)
        steps = ((groups - low[..., None]) / scale[..., None]).round().clamp(0, 15)
        self._packed = torch._convert_weight_to_int4pack_for_cpu(steps.view(rows, columns).int(), 1)
        middle = low + 8 * scale  # the kernel computes (step - 8) * scale + zero
        self._scales = torch.stack([scale.t(), middle.t()], 2).bfloat16().contiguous()
        self._bias = bias

    def __call__(self, x: Tensor) -> Tensor:
        out = torch._weight_int4pack_mm_for_cpu(x.bfloat16(), self._packed, GROUP, self._scales).float()
        if self._bias is not None:
            out = out + self._bias
        return out.to(x.dtype)
