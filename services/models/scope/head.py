"""The trained judge of two messages: the probability that the second asks what the first asked.

A set network (Zaheer et al. 2017, "Deep Sets", theorem 2): every word of both messages is looked at with what the other
side has for it, sums and maxima of what was seen meet what can be said of the pair as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from services.models.scope.features import PAIR_FEATURES, WORD_FEATURES, Features, pair_features
from services.models.scope.reading import Reading

WEIGHTS = Path(__file__).parents[1] / "weights" / "scope" / "scope.safetensors"
_PROJECTED = 24
_SEEN = 48


class ScopeHead(nn.Module):
    """Judges pairs; `dimensions` are those of the sentence encoder's states."""

    def __init__(self, dimensions: int = 384) -> None:
        super().__init__()
        self.project = nn.Linear(dimensions, _PROJECTED, bias=False)
        self.word = nn.Sequential(
            nn.Linear(WORD_FEATURES + 2 * _PROJECTED, 64), nn.GELU(), nn.Linear(64, _SEEN), nn.GELU()
        )
        self.pair = nn.Sequential(
            nn.Linear(2 * _SEEN + PAIR_FEATURES, 64), nn.GELU(), nn.Dropout(0.1), nn.Linear(64, 1)
        )

    def forward(self, words: Tensor, own: Tensor, other: Tensor, real: Tensor, pair: Tensor) -> Tensor:
        """Logits `[pairs]` of `words: [pairs, words, WORD_FEATURES]`, `own`, `other: [pairs, words, dimensions]`,
        `real: [pairs, words]` (1 where a word stands) and `pair: [pairs, PAIR_FEATURES]`."""
        mine, theirs = self.project(own), self.project(other)
        seen = self.word(torch.cat([words, mine * theirs * 20, (mine - theirs).abs() * 4], -1)) * real[..., None]
        most = seen.masked_fill(real[..., None] == 0, float("-inf")).amax(1)
        most = torch.where(torch.isfinite(most), most, torch.zeros_like(most))
        logits: Tensor = self.pair(torch.cat([seen.sum(1) / 8, most, pair], -1))
        return logits[:, 0]

    def probabilities(self, triples: Sequence[tuple[Reading, Reading, Reading]]) -> list[float]:
        """For each (message, corrected question, its reply) the probability that it asks the same."""
        return self.judged([pair_features(*triple) for triple in triples])

    @torch.inference_mode()
    def judged(self, features: Sequence[Features]) -> list[float]:
        """As `probabilities`, of pairs whose features are there."""
        if not features:
            return []
        answers: list[float] = torch.sigmoid(self(*collate(features))).tolist()
        return answers

    @classmethod
    def load(cls, file: Path = WEIGHTS) -> ScopeHead:
        """The head that `research.scope.train` left in a file. Raises FileNotFoundError, RuntimeError."""
        weights = load_file(file)
        head = cls(weights["project.weight"].shape[1])
        head.load_state_dict(weights)
        return head.eval()

    def save(self, file: Path) -> None:
        """Write the weights."""
        save_file({name: value.detach().contiguous() for name, value in self.state_dict().items()}, file)


def collate(features: Sequence[Features]) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Features of pairs as `ScopeHead.forward` takes them, padded to the longest."""
    longest = max(1, max(len(words) for words, *_ in features))
    dimensions = features[0][1].shape[1]
    words = torch.zeros(len(features), longest, WORD_FEATURES)
    own = torch.zeros(len(features), longest, dimensions)
    other = torch.zeros(len(features), longest, dimensions)
    real = torch.zeros(len(features), longest)
    for row, (seen, mine, theirs, _) in enumerate(features):
        count = len(seen)
        words[row, :count] = torch.from_numpy(seen)
        own[row, :count] = torch.from_numpy(mine)
        other[row, :count] = torch.from_numpy(theirs)
        real[row, :count] = 1
    return words, own, other, real, torch.stack([torch.from_numpy(pair) for *_, pair in features])
