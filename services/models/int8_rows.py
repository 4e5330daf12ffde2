"""Trained weights as one small safetensors file: matrices as int8 rows with a scale each, the rest as floats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor


def save_int8(weights: dict[str, Tensor], path: Path, about: dict[str, Any]) -> None:
    """Writes `weights` to `path`; matrices become int8 rows with one float scale each, the rest stays float.

    `about` is kept as JSON in the file's metadata.
    """
    tensors: dict[str, Tensor] = {}
    for name, weight in weights.items():
        if weight.ndim == 2 and weight.numel() > 4096:
            scale = weight.float().abs().amax(1).clamp(min=1e-8) / 127
            tensors[name] = torch.round(weight.float() / scale[:, None]).to(torch.int8)
            tensors[f"{name}.scale"] = scale
        else:
            tensors[name] = weight.float().contiguous()
    save_file(tensors, path, metadata={"about": json.dumps(about)})


def read_int8(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The weights of a file, int8 rows as floats again, and what `save_int8` was told about them."""
    with safe_open(path, "pt") as file:
        about = json.loads((file.metadata() or {}).get("about", "{}"))
        weights: dict[str, Tensor] = {}
        for name in file.keys():  # noqa: SIM118 - safe_open is no mapping
            if name.endswith(".scale"):
                continue
            tensor = file.get_tensor(name)
            if tensor.dtype == torch.int8:
                tensor = tensor.float() * file.get_tensor(f"{name}.scale")[:, None]
            weights[name] = tensor
    return weights, about
