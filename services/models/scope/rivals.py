"""Weighs a correction against its rival: what the knowledge base itself has for the message.

People put a question in words that share nothing with the corrected one, and neighbours share nearly all. What tells
them apart is often the knowledge base: it answers most neighbours and few messages about what had to be corrected.
Where it does not answer, this judge alone decides; where it does, the head of the scope must agree, and nothing of what
excludes one another (days, sizes, opening and closing) may differ.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.models.encoder_files import Vectors
from services.models.scope.features import PAIR_NAMES

WEIGHTS = Path(__file__).parents[1] / "weights" / "scope" / "rivals.json"
FEATURES = (
    "logit", "likeness", "lead", "property cosine", "missing of message", "missing of question", "numbers", "class",
    "names", "answered", "answered logit", "answered likeness", "probability",
)  # fmt: skip
_MOST = 6.0
_OF_PAIR = ("property cosine", "missing of message", "missing of question", "numbers", "class", "names")
_PLACES = [PAIR_NAMES.index(name) for name in _OF_PAIR]
_CLASS = PAIR_NAMES.index("class")  # both name another member of a class, such as a day
_ALONE = 0.3  # the likeness of a rival correction where there is none


@dataclass(frozen=True)
class Rival:
    """What the knowledge base has for a message: whether it answers, and how probably what it found does."""

    answered: bool
    probability: float


POSSIBLE = (None, *(Rival(answered, probability) for answered in (False, True) for probability in (0.0, 1.0)))
"""Rivals between which every one weighs: a probability counts by a logistic model, and so in one direction."""


def rival_of(evidence: Mapping[str, Any] | None) -> Rival | None:
    """What the knowledge base has for a message that asks one thing, in the language that this was learned in, of what
    the evidence step made of the message (as JSON). None for others, and where the base was not asked."""
    evidence = evidence or {}
    answers = [answer for answer in evidence.get("answers", ()) if answer["kind"] != "chat"]
    if len(answers) != 1 or evidence.get("language") != "en":
        return None
    return Rival(answers[0]["verdict"] in ("answered", "several"), float(answers[0]["probability"]))


@dataclass(frozen=True)
class RivalModel:
    """A logistic model over FEATURES."""

    weights: tuple[float, ...]
    bias: float

    @classmethod
    def load(cls, file: Path = WEIGHTS) -> RivalModel:
        """What `research.scope.rivals` left in a file. Raises FileNotFoundError, ValueError for other features."""
        stored = json.loads(file.read_text())
        if tuple(stored["features"]) != FEATURES:
            raise ValueError(f"{file} was fitted on other features")
        return cls(tuple(map(float, stored["weights"])), float(stored["bias"]))

    def probabilities(self, rows: Vectors) -> list[float]:
        """That the message belongs to each correction: `rows: [corrections, len(FEATURES)]`."""
        found: list[float] = (1 / (1 + np.exp(-(rows @ np.array(self.weights) + self.bias)))).tolist()
        return found

    def weighed(
        self, probabilities: Sequence[float], pairs: Sequence[Vectors], likeness: Sequence[float], rival: Rival
    ) -> list[float]:
        """As `probabilities`, of what the head made of each correction; arguments as of `rival_features`."""
        found = self.probabilities(rival_features(probabilities, pairs, likeness, rival))
        return [
            _agreed(head, own, pair, rival.answered)
            for head, own, pair in zip(probabilities, found, pairs, strict=True)
        ]


def _agreed(head: float, own: float, pair: Vectors, answered: bool) -> float:
    if answered and pair[_CLASS]:
        return 0.0
    return min(head, own) if answered else own


def rival_features(
    probabilities: Sequence[float], pairs: Sequence[Vectors], likeness: Sequence[float], rival: Rival
) -> Vectors:
    """FEATURES of a message held against corrections, `[corrections, len(FEATURES)]`: the head's `probabilities`, its
    features of each pair as a whole, and the cosines by which the corrections were chosen."""
    rows = []
    for at, (probability, pair, like) in enumerate(zip(probabilities, pairs, likeness, strict=True)):
        bounded = min(max(probability, 1e-6), 1 - 1e-6)
        logit = float(np.clip(np.log(bounded / (1 - bounded)), -_MOST, _MOST))
        others = max((other for place, other in enumerate(likeness) if place != at), default=_ALONE)
        answered = float(rival.answered)
        rows.append(
            [
                logit,
                like,
                like - max(others, _ALONE),
                *pair[_PLACES].tolist(),
                answered,
                answered * logit,
                answered * like,
                rival.probability,
            ]
        )
    return np.array(rows, np.float32).reshape(-1, len(FEATURES))
