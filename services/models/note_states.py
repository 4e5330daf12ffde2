"""Notes for the fusion head: one attention head of the decoder's state over the notes' token states.

A note's token i is known by what stands there, just before and shortly before it, and offers the token that follows
(a pointer in the manner of See et al. 2017, over token states that need no run of the language model)::

    k_i = W_k [e(x_i); e(x_{i-1}); mean e(x_{i-7} … x_i)]      v_s = Σ_i softmax_i(q(h)·k_i) e(x_{i+1})

with embeddings e of the base model, centred and scaled, and one place for "none of them" whose value is zero. The
gated source of `services.models.fusion` makes v_s a change of the hidden state. What has been said already is not
counted: the decoder's state is all that knows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from services.models.fusion import FusionConfig, FusionHead, Source

NAME = "knowledge"
READER = "notes-1"
MOST = 512
"""Tokens of notes that are attended over; what is beyond them is left out."""
_WIDTH = 64
_WINDOW = 8
_SCALE = 0.5


def note_ids(encode: Callable[[str], list[int]], line: str) -> tuple[int, ...]:
    """A note's token ids as they stand in the middle of a text."""
    return tuple(encode(f" {line}"))


class NoteReader(nn.Module):
    """Keys and values of notes, and the attention over them."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.query = nn.Linear(hidden, _WIDTH)
        self.key = nn.Linear(3 * hidden, _WIDTH, bias=False)
        self.none = nn.Parameter(torch.zeros(()))

    def prepared(self, features: Tensor, following: Tensor) -> Tensor:
        """What a row carries, `[MOST, width + H + 1]`: keys, values and whether a token is there; from `features:
        [n, 3H]` and `following: [n, H]`."""
        kept = min(len(features), MOST)
        made = torch.zeros(MOST, _WIDTH + following.shape[1] + 1)
        made[:kept, :_WIDTH] = self.key(features[:kept])
        made[:kept, _WIDTH:-1] = following[:kept]
        made[:kept, -1] = 1.0
        return made

    def attend(self, normed: Tensor, carried: Tensor) -> Tensor:
        """v_s `[rows, H]` of `normed: [rows, H]` over `carried: [rows, n, width + H + 1]`."""
        keys, values, there = carried[..., :_WIDTH], carried[..., _WIDTH:-1], carried[..., -1]
        scores = torch.einsum("rd,rnd->rn", self.query(normed), keys) * _WIDTH**-0.5
        scores = scores.masked_fill(there < 0.5, -torch.inf)
        scores = torch.cat([scores, self.none.expand(len(scores), 1)], 1)
        weights = scores.softmax(1)[:, :-1]
        return torch.einsum("rn,rnh->rh", weights, values)


class NoteFeatures:
    """Token ids of notes to what a reader attends over, from the base model's embedding table `[vocabulary, H]`."""

    def __init__(self, embedding: Tensor) -> None:
        table = embedding.float()
        table = table - table.mean(0)
        self._table = (_SCALE * table / table.pow(2).mean(1, keepdim=True).sqrt().clamp_min(1e-6)).half()

    def of(self, notes: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """(features `[n, 3H]`, following `[n, H]`) of all tokens but each note's last."""
        parts = [self._one(torch.tensor(one)) for one in notes if len(one) > 1]
        if not parts:
            size = self._table.shape[1]
            return torch.zeros(0, 3 * size), torch.zeros(0, size)
        return torch.cat([part[0] for part in parts]), torch.cat([part[1] for part in parts])

    def _one(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        rows = self._table[ids].float()
        sums = torch.cat([torch.zeros(1, rows.shape[1]), rows.cumsum(0)])
        places = torch.arange(1, len(ids))
        first = (places - _WINDOW).clamp_min(0)
        window = (sums[places] - sums[first]) / (places - first)[:, None].sqrt()
        before = torch.cat([torch.zeros(1, rows.shape[1]), rows[:-2]])
        return torch.cat([rows[:-1], before, window], 1), rows[1:]


class NoteHead(FusionHead):
    """A gated head with the one source "knowledge", whose vectors are what `NoteReader.prepared` made."""

    def __init__(self, config: FusionConfig) -> None:
        super().__init__(config)
        self.reader = NoteReader(config.hidden_size)
        self.late = {NAME: config.hidden_size}

    @property
    def attention(self) -> NoteReader:
        """The reader."""
        return self.reader

    def fuse(self, hidden: Tensor, vectors: Mapping[str, Tensor], present: Mapping[str, Tensor]) -> Tensor:
        """As `FusionHead.fuse`, with `vectors["knowledge"]: [rows, n, width + H + 1]`."""
        if NAME not in vectors:
            return hidden
        normed = nn.functional.rms_norm(hidden, hidden.shape[-1:])
        return super().fuse(hidden, {NAME: self.reader.attend(normed, vectors[NAME])}, present)


def note_head(hidden_size: int, base_version: str, inner: int) -> NoteHead:
    """An untrained head for notes: the identity."""
    sources = (Source(NAME, hidden_size, inner),)
    return NoteHead(FusionConfig(hidden_size, sources, base_version=base_version, reader=READER))
