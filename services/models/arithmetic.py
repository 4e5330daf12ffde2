"""Which arithmetic this machine's CPU has."""

from __future__ import annotations

from functools import cache

import torch

_BF16 = ("avx512_bf16", "amx_bf16", "bf16")


@cache
def computes_in_bf16() -> bool:
    """Whether the CPU multiplies bfloat16 numbers itself; where it does not, fp32 is several times faster."""
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name) for name in _BF16)


def half_or_float() -> torch.dtype:
    """bfloat16 where the CPU computes in it, else float32."""
    return torch.bfloat16 if computes_in_bf16() else torch.float32
