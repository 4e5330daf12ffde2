"""From features to a probability that means what it says: two linear models, fitted and calibrated offline."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from services.knowledge.evidence.cells import RowRead
from services.knowledge.evidence.features import NAMES

WEIGHTS = Path(__file__).parents[2] / "models" / "weights" / "evidence" / "answer.json"
WITHOUT_READER = WEIGHTS.with_name("answer_without_reader.json")
"""For other encoders than the one that the reader was trained on, and for languages that it does not read."""
CHINESE = WEIGHTS.with_name("answer_zh.json")
"""For questions in Chinese, which the reader does not read."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class AnswerModel:
    """What the features say: which candidate is the best, and how probable it is that it answers.

    `ranking` weighs the features in the order of NAMES into a score. `answering` weighs the same features and, last,
    the lead of the score over the best other one, into log odds with `bias`. Below the probability `threshold` nothing
    is answered; `beside` is the lead below which the next candidate is told as well. `cells` weighs, of a table's row,
    its log odds, the reader's highest logit of a cell and how well the best column fits, and has a bias last; without
    it a row's probability stays what it is.
    """

    ranking: tuple[float, ...]
    answering: tuple[float, ...]
    bias: float
    threshold: float = 0.5
    beside: float = 0.7
    cells: tuple[float, ...] = ()

    @classmethod
    def load(cls, file: Path = WEIGHTS) -> AnswerModel:
        """The fitted model. Raises ValueError where it was fitted on other features."""
        record = json.loads(file.read_text())
        if tuple(record.pop("features")) != NAMES:
            raise ValueError(f"{file} was fitted on other features")
        return cls(
            tuple(record["ranking"]), tuple(record["answering"]), record["bias"], record["threshold"], record["beside"],
            tuple(record.get("cells", ())),
        )  # fmt: skip

    def weigh(self, rows: Sequence[npt.NDArray[np.float32]], sources: Sequence[str]) -> tuple[Floats, Floats]:
        """(score, probability of answering) of each of one question's candidates, given their features and the ids of
        what they were cut from."""
        features = np.asarray(rows, np.float64)
        scores = features @ np.asarray(self.ranking)
        odds = np.hstack([features, leads(scores, sources)[:, None]]) @ np.asarray(self.answering) + self.bias
        return scores, 1 / (1 + np.exp(-np.clip(odds, -30, 30)))

    def confirmed(self, probability: float, read: RowRead) -> float:
        """The probability that a row answers, now that its cells were read one by one."""
        if not self.cells:
            return probability
        of_odds, of_logit, of_fit, bias = self.cells
        odds = of_odds * log_odds(probability) + of_logit * read.logit / 4 + of_fit * read.fit + bias
        return float(1 / (1 + np.exp(-np.clip(odds, -30, 30))))


@dataclass(frozen=True)
class AnswerModels:
    """A model by the language of the question. `read` goes by the reader's logits too and is for English, the language
    that the reader reads; None where there is no reader."""

    read: AnswerModel | None
    plain: AnswerModel
    chinese: AnswerModel

    @classmethod
    def load(cls, *, with_reader: bool) -> AnswerModels:
        """The fitted models. Raises ValueError where one was fitted on other features."""
        read = AnswerModel.load(WEIGHTS) if with_reader else None
        return cls(read, AnswerModel.load(WITHOUT_READER), AnswerModel.load(CHINESE))

    def reads(self, language: str) -> bool:
        """Whether the reader reads the language."""
        return self.read is not None and language == "en"

    def of(self, language: str) -> AnswerModel:
        """The model for questions in the language."""
        if language == "zh":
            return self.chinese
        return self.read if self.read is not None and language == "en" else self.plain


def log_odds(probability: float) -> float:
    """The log odds of a probability, cut at ±8."""
    return float(np.clip(np.log(max(probability, 1e-9) / max(1 - probability, 1e-9)), -8.0, 8.0))


def leads(scores: Floats, sources: Sequence[str]) -> Floats:
    """By how much each score is ahead of the best one of another source, cut at ±5; 5 where there is no other."""
    best: dict[str, float] = {}
    for score, source in zip(scores.tolist(), sources, strict=True):
        best[source] = max(best.get(source, -np.inf), score)
    others = [max((value for name, value in best.items() if name != source), default=-np.inf) for source in sources]
    lead: Floats = np.clip(scores - np.asarray(others), -5.0, 5.0)
    return lead
