"""The trained tracker as one file: what training changed, as int8 with a scale per row; the rest is in the wheel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import Module

from services.tracker.learned.joint import JointNetwork
from services.tracker.learned.network import Network

DEFAULT = Path(__file__).parents[2] / "models" / "weights" / "tracker" / "tracker.safetensors"


class ArtifactError(ValueError):
    """The file is missing, not a tracker's weights, or not of this network."""


def save(weights: dict[str, Tensor], path: Path, about: dict[str, Any]) -> None:
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


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The weights of a file, int8 rows as floats again, and what `save` was told about them."""
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


def load(path: Path = DEFAULT) -> tuple[Network, dict[str, Any]]:
    """The network with the published encoder and the file's weights over it, ready to serve; and `about`.

    Raises ArtifactError when there is no such file or it does not fit the network.
    """
    if not path.exists():
        raise ArtifactError(f"{path}: no tracker weights; `python -m services.tracker.train --export` writes them")
    weights, about = read(path)
    network = JointNetwork() if about.get("joint") else Network()
    network.start()
    _fit(network, weights, path)
    return network, about


def put(network: Module, path: Path) -> dict[str, Any]:
    """Puts a file's weights into a network and makes it ready to serve; returns what `save` was told.

    Raises ArtifactError when there is no such file or it does not fit the network.
    """
    if not path.exists():
        raise ArtifactError(f"{path}: there are no weights")
    weights, about = read(path)
    _fit(network, weights, path)
    return about


def _fit(network: Module, weights: dict[str, Tensor], path: Path) -> None:
    own = dict(network.named_parameters())
    for name, tensor in weights.items():
        if name not in own or own[name].shape != tensor.shape:
            raise ArtifactError(f"{path}: {name} {tuple(tensor.shape)} does not fit the network")
    network.load_state_dict(weights, strict=False)
    network.eval().requires_grad_(False)
