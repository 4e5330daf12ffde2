"""The feedback encoder: a reader's steps as the vectors of a fusion head's sources.

Three sources, since one mean over all words cannot tell "mention X, not Y" from "mention Y, not X":

- "feedback": the mean embedding of the comment's words, with the aspects asked, met, and where the draft stands;
- "include": the mean embedding of the tokens that are wanted next, their flags, and the comment's mean;
- "exclude": the same of the tokens to keep out.

Embeddings are the base model's own, centred and scaled; the head's linear layers make v_f of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from services.models.feedback_reader import ASPECTS, FLAGS, PLACE, READER, FeedbackReader, Step
from services.models.fusion import FusionConfig, Source

LATE = {"feedback": len(ASPECTS) + PLACE}
"""By source, how many of its last entries change with every token: what is met, and where the draft stands."""
_SCALE = 0.5
_KEPT = 16  # phrases' vectors of one draft


class FeedbackVectors:
    """Makes a head's input for one base model from its embedding table `[vocabulary, H]`, of which `mean` is the mean
    row. The table may lie in its file: rows are read when they are asked for."""

    def __init__(self, embedding: Tensor, mean: Tensor | None = None) -> None:
        self._embedding = embedding
        self._mean_row = embedding.float().mean(0) if mean is None else mean
        self.hidden_size = embedding.shape[1]

    def comment(self, ids: Sequence[int]) -> Tensor:
        """The comment's mean embedding `[H]`, at the scale of a single word's; zero for none."""
        if not ids:
            return torch.zeros(self.hidden_size)
        return self._mean(ids) * min(3.0, math.sqrt(len(ids)))

    def phrases(self, ids: Sequence[int], flags: Sequence[float], comment: Tensor) -> Tensor:
        """The vector of "include" or "exclude" `[D]`; there must be ids."""
        return torch.cat([self._mean(ids), torch.tensor(flags), comment])

    def _rows(self, ids: Sequence[int]) -> Tensor:
        """The words' vectors `[ids, H]`: centred, and of one length."""
        rows = self._embedding[list(ids)].float() - self._mean_row
        return (_SCALE * rows / rows.pow(2).mean(1, keepdim=True).sqrt().clamp_min(1e-6)).half().float()

    def _mean(self, ids: Sequence[int]) -> Tensor:
        return self._rows(ids).mean(0)

    def batch(self, steps: Sequence[Step], comments: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """(vectors `[rows, D_s]`, present `[rows]`) of many steps; `comments: [rows, H]`."""
        vectors = {"feedback": torch.cat([comments, torch.tensor([one.aspects for one in steps])], 1)}
        present = {"feedback": torch.ones(len(steps), dtype=torch.bool)}
        for name, ids, flags in (
            ("include", [one.wanted for one in steps], [one.wanted_flags for one in steps]),
            ("exclude", [one.avoided for one in steps], [one.avoided_flags for one in steps]),
        ):
            counts = torch.tensor([len(one) for one in ids])
            flat = [token for one in ids for token in one]
            rows = torch.repeat_interleave(torch.arange(len(ids)), counts)
            total = torch.zeros(len(ids), self.hidden_size).index_add_(0, rows, self._rows(flat))
            vectors[name] = torch.cat([total / counts.clamp_min(1)[:, None], torch.tensor(flags), comments], 1)
            present[name] = counts > 0
        return vectors, present


class DraftVectors:
    """One draft's vectors, step by step: what a fusion head is given while the draft is written."""

    def __init__(self, encoder: FeedbackVectors, reader: FeedbackReader) -> None:
        self._encoder = encoder
        self._reader = reader
        self._comment = encoder.comment(reader.comment_ids)
        self._fixed: Tensor | None = None
        self._phrases: dict[object, Tensor] = {}
        self._made: tuple[object, dict[str, Tensor]] = (None, {})

    def __call__(self, generated: Sequence[int]) -> tuple[dict[str, Tensor], Sequence[float]]:
        """The sources present before the token that follows `generated`, each with its vector `[D]`, and the `LATE`
        entries, for which the vectors have zeros. The same objects while they have not changed."""
        step = self._reader.step(generated)
        late = step.aspects[len(ASPECTS) :]
        told = (step.wanted, step.wanted_flags, step.avoided, step.avoided_flags)
        if told != self._made[0]:
            if self._fixed is None:
                asked = torch.tensor(step.aspects[: len(ASPECTS)])
                self._fixed = torch.cat([self._comment, asked, torch.zeros(len(late))])
            made = {"feedback": self._fixed}
            for name, ids, flags in (("include", *told[:2]), ("exclude", *told[2:])):
                if ids:
                    made[name] = self._phrase(name, ids, flags)
            self._made = (told, made)
        return self._made[1], late

    def _phrase(self, *key: Any) -> Tensor:
        """The vector of wanted or unwanted tokens; the one made before where they return."""
        if key not in self._phrases:
            if len(self._phrases) == _KEPT:
                self._phrases.clear()
            self._phrases[key] = self._encoder.phrases(key[1], key[2], self._comment)
        return self._phrases[key]


def head_config(hidden_size: int, base_version: str, inner: int = 384) -> FusionConfig:
    """A gated head over this encoder's sources."""
    copied = 2 * hidden_size + FLAGS
    return FusionConfig(
        hidden_size,
        (
            Source("feedback", hidden_size + 2 * len(ASPECTS) + PLACE, inner),
            Source("include", copied, hidden_size),
            Source("exclude", copied, hidden_size),
        ),
        base_version=base_version,
        reader=READER,
    )


def literal_config(hidden_size: int, base_version: str) -> FusionConfig:
    """The literal formula over the "feedback" source alone."""
    size = hidden_size + 2 * len(ASPECTS) + PLACE
    return FusionConfig(hidden_size, (Source("feedback", size, hidden_size),), "literal", base_version, READER)
