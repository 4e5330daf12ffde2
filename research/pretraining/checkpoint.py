"""A training run's state on disk, in safetensors and JSON alone: stop anywhere, go on exactly there."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

OPTIMIZER = "optimizer."
CARRIED = "carried."
RANDOM = "random"


def save_checkpoint(
    folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer, step: int, carried: dict[str, Tensor]
) -> None:
    """Write weights, optimiser moments, the random state and what the task carries (memory, position).

    The new state is complete before it takes the old one's place, so that a kill leaves one of the two.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors: dict[str, Tensor] = {f"model.{name}": value.data for name, value in model.named_parameters()}
    for index, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"{OPTIMIZER}{index}.{name}": torch.as_tensor(value) for name, value in moments.items()}
    tensors |= {CARRIED + name: value for name, value in carried.items()}
    tensors[RANDOM] = torch.get_rng_state()
    partial = folder / "state.partial"
    metadata = {"step": str(step)}
    save_file({k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}, str(partial), metadata)
    os.replace(partial, folder / "state.safetensors")


def load_checkpoint(
    folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[int, dict[str, Tensor]] | None:
    """Restore model, optimiser and random state; (next step, what the task carried), or None without a state."""
    path = folder / "state.safetensors"
    if not path.exists():
        return None
    tensors = load_file(str(path))
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(tensors[f"model.{name}"])
    state: dict[int, dict[str, Any]] = {}
    for name, value in tensors.items():
        if name.startswith(OPTIMIZER):
            index, moment = name.removeprefix(OPTIMIZER).split(".", 1)
            state.setdefault(int(index), {})[moment] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    torch.set_rng_state(tensors[RANDOM])
    carried = {k.removeprefix(CARRIED): v for k, v in tensors.items() if k.startswith(CARRIED)}
    return int(header["__metadata__"]["step"]), carried
