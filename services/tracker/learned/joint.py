"""The joint teacher: where dialogue and schema meet, the schema is there word by word.

The accurate form and the slow one: in the upper layers a turn costs as many tokens as its schema has words. It is never
served; the tracker network learns from what it says (`research.tracker.train --teacher`).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from services.models.minilm import HEADS, LAYERS, WIDTH, Layer, attend
from services.tracker.learned.network import SPLIT, Batch, Network, Scores

BEGIN = 0.1
"""Weight of what the two sides read of each other when training begins: little, so that it begins as `Network`."""


@dataclass
class _Words:
    """Where the elements' WordPieces are: `K` in all, or padded as `[B, S, L]`."""

    states: Tensor  # [K, WIDTH]
    at: Tensor  # [K] index into the flattened padded form
    there: Tensor  # [B, S, L] bool

    def padded(self, flat: Tensor) -> Tensor:
        """`[K, n]` as `[B, S, L, n]`, zeros between."""
        rows, size, length = self.there.shape
        found = flat.new_zeros(rows * size * length, flat.shape[-1]).index_copy(0, self.at, flat)
        return found.view(rows, size, length, -1)

    def flat(self, padded: Tensor) -> Tensor:
        """`[B, S, L, n]` as `[K, n]`."""
        return padded.reshape(-1, padded.shape[-1])[self.at]


class JointNetwork(Network):
    """`Network` whose upper layers also hold every element's WordPieces, each text attending to itself.

    Dialogue and element tokens read the words and the words read them, by the same projections as their own kind and
    with a weight per layer and direction (gated cross-attention, Alayrac et al. 2022, without its tanh). At `SPLIT` an
    element's token is given the mean of its words; below it both sides are as published.
    """

    reads_texts = True

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__(dropout)
        self.pooled = nn.Linear(WIDTH, WIDTH, bias=False)
        self.gates = nn.Parameter(torch.full((LAYERS - SPLIT, 2), BEGIN))

    def start(self) -> None:
        """Begins as `Network` does, with nothing added to an element's token."""
        super().start()
        nn.init.zeros_(self.pooled.weight)

    def forward(self, batch: Batch, elements: Tensor, values: Tensor) -> Scores:
        """As `Network.forward`; needs `batch.texts`."""
        hidden = self.below(batch)
        words = self._words(batch)
        means = words.padded(words.states).float().sum(2) / words.there.sum(2, keepdim=True).clamp(min=1)
        slots = self._slots(batch, elements) + self.pooled(means)
        hidden = torch.cat([hidden, self.entry(slots).to(hidden.dtype)], dim=1)
        mask = torch.cat([batch.mask, batch.element_mask], 1)
        for layer, gates in zip(self.encoder.layers[SPLIT:], self.gates, strict=True):
            assert isinstance(layer, Layer)
            hidden = _both(layer, gates, hidden, mask, words)
        length = batch.tokens.shape[1]
        return self._scores(batch, hidden[:, :length], hidden[:, length:], values)

    @torch.no_grad()
    def _words(self, batch: Batch) -> _Words:
        assert batch.texts is not None, "the batch has no texts of its elements"
        known = self.encoder.run(self.encoder.embed(batch.texts), batch.texts > 0, 0, SPLIT)
        there = (batch.texts > 0)[batch.elements] & batch.element_mask.unsqueeze(-1)
        at = there.flatten().nonzero().squeeze(1)
        return _Words(known[batch.elements].reshape(-1, WIDTH)[at], at, there)


def _both(layer: Layer, gates: Tensor, hidden: Tensor, mask: Tensor, words: _Words) -> Tensor:
    """One layer over `hidden: [B, M, WIDTH]`, which is returned, and over the words, which are replaced."""
    rows, size, length = words.there.shape
    split = (rows, -1, 3, HEADS, WIDTH // HEADS)
    query, key, value = layer.qkv(hidden).view(*split).permute(2, 0, 3, 1, 4)
    padded = words.padded(layer.qkv(words.states))
    asked, named, told = padded.view(*split).permute(2, 0, 3, 1, 4)
    context = attend(query, key, value, mask[:, None, None])
    context = context + gates[0] * attend(query, named, told, words.there.view(rows, 1, 1, -1))
    own = padded.view(rows * size, length, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
    inner = attend(own[0], own[1], own[2], words.there.view(rows * size, 1, 1, length))
    outer = attend(asked, key, value, mask[:, None, None])
    inner = inner.transpose(1, 2).reshape(rows, size, length, WIDTH)
    outer = outer.transpose(1, 2).reshape(rows, size, length, WIDTH)
    words.states = layer.finish(words.states, words.flat(inner + gates[1] * outer))
    return layer.finish(hidden, context.transpose(1, 2).reshape(hidden.shape))
