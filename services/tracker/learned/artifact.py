"""The trained tracker as one file (`int8_rows`): what training changed; the rest is in the wheel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor
from torch.nn import Module

from services.models.int8_rows import read_int8
from services.tracker.learned.joint import JointNetwork
from services.tracker.learned.network import Network

DEFAULT = Path(__file__).parents[2] / "models" / "weights" / "tracker" / "tracker.safetensors"


class ArtifactError(ValueError):
    """The file is missing, not a tracker's weights, or not of this network."""


def load(path: Path = DEFAULT) -> tuple[Network, dict[str, Any]]:
    """The network with the published encoder and the file's weights over it, ready to serve; and `about`.

    Raises ArtifactError when there is no such file or it does not fit the network.
    """
    if not path.exists():
        raise ArtifactError(f"{path}: no tracker weights; `python -m research.tracker.train --export` writes them")
    weights, about = read_int8(path)
    network = JointNetwork() if about.get("joint") else Network()
    network.start()
    _fit(network, weights, path)
    return network, about


def put(network: Module, path: Path) -> dict[str, Any]:
    """Puts a file's weights into a network and makes it ready to serve; returns what was saved with them.

    Raises ArtifactError when there is no such file or it does not fit the network.
    """
    if not path.exists():
        raise ArtifactError(f"{path}: there are no weights")
    weights, about = read_int8(path)
    _fit(network, weights, path)
    return about


def _fit(network: Module, weights: dict[str, Tensor], path: Path) -> None:
    own = dict(network.named_parameters())
    for name, tensor in weights.items():
        if name not in own or own[name].shape != tensor.shape:
            raise ArtifactError(f"{path}: {name} {tuple(tensor.shape)} does not fit the network")
    network.load_state_dict(weights, strict=False)
    network.eval().requires_grad_(False)
