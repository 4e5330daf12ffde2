"""The network of the Chinese tracker: characters in context, slots by their words, what a turn does to each slot.

A stack of residual convolutions and two layers of self-attention read the last reply and the message; each slot asks
of the text by attention what becomes of it, sees the slots beside it, and tags the characters that are its values.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from services.tracker.chinese.turns import FACTS, MARKS, MEETINGS, PAIRS, SYSTEM_CHARACTERS, USER_CHARACTERS, Batch

OPERATIONS = ("keep", "drop", "said", "taken", "stretched")
"""What a turn does to a slot: nothing; it goes; the message says it; it is what the reply offered; its limit moves."""
OUTSIDE, BEGIN, INSIDE = range(3)
WIDTH, HEADS = 128, 4
_CHARACTER, _PAIR = 96, 48
_MEET = 48


class _Convolution(nn.Module):
    def __init__(self, dilation: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.convolution = nn.Conv1d(WIDTH, WIDTH, 3, padding=dilation, dilation=dilation)
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        inner = self.norm(hidden) * mask[..., None]
        inner = self.convolution(inner.transpose(1, 2)).transpose(1, 2)
        return hidden + self.dropout(functional.gelu(inner))  # type: ignore[no-any-return]


class ChineseNetwork(nn.Module):
    """Scores of a batch of turns: operations [rows, slots, 5] and tags [rows, slots, length, 3]."""

    def __init__(self, characters: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.characters = nn.Embedding(characters, _CHARACTER, padding_idx=0)
        self.pairs = nn.Embedding(PAIRS, _PAIR, padding_idx=0)
        nn.init.zeros_(self.pairs.weight)  # pairs that training does not meet say nothing
        self.places = nn.Embedding(max(SYSTEM_CHARACTERS, USER_CHARACTERS) + 2, WIDTH)
        self.segments = nn.Embedding(3, WIDTH)
        for table in (self.places, self.segments):
            nn.init.normal_(table.weight, std=0.1)
        self.enter = nn.Linear(_CHARACTER + _PAIR + MARKS, WIDTH)
        self.dropout = nn.Dropout(dropout)
        self.convolutions = nn.ModuleList(_Convolution(dilation, dropout) for dilation in (1, 2, 4, 1))
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(WIDTH, HEADS, 2 * WIDTH, dropout, "gelu", batch_first=True, norm_first=True)
            for _ in range(2)
        )
        self.leave = nn.LayerNorm(WIDTH)
        self.slot = nn.Sequential(
            nn.Linear(2 * _CHARACTER + _PAIR + FACTS, 2 * WIDTH), nn.GELU(), nn.Dropout(dropout),
            nn.Linear(2 * WIDTH, WIDTH),
        )  # fmt: skip
        self.ask, self.answer, self.tell = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.ask_met = nn.Linear(MEETINGS, HEADS)
        self.text_met, self.slot_met = nn.Linear(WIDTH, _MEET), nn.Linear(WIDTH, _MEET)
        self.text_like, self.slot_like = nn.Linear(WIDTH, _MEET), nn.Linear(WIDTH, _MEET)
        self.met = nn.Linear(MEETINGS, _MEET)
        self.tag = nn.Sequential(nn.Linear(2 * _MEET, _MEET), nn.ReLU(), nn.Linear(_MEET, 3))
        self.heard = nn.Sequential(nn.Linear(2 * WIDTH + FACTS + 2 * MEETINGS + 4, WIDTH), nn.GELU())
        self.decide = nn.Sequential(
            nn.Linear(4 * WIDTH, WIDTH), nn.GELU(), nn.Dropout(dropout), nn.Linear(WIDTH, len(OPERATIONS))
        )

        for weights in (self.tag, self.decide):  # nothing said and nothing changed, to begin with
            bias = weights.get_parameter(f"{len(weights) - 1}.bias")
            nn.init.zeros_(bias)
            nn.init.constant_(bias[:1], 4.0)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """(operations, tags), unnormalised."""
        hidden = self._read(batch)
        slots = self._slots(batch)
        tags = self._tags(batch, hidden, slots)
        return self._operations(batch, hidden, slots, tags), tags

    def _read(self, batch: Batch) -> Tensor:
        parts = (self.characters(batch.characters), self.pairs(batch.pairs), batch.marks)
        hidden = self.enter(self.dropout(torch.cat(parts, -1)))
        hidden = hidden + self.places(batch.places) + self.segments(batch.segments)
        for convolution in self.convolutions:
            hidden = convolution(hidden, batch.mask)
        for layer in self.layers:
            hidden = layer(hidden, src_key_padding_mask=~batch.mask)
        return self.leave(hidden)  # type: ignore[no-any-return]

    def _slots(self, batch: Batch) -> Tensor:
        def mean(table: nn.Embedding, ids: Tensor) -> Tensor:
            known = (ids > 0).float()
            return table(ids).sum(-2) / known.sum(-1, keepdim=True).clamp(min=1)  # type: ignore[no-any-return]

        words = (
            mean(self.characters, batch.service_words),
            mean(self.characters, batch.slot_words),
            mean(self.pairs, batch.slot_pairs),
            batch.facts,
        )
        return self.slot(torch.cat(words, -1))  # type: ignore[no-any-return]

    def _tags(self, batch: Batch, hidden: Tensor, slots: Tensor) -> Tensor:
        met = self.text_met(hidden)[:, None] + self.slot_met(slots)[:, :, None] + self.met(batch.meetings)
        like = self.text_like(hidden)[:, None] * self.slot_like(slots)[:, :, None]
        return self.tag(torch.cat((functional.relu(met), like), -1))  # type: ignore[no-any-return]

    def _operations(self, batch: Batch, hidden: Tensor, slots: Tensor, tags: Tensor) -> Tensor:
        rows, count, length = batch.meetings.shape[:3]
        head = (HEADS, WIDTH // HEADS)
        ask = self.ask(slots).view(rows, count, *head).transpose(1, 2)
        answer = self.answer(hidden).view(rows, length, *head).transpose(1, 2)
        tell = self.tell(hidden).view(rows, length, *head).transpose(1, 2)
        scores = ask @ answer.transpose(-1, -2) / head[1] ** 0.5
        scores = scores + self.ask_met(batch.meetings).permute(0, 3, 1, 2)
        scores = scores.masked_fill(~batch.mask[:, None, None], -1e4)
        heard = (scores.softmax(-1) @ tell).transpose(1, 2).reshape(rows, count, WIDTH)
        inside = tags[..., BEGIN] - tags[..., OUTSIDE]
        in_user = batch.segments[:, None] == 2
        in_system = batch.segments[:, None] == 1
        said = [inside.masked_fill(~where, -10).amax(-1) for where in (in_user, in_system)]
        sizes = torch.stack([*said, *(score.sigmoid() for score in said)], -1)
        met = [(batch.meetings * where[..., None]).amax(2) for where in (in_user, in_system)]
        own = self.heard(torch.cat((heard, slots, batch.facts, *met, sizes), -1))
        beside = batch.beside @ own / batch.beside.sum(-1, keepdim=True).clamp(min=1)
        known = batch.slot_mask[..., None].float()
        everywhere = (own * known).sum(1, keepdim=True) / known.sum(1, keepdim=True)
        most = own.masked_fill(~batch.slot_mask[..., None], -10).amax(1, keepdim=True)
        around = (everywhere.expand_as(own), most.expand_as(own))
        return self.decide(torch.cat((own, beside, *around), -1))  # type: ignore[no-any-return]
