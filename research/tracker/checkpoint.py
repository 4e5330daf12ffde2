"""A training run's state on disk: weights, their running average, the optimiser and how far it came."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

Learned = list[tuple[str, torch.nn.Parameter]]


def save(
    out: Path,
    learned: Learned,
    average: Mapping[str, Tensor],
    optimiser: torch.optim.Optimizer,
    progress: Mapping[str, float],
) -> None:
    """Writes `last.safetensors`, `average.safetensors` and `progress.json` to `out`.

    Each is written beside the old one and renamed, so that a kill leaves one of them whole.
    """
    tensors = {f"w.{name}": weight.detach().clone() for name, weight in learned}
    tensors |= {f"a.{name}": weight.clone() for name, weight in average.items()}
    for number, (_, weight) in enumerate(learned):
        for name, tensor in optimiser.state[weight].items():
            tensors[f"o.{number}.{name}"] = tensor.clone()
    metadata = {"progress": json.dumps(dict(progress))}
    save_file(tensors, out / "last.tmp", metadata)
    (out / "last.tmp").rename(out / "last.safetensors")
    save_file({name: weight.contiguous() for name, weight in average.items()}, out / "average.tmp", metadata)
    (out / "average.tmp").rename(out / "average.safetensors")
    (out / "progress.tmp").write_text(json.dumps(dict(progress)))
    (out / "progress.tmp").rename(out / "progress.json")


def resume(
    out: Path, network: torch.nn.Module, learned: Learned, optimiser: torch.optim.Optimizer
) -> tuple[dict[str, Tensor], dict[str, float]] | None:
    """Puts the newest checkpoint of `out` back; returns the average and the progress, None without one."""
    if not (out / "progress.json").exists():
        return None
    progress = json.loads((out / "progress.json").read_text())
    tensors = load_file(out / "last.safetensors")
    weights = {name[2:]: tensor for name, tensor in tensors.items() if name.startswith("w.")}
    network.load_state_dict(weights, strict=False)
    for number, (_, weight) in enumerate(learned):
        prefix = f"o.{number}."
        found = {name[len(prefix) :]: tensor for name, tensor in tensors.items() if name.startswith(prefix)}
        if found:
            optimiser.state[weight] = found
    return {name[2:]: tensor for name, tensor in tensors.items() if name.startswith("a.")}, progress
