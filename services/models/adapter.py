"""A model version's low-rank pairs for a base model's linear layers, and the safetensors file that holds them.

LoRA (Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models", equation 3): a layer computes
``W x + scale · B A x`` with ``A: [rank, in_features]``, ``B: [out_features, rank]`` and scale = alpha / rank.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, no_grad

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

FORMAT = "antiphon-version-1"
_ABOUT = "antiphon"
_WEIGHT_NAME = re.compile(r"layers\.(\d+)\.(?:\w+\.)*?(\w+)\.weight$")
_NAME = re.compile(r"layers\.(\d+)\.(\w+)\.lora_([AB])")
_PEFT_NAME = re.compile(r"layers\.(\d+)\.(?:\w+\.)*?(\w+)\.lora_([AB])(?:\.\w+)?\.weight$")


class BadVersion(ValueError):
    """The file is no version of a format that this code reads, or it stands on another base model."""


@dataclass(frozen=True)
class Adapter:
    """A version's low-rank pairs by (layer, projection), such as ``(3, "q_proj")``.

    ``pairs`` maps to ``(A: [rank, in_features], B: [out_features, rank])``; ``scale`` is already in B.
    """

    base_version: str
    rank: int
    pairs: dict[tuple[int, str], tuple[Tensor, Tensor]]

    def merged(self, tensors: Iterable[tuple[str, Tensor]]) -> Iterator[tuple[str, Tensor]]:
        """A base model's named tensors with ``B A`` added to each weight that has a pair.

        Raises: BadVersion: a pair fits no weight.
        """
        left = set(self.pairs)
        for name, tensor in tensors:
            match = _WEIGHT_NAME.search(name)
            key = (int(match[1]), match[2]) if match else None
            if key not in self.pairs:
                yield name, tensor
                continue
            a, b = self.pairs[key]
            if tensor.shape != (b.shape[0], a.shape[1]):
                raise BadVersion(f"the pair of layer {key[0]}, {key[1]} does not fit {name}")
            left.discard(key)
            yield name, (tensor.float() + b @ a).to(tensor.dtype)
        if left:
            raise BadVersion(f"the base model has no weight for layer {min(left)[0]}, {min(left)[1]}")

    def merge_into(self, module: PreTrainedModel) -> None:
        """Add the pairs to the weights of a model in place. Raises BadVersion as ``merged`` does."""
        with no_grad():
            parameters = dict(module.named_parameters())
            for name, tensor in self.merged(parameters.items()):
                if tensor is not parameters[name]:
                    parameters[name].copy_(tensor)


def version_id(weights: bytes) -> str:
    """The id of a version: the first 32 hexadecimal digits of its file's SHA-256."""
    return hashlib.sha256(weights).hexdigest()[:32]


def adapter_of(model: PeftModel, base_version: str) -> Adapter:
    """The trained pairs of a peft model.

    Raises: BadVersion: the model has other trained parts than low-rank pairs, or mixed ranks.
    """
    from peft import LoraConfig, get_peft_model_state_dict

    config = model.peft_config["default"]
    if not isinstance(config, LoraConfig):
        raise BadVersion(f"{config.peft_type} is no low-rank training")
    scale = config.lora_alpha / config.r
    tensors: dict[str, Tensor] = {}
    for name, tensor in get_peft_model_state_dict(model).items():
        match = _PEFT_NAME.search(name)
        if match is None:
            raise BadVersion(f"{name} is no low-rank pair")
        layer, projection, half = match.groups()
        value = tensor.detach().float().cpu()
        tensors[f"layers.{layer}.{projection}.lora_{half}"] = (value * scale if half == "B" else value).contiguous()
    return Adapter(base_version, config.r, read_pairs(tensors, config.r))


def write_adapter(adapter: Adapter) -> bytes:
    """The pairs as a version's file; the same pairs always give the same bytes."""
    about = {"format": FORMAT, "base_version": adapter.base_version, "rank": adapter.rank}
    return write_file(adapter_tensors(adapter), about)


def adapter_tensors(adapter: Adapter) -> dict[str, Tensor]:
    """The pairs by their names in a version's file."""
    return {
        f"layers.{layer}.{projection}.lora_{half}": tensor.contiguous()
        for (layer, projection), pair in adapter.pairs.items()
        for half, tensor in zip("AB", pair, strict=True)
    }


def write_file(tensors: dict[str, Tensor], about: dict[str, Any]) -> bytes:
    """A version's file of these tensors. What it is `about` is one entry of the header: safetensors writes several in
    random order, and the same weights must give the same bytes."""
    return save(dict(sorted(tensors.items())), {_ABOUT: json.dumps(about, sort_keys=True)})


def read_adapter(weights: bytes, base_version: str) -> Adapter:
    """The version in a file.

    Raises: BadVersion: not such a file, pairs that don't fit together, or another base model than ``base_version``.
    """
    about, tensors = read_file(weights, base_version)
    if about["format"] != FORMAT:
        raise BadVersion(f"the file's format is {about['format']!r}, not {FORMAT}")
    rank = int(about["rank"])
    return Adapter(base_version, rank, read_pairs(tensors, rank))


def read_file(weights: bytes, base_version: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """(what the header is about, tensors) of a version's file, whatever its format.

    Raises: BadVersion: no such file, or it stands on another base model than ``base_version``.
    """
    about = _metadata(weights)
    if "format" not in about:
        raise BadVersion("the file does not say what format it has")
    if about.get("base_version") != base_version:
        raise BadVersion(f"the version stands on base model {about.get('base_version')}, not {base_version}")
    try:
        return about, load(weights)
    except SafetensorError as error:
        raise BadVersion(f"the file cannot be read: {error}") from error


def read_pairs(tensors: dict[str, Tensor], rank: int) -> dict[tuple[int, str], tuple[Tensor, Tensor]]:
    """Pairs by (layer, projection). Raises BadVersion: unknown names, or halves that don't fit together."""
    halves: dict[tuple[int, str], dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        match = _NAME.fullmatch(name)
        if match is None:
            raise BadVersion(f"unknown tensor {name}")
        halves.setdefault((int(match[1]), match[2]), {})[match[3]] = tensor
    pairs: dict[tuple[int, str], tuple[Tensor, Tensor]] = {}
    for key, both in halves.items():
        if set(both) != {"A", "B"} or both["A"].shape[0] != rank or both["B"].shape[1] != rank:
            raise BadVersion(f"the pair of layer {key[0]}, {key[1]} is not complete at rank {rank}")
        pairs[key] = (both["A"], both["B"])
    return pairs


def _metadata(weights: bytes) -> dict[str, Any]:
    """What the header says about the version; a safetensors file begins with 8 bytes of length, then JSON."""
    try:
        size = int.from_bytes(weights[:8], "little")
        if size > min(len(weights), 100_000_000):
            raise ValueError("the header is longer than the file")
        found = json.loads(weights[8 : 8 + size]).get("__metadata__", {}).get(_ABOUT, "{}")
        about: dict[str, Any] = json.loads(found)
    except (ValueError, AttributeError, TypeError) as error:
        raise BadVersion(f"no safetensors file of a version: {error}") from error
    return about
