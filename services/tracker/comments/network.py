"""The comment reader's network: MiniLM with tuned upper layers, a tag for each word and flags for the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from services.models.minilm import LAYERS, WIDTH, Encoder
from services.tracker.comments.wants import FORMS, RELATIONS, TAGS, UNITS, words_of
from services.tracker.learned.wordpieces import CLS, SEP, WordPieces

SPLIT = 3
MOST_PIECES = 126
LOOKS = 4
"""What MiniLM's lower-case pieces do not show of a word: in quotation marks, capitalised, in capitals, with digits."""


@dataclass
class CommentBatch:
    """`B` comments of at most `T` pieces and `W` words."""

    tokens: Tensor  # [B, T]
    word: Tensor  # [B, T] the piece's word, W where it is none's
    looks: Tensor  # [B, T, LOOKS] of the piece's word
    mask: Tensor  # [B, W] bool, words that are there (and not cut away)


@dataclass
class CommentScores:
    """Logits for `B` comments of `W` words."""

    tags: Tensor  # [B, W, TAGS]
    units: Tensor  # [B, W, UNITS]
    relations: Tensor  # [B, W, RELATIONS]
    forms: Tensor  # [B, FORMS]


class CommentNetwork(nn.Module):
    """Reads every word of a comment in one pass; layers below `SPLIT` stay as published."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.encoder = Encoder(dropout)
        self.looks = nn.Linear(LOOKS, WIDTH, bias=False)
        self.words = nn.Linear(WIDTH, len(TAGS) + len(UNITS) + len(RELATIONS))
        self.forms = nn.Linear(2 * WIDTH, len(FORMS))

    def start(self) -> None:
        """Begins from the published encoder."""
        self.encoder.load_wheel()
        nn.init.normal_(self.looks.weight, std=0.02)

    def learned(self) -> list[tuple[str, nn.Parameter]]:
        """What training changes; the rest is frozen here."""
        self.encoder.freeze(SPLIT)
        return [(name, weight) for name, weight in self.named_parameters() if weight.requires_grad]

    def forward(self, batch: CommentBatch) -> CommentScores:
        """All scores; those of words that are not there mean nothing."""
        there = batch.tokens > 0
        with torch.no_grad():
            hidden = self.encoder.run(self.encoder.embed(batch.tokens), there, 0, SPLIT)
        hidden = self.encoder.run(hidden + self.looks(batch.looks), there, SPLIT, LAYERS).float()
        rows, count = batch.mask.shape
        at = batch.word.unsqueeze(-1)
        total = hidden.new_zeros(rows, count + 1, WIDTH).scatter_add(1, at.expand_as(hidden), hidden)
        share = hidden.new_zeros(rows, count + 1, 1).scatter_add(1, at, torch.ones_like(at, dtype=hidden.dtype))
        said = self.words((total / share.clamp(min=1.0))[:, :count]).float()
        weight = there.unsqueeze(-1).to(hidden.dtype)
        whole = torch.cat([hidden[:, 0], (hidden * weight).sum(1) / weight.sum(1)], -1)
        tags, units, relations = said.split([len(TAGS), len(UNITS), len(RELATIONS)], -1)
        return CommentScores(tags, units, relations, self.forms(whole).float())


def batch_of(texts: Sequence[str], pieces: WordPieces) -> CommentBatch:
    """Pads comments; what stands behind `MOST_PIECES` is not read."""
    read = pieces.read(texts, MOST_PIECES)
    length = max(len(one.ids) for one in read) + 2
    count = max(1, max(len(words_of(text).spans) for text in texts))
    tokens = torch.zeros(len(texts), length, dtype=torch.long)
    word = torch.full((len(texts), length), count)
    looks = torch.zeros(len(texts), length, LOOKS)
    mask = torch.zeros(len(texts), count, dtype=torch.bool)
    for row, (text, one) in enumerate(zip(texts, read, strict=True)):
        tokens[row, : len(one.ids) + 2] = torch.tensor([CLS, *one.ids, SEP])
        found = words_of(text)
        for at, (start, end) in enumerate(found.spans):
            where = one.locate(start, end)
            if where is None:
                continue
            mask[row, at] = True
            form = text[start:end]
            quoted = any(left <= start and end <= right for left, right in found.quoted)
            first, last = where[0] + 1, where[1] + 2
            word[row, first:last] = at
            looks[row, first:last] = torch.tensor(
                [quoted, form[0].isupper(), form.isupper() and len(form) > 1, any(map(str.isdigit, form))],
                dtype=torch.float,
            )
    return CommentBatch(tokens, word, looks, mask)
