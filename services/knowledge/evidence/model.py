"""From features to a probability that means what it says: linear models, fitted and calibrated offline."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from services.knowledge.evidence.cells import RowRead
from services.knowledge.evidence.features import NAMES
from services.knowledge.evidence.meaning import MEANING

WEIGHTS = Path(__file__).parents[2] / "models" / "weights" / "evidence" / "answer.json"
Kind = Literal["read", "plain", "chinese", "plain_meaning", "chinese_meaning"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""What the models of the file are for: "read" for English with the trained reader, "plain" for other encoders and for
languages that the reader does not read, "chinese" for Chinese, and the latter two with what units mean."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class AnswerModel:
    """What the features say: which candidate is the best, and how probable it is that it answers.

    `ranking` weighs the features in the order of NAMES, with MEANING behind them where the model weighs it, into a
    score. `answering` weighs the same features and, last, the lead of the score over the best other one, into log odds
    with `bias`. Below the probability `threshold` nothing is answered; `beside` is the lead below which the next
    candidate is told as well. `cells` weighs, of a table's row, its log odds, the reader's highest logit of a cell and
    how well the best column fits, and has a bias last; without it a row's probability stays what it is.
    """

    ranking: tuple[float, ...]
    answering: tuple[float, ...]
    bias: float
    threshold: float = 0.5
    beside: float = 0.7
    cells: tuple[float, ...] = ()

    @property
    def means(self) -> bool:
        """Whether the model weighs what a unit means."""
        return len(self.ranking) > len(NAMES)

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


def fitted(file: Path = WEIGHTS) -> dict[Kind, AnswerModel]:
    """The file's models. Raises ValueError where one was fitted on other features."""
    records = json.loads(file.read_text())
    for kind in KINDS:
        if tuple(records[kind]["features"]) != features_of(kind):
            raise ValueError(f"{kind} of {file} was fitted on other features")
    return {kind: _model(records[kind]) for kind in KINDS}


def _model(record: Mapping[str, Any]) -> AnswerModel:
    return AnswerModel(
        tuple(record["ranking"]), tuple(record["answering"]), record["bias"], record["threshold"], record["beside"],
        tuple(record["cells"]),
    )  # fmt: skip


def features_of(kind: Kind) -> tuple[str, ...]:
    """The names of the features that a model weighs, in their order."""
    return (*NAMES, *MEANING) if kind.endswith("meaning") else NAMES


@dataclass(frozen=True)
class AnswerModels:
    """A model by the language of the question. `read` goes by the reader's logits too and is for English, the language
    that the reader reads; None where there is no reader."""

    read: AnswerModel | None
    plain: AnswerModel
    chinese: AnswerModel

    @classmethod
    def load(cls, *, with_reader: bool, with_meaning: bool) -> AnswerModels:
        """The fitted models. Raises ValueError where one was fitted on other features."""
        models = fitted()
        read = models["read"] if with_reader else None
        if with_meaning:
            return cls(read, models["plain_meaning"], models["chinese_meaning"])
        return cls(read, models["plain"], models["chinese"])

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
