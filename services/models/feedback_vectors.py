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

import torch
from torch import Tensor

from services.models.feedback_reader import ASPECTS, FLAGS, PLACE, READER, FeedbackReader, Step
from services.models.fusion import FusionConfig, Source

_SCALE = 0.5


class FeedbackVectors:
    """Makes a head's input for one base model from its embedding table `[vocabulary, H]`."""

    def __init__(self, embedding: Tensor) -> None:
        table = embedding.float()
        table = table - table.mean(0)
        self._table = (_SCALE * table / table.pow(2).mean(1, keepdim=True).sqrt().clamp_min(1e-6)).half()
        self.hidden_size = table.shape[1]

    def comment(self, ids: Sequence[int]) -> Tensor:
        """The comment's mean embedding `[H]`, at the scale of a single word's; zero for none."""
        if not ids:
            return torch.zeros(self.hidden_size)
        return self._mean(ids) * min(3.0, math.sqrt(len(ids)))

    def vectors(self, step: Step, comment: Tensor) -> dict[str, Tensor]:
        """The sources present at a step with their vectors `[D_s]`."""
        made = {"feedback": torch.cat([comment, torch.tensor(step.aspects)])}
        if step.wanted:
            made["include"] = torch.cat([self._mean(step.wanted), torch.tensor(step.wanted_flags), comment])
        if step.avoided:
            made["exclude"] = torch.cat([self._mean(step.avoided), torch.tensor(step.avoided_flags), comment])
        return made

    def _mean(self, ids: Sequence[int]) -> Tensor:
        return self._table[list(ids)].float().mean(0)

    def batch(self, steps: Sequence[Step], comments: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """(vectors `[rows, D_s]`, present `[rows]`) of many steps; `comments: [rows, H]`."""
        vectors = {"feedback": torch.cat([comments, torch.tensor([one.aspects for one in steps])], 1)}
        present = {"feedback": torch.ones(len(steps), dtype=torch.bool)}
        for name, ids, flags in (
            ("include", [one.wanted for one in steps], [one.wanted_flags for one in steps]),
            ("exclude", [one.avoided for one in steps], [one.avoided_flags for one in steps]),
        ):
            counts = torch.tensor([len(one) for one in ids])
            flat = torch.tensor([token for one in ids for token in one], dtype=torch.long)
            rows = torch.repeat_interleave(torch.arange(len(ids)), counts)
            total = torch.zeros(len(ids), self.hidden_size).index_add_(0, rows, self._table[flat].float())
            vectors[name] = torch.cat([total / counts.clamp_min(1)[:, None], torch.tensor(flags), comments], 1)
            present[name] = counts > 0
        return vectors, present


class DraftVectors:
    """One draft's vectors, step by step: what a fusion head is given while the draft is written."""

    def __init__(self, encoder: FeedbackVectors, reader: FeedbackReader) -> None:
        self._encoder = encoder
        self._reader = reader
        self._comment = encoder.comment(reader.comment_ids)

    def __call__(self, generated: Sequence[int]) -> dict[str, Tensor]:
        """The vectors before the token that follows `generated`."""
        return self._encoder.vectors(self._reader.step(generated), self._comment)


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
