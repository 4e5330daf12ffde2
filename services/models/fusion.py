"""The fusion head: mixes feedback and other sources into a decoder's last hidden state, before the output layer.

Gated (the default), with one gate per source s, over the decoder's normed output h::

    h' = h + Σ_s m_s · γ_s(h, v_s) · U_s tanh(W_s^h n(h) + W_s v_s + b_s)

n is a root-mean-square norm without weights, m_s says whether the row has the source, and U_s starts at zero, so that
an untrained head and a row without any source are the identity, bit for bit. Literal: tanh(W_h h + W_f v_f + b)
with the one source "feedback", the mission's formula. What stands before the output layer is changed and nothing
else: keys and values stay valid whatever head a row uses.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.nn import functional as F

FORMAT = "antiphon-fusion-1"
SHIPPED = Path(__file__).parent / "weights" / "fusion" / "feedback.safetensors"
"""The committed head, for the bundled base model."""
_ABOUT = "antiphon"
Mode = Literal["gated", "literal"]


class BadHead(ValueError):
    """The file is no fusion head of a format that this code reads, or it stands on another base model."""


@dataclass(frozen=True)
class Source:
    """One source of a head: the size of its vectors and how many hidden units mix it in."""

    name: str
    size: int
    inner: int


@dataclass(frozen=True)
class FusionConfig:
    """What a head is made for. `base_version` is the content hash of the base model whose hidden states it knows;
    `reader` names what made the vectors it was trained with."""

    hidden_size: int
    sources: tuple[Source, ...]
    mode: Mode = "gated"
    base_version: str = ""
    reader: str = ""

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> FusionConfig:
        """The config that `asdict` wrote."""
        sources = tuple(Source(**one) for one in document["sources"])
        return cls(**{**document, "sources": sources})


class _GatedSource(nn.Module):
    """γ(h, v) · U tanh(W_h n(h) + W v + b) of one source."""

    def __init__(self, hidden: int, source: Source) -> None:
        super().__init__()
        self.state = nn.Linear(hidden, source.inner)
        self.vector = nn.Linear(source.size, source.inner, bias=False)
        self.gate = nn.Linear(hidden + source.size, 1)
        self.back = nn.Linear(source.inner, hidden, bias=False)
        with torch.no_grad():
            self.state.weight.mul_(0.1)
            nn.init.zeros_(self.state.bias)
            # The first entries of a vector pass through: a word's embedding arrives as itself and U learns its worth.
            shared = min(source.size, source.inner, hidden)
            self.vector.weight.mul_(0.1)
            self.vector.weight[:shared, :shared] += torch.eye(shared)
            nn.init.zeros_(self.gate.weight)
            nn.init.ones_(self.gate.bias)
            nn.init.zeros_(self.back.weight)  # and nothing else at zero: two zeros in a row would never learn

    def forward(self, normed: Tensor, vector: Tensor) -> Tensor:
        inner = torch.tanh(self.state(normed) + self.vector(vector))
        gate = torch.sigmoid(self.gate(torch.cat([normed, vector], -1)))
        return torch.as_tensor(gate * self.back(inner))


class _LiteralSource(nn.Module):
    """tanh(W_h h + W_f v + b); W_h starts as the identity."""

    def __init__(self, hidden: int, source: Source) -> None:
        super().__init__()
        self.state = nn.Linear(hidden, hidden)
        self.vector = nn.Linear(source.size, hidden, bias=False)
        with torch.no_grad():
            self.state.weight.copy_(torch.eye(hidden))
            nn.init.zeros_(self.state.bias)
            nn.init.normal_(self.vector.weight, std=0.02)

    def forward(self, hidden: Tensor, vector: Tensor) -> Tensor:
        return torch.tanh(self.state(hidden) + self.vector(vector))


class FusionHead(nn.Module):
    """A head over one base model's hidden size; works beside any causal language model."""

    def __init__(self, config: FusionConfig) -> None:
        super().__init__()
        if config.mode == "literal" and len(config.sources) != 1:
            raise ValueError("the literal formula has one source")
        self.config = config
        kind = _LiteralSource if config.mode == "literal" else _GatedSource
        self.sources = nn.ModuleDict({one.name: kind(config.hidden_size, one) for one in config.sources})
        self.late: Mapping[str, int] = {}
        """By source, how many of a vector's last entries change with every token; serving is told them apart."""

    def fuse(self, hidden: Tensor, vectors: Mapping[str, Tensor], present: Mapping[str, Tensor]) -> Tensor:
        """What the output layer sees.

        `hidden: [rows, H]`, `vectors[s]: [rows, D_s]`, `present[s]: [rows]` booleans. Rows without a present source
        come back with the same values; sources that the head does not know are left aside.
        """
        if self.config.mode == "literal":
            name = self.config.sources[0].name
            if name not in vectors:
                return hidden
            return torch.where(present[name][:, None], self.sources[name](hidden, vectors[name]), hidden)
        normed = F.rms_norm(hidden, hidden.shape[-1:])
        out = hidden
        for name, part in self.sources.items():
            if name in vectors:
                out = torch.where(present[name][:, None], out + part(normed, vectors[name]), out)
        return out

    def forward(self, hidden: Tensor, vectors: Mapping[str, Tensor], present: Mapping[str, Tensor]) -> Tensor:
        """As `fuse`."""
        return self.fuse(hidden, vectors, present)


def write_head(head: FusionHead) -> bytes:
    """The head as one safetensors file with its config in the header; the same weights give the same bytes."""
    about = {"format": FORMAT, "config": asdict(head.config)}
    tensors = {name: tensor.detach().half().contiguous() for name, tensor in sorted(head.state_dict().items())}
    return save(tensors, {_ABOUT: json.dumps(about, sort_keys=True)})


def head_id(content: bytes) -> str:
    """A head's version: the first 32 hexadecimal digits of its file's SHA-256."""
    return hashlib.sha256(content).hexdigest()[:32]


def read_head(content: bytes, base_version: str = "") -> FusionHead:
    """The head in a file, in evaluation mode, fp32.

    Raises:
        BadHead: not such a file, other tensors than its config says, or (if `base_version` is given) a head for
            another base model.
    """
    config = read_config(content)
    if base_version and config.base_version != base_version:
        raise BadHead(f"the head stands on base model {config.base_version}, not {base_version}")
    try:
        return load_head(config, load(content))
    except SafetensorError as error:
        raise BadHead(f"the file cannot be read: {error}") from error


def load_head(config: FusionConfig, tensors: Mapping[str, Tensor]) -> FusionHead:
    """A head of these weights, in evaluation mode, fp32.

    Raises:
        BadHead: the weights do not fit the config.
    """
    head = FusionHead(config)
    try:
        head.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    except RuntimeError as error:
        raise BadHead(f"the tensors do not fit the head's config: {error}") from error
    return head.eval().requires_grad_(False)


def read_config(content: bytes) -> FusionConfig:
    """The config in a head's file. Raises BadHead."""
    try:
        size = int.from_bytes(content[:8], "little")
        if size > min(len(content), 10_000_000):
            raise ValueError("the header is longer than the file")
        about = json.loads(json.loads(content[8 : 8 + size])["__metadata__"][_ABOUT])
        if about["format"] != FORMAT:
            raise ValueError(f"its format is {about['format']!r}")
        return FusionConfig.from_json(about["config"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadHead(f"no fusion head: {error}") from error
