"""From features to a probability that means what it says: two linear models, fitted and calibrated offline."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from services.knowledge.evidence.features import NAMES

WEIGHTS = Path(__file__).parents[2] / "models" / "weights" / "evidence" / "answer.json"
WITHOUT_READER = WEIGHTS.with_name("answer_without_reader.json")
"""For other encoders than the one that the reader was trained on."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class AnswerModel:
    """What the features say: which candidate is the best, and how probable it is that it answers.

    `ranking` weighs the features in the order of NAMES into a score. `answering` weighs the same features and, last,
    the lead of the score over the best other one, into log odds with `bias`. Below the probability `threshold` nothing
    is answered; `beside` is the lead below which the next candidate is told as well.
    """

    ranking: tuple[float, ...]
    answering: tuple[float, ...]
    bias: float
    threshold: float = 0.5
    beside: float = 0.7

    @classmethod
    def load(cls, file: Path = WEIGHTS) -> AnswerModel:
        """The fitted model. Raises ValueError where it was fitted on other features."""
        record = json.loads(file.read_text())
        if tuple(record.pop("features")) != NAMES:
            raise ValueError(f"{file} was fitted on other features")
        return cls(
            tuple(record["ranking"]), tuple(record["answering"]), record["bias"], record["threshold"], record["beside"]
        )

    def weigh(self, rows: Sequence[npt.NDArray[np.float32]]) -> tuple[Floats, Floats]:
        """(score, probability of answering) of each of one question's candidates, given their features."""
        features = np.asarray(rows, np.float64)
        scores = features @ np.asarray(self.ranking)
        odds = np.hstack([features, leads(scores)[:, None]]) @ np.asarray(self.answering) + self.bias
        return scores, 1 / (1 + np.exp(-np.clip(odds, -30, 30)))


def leads(scores: Floats) -> Floats:
    """By how much each score is ahead of the best other one, cut at ±5; 5 for one that stands alone."""
    if len(scores) < 2:
        return np.full(len(scores), 5.0)
    first, second = np.partition(scores, -2)[-1], np.partition(scores, -2)[-2]
    others = np.where(scores == first, second, first)
    lead: Floats = np.clip(scores - others, -5.0, 5.0)
    return lead
