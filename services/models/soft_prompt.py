"""The projector: states of the sentence encoder become soft tokens in a language model's input (Lester et al. 2021).

An item (a filled slot of the dialogue state, a fact, a passage) is read by the sentence encoder; the states of every
`stride` WordPieces are averaged, and each average v becomes one soft token::

    s = scale · n(W v + U gelu(V n(v)))

n is a root-mean-square norm without weights, so that a soft token is as long as a word's embedding is. Learned marker
tokens open a source's items. U starts at zero and W as the least-squares map from averages to the mean embedding of
the words they stand for (`fit`): an untrained projector says what it can in the language model's own words.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.nn import functional as F

FORMAT = "antiphon-projector-1"
_ABOUT = "antiphon"
_CACHED_ITEMS = 2_048


class BadProjector(ValueError):
    """The file is no projector of a format that this code reads, or it stands on other models."""


class StateEncoder(Protocol):
    """The part of a sentence encoder that a projector needs."""

    name: str

    def states(self, texts: Sequence[str]) -> list[Tensor]: ...


@dataclass(frozen=True)
class ProjectorConfig:
    """What a projector is made for: `size` of the encoder's states, `hidden_size` of the language model, WordPieces a
    soft token, most soft tokens of an item, most items, and the content hash of the base model it was trained on."""

    source: str
    size: int
    hidden_size: int
    inner: int = 384
    markers: int = 4
    stride: int = 2
    most_tokens: int = 8
    most_items: int = 16
    base_version: str = ""
    encoder: str = ""

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> ProjectorConfig:
        """The config that `asdict` wrote."""
        return cls(**document)


class SoftPrompt(nn.Module):
    """One source's projector."""

    def __init__(self, config: ProjectorConfig) -> None:
        super().__init__()
        self.config = config
        self.markers = nn.Parameter(0.1 * torch.randn(config.markers, config.hidden_size))
        self.direct = nn.Linear(config.size, config.hidden_size)
        self.up = nn.Linear(config.size, config.inner)
        self.down = nn.Linear(config.inner, config.hidden_size, bias=False)
        self.scale = nn.Parameter(torch.tensor(0.1))
        nn.init.zeros_(self.down.weight)

    def tokens(self, averages: Tensor) -> Tensor:
        """Soft tokens `[n, hidden_size]` of averages `[n, size]`, without the markers."""
        inner = F.gelu(self.up(F.rms_norm(averages, averages.shape[-1:])))
        mixed = self.direct(averages) + self.down(inner)
        return self.scale * F.rms_norm(mixed, mixed.shape[-1:])

    def forward(self, items: Sequence[Tensor]) -> Tensor:
        """The markers and then every item's soft tokens `[markers + n, hidden_size]`; nothing for no items.

        `items` are averages `[n_i, size]` (see `ItemReader`); those beyond `most_items` are left out, the first ones
        kept.
        """
        kept = [one for one in items if len(one)][: self.config.most_items]
        if not kept:
            return self.markers[:0]
        return torch.cat([self.markers, self.tokens(torch.cat(kept).float())])

    @torch.no_grad()
    def fit(self, averages: Tensor, targets: Tensor, markers: Tensor, scale: float, penalty: float = 1.0) -> float:
        """Set W by ridge regression of `targets: [n, hidden_size]` on `averages: [n, size]`, and the markers.

        Answers the share of the targets' variance that W explains.
        """
        mean, goal = averages.mean(0), targets.mean(0)
        x, y = (averages - mean).double(), (targets - goal).double()
        gram = x.T @ x + penalty * torch.eye(x.shape[1], dtype=torch.float64)
        weight = torch.linalg.solve(gram, x.T @ y).float()
        self.direct.weight.copy_(weight.T)
        self.direct.bias.copy_(goal - mean @ weight)
        self.markers.copy_(markers[torch.arange(len(self.markers)) % len(markers)])
        self.scale.fill_(scale)
        left = (y.float() - x.float() @ weight).pow(2).sum()
        return float(1 - left / y.float().pow(2).sum())


def averaged(states: Tensor, stride: int, most: int) -> Tensor:
    """Averages `[n, size]` over every `stride` of `states: [pieces, size]`; over more of a long text's, so that there
    are at most `most`."""
    if not len(states):
        return states
    stride = max(stride, -(-len(states) // most))
    return torch.stack([part.mean(0) for part in torch.split(states, stride)])


class ItemReader:
    """Texts to a projector's averages; each text is read by itself, so that its vectors do not depend on company.
    Thread-safe; remembers what it read last."""

    def __init__(self, encoder: StateEncoder) -> None:
        self._encoder = encoder
        self._known: OrderedDict[tuple[str, int, int], Tensor] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, texts: Sequence[str], config: ProjectorConfig) -> list[Tensor]:
        """Averages `[n_i, size]` of each text, `most_items` texts at most."""
        return [self._one(text, config.stride, config.most_tokens) for text in texts[: config.most_items]]

    def _one(self, text: str, stride: int, most: int) -> Tensor:
        key = (text, stride, most)
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                self._known.move_to_end(key)
                return known
        made = averaged(self._encoder.states([text])[0], stride, most)
        with self._lock:
            self._known[key] = made
            while len(self._known) > _CACHED_ITEMS:
                self._known.popitem(last=False)
        return made


def write_projector(projector: SoftPrompt) -> bytes:
    """The projector as one safetensors file with its config in the header; the same weights give the same bytes."""
    about = {"format": FORMAT, "config": asdict(projector.config)}
    tensors = {name: tensor.detach().half().contiguous() for name, tensor in sorted(projector.state_dict().items())}
    return save(tensors, {_ABOUT: json.dumps(about, sort_keys=True)})


def projector_id(content: bytes) -> str:
    """A projector's version: the first 32 hexadecimal digits of its file's SHA-256."""
    return hashlib.sha256(content).hexdigest()[:32]


def read_projector(content: bytes, base_version: str = "", encoder: str = "") -> SoftPrompt:
    """The projector in a file, in evaluation mode, fp32.

    Raises:
        BadProjector: not such a file, other tensors than its config says, or (where they are given) a projector for
            another base model or of another sentence encoder's states.
    """
    try:
        size = int.from_bytes(content[:8], "little")
        if size > min(len(content), 10_000_000):
            raise ValueError("the header is longer than the file")
        about = json.loads(json.loads(content[8 : 8 + size])["__metadata__"][_ABOUT])
        if about["format"] != FORMAT:
            raise ValueError(f"its format is {about['format']!r}")
        config = ProjectorConfig.from_json(about["config"])
        projector = SoftPrompt(config)
        projector.load_state_dict({name: tensor.float() for name, tensor in load(content).items()})
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError, SafetensorError) as error:
        raise BadProjector(f"no projector: {error}") from error
    if base_version and config.base_version != base_version:
        raise BadProjector(f"the projector stands on base model {config.base_version}, not {base_version}")
    if encoder and config.encoder != encoder:
        raise BadProjector(f"the projector reads states of {config.encoder}, not {encoder}")
    if not all(bool(torch.isfinite(tensor).all()) for tensor in projector.state_dict().values()):
        raise BadProjector("the projector holds numbers that are not finite")
    return projector.eval().requires_grad_(False)
