"""Tensors read where they lie in their file: pages of it come when they are read, and processes share them."""

from __future__ import annotations

from pathlib import Path

from safetensors import safe_open
from torch import Tensor


def map_tensor(file: Path, name: str) -> Tensor:
    """A tensor of a safetensors file in a mapping of its own: none of its pages has been read, and those that are read
    stay while the tensor lives, whatever else of the file is read and let go. Raises KeyError."""
    with safe_open(file, framework="pt") as tensors:
        if name not in tensors.keys():  # noqa: SIM118  (not a mapping)
            raise KeyError(name)
        found: Tensor = tensors.get_tensor(name)
    return found
