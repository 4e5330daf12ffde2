"""The feedback-aware score of a finished draft, by which candidates are compared."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from services.common.constraints import Constraint, check
from services.common.text_measures import words
from services.generator.engine import FinishedDraft

LENGTH_POWER = 0.7
_DISTINCT = 0.5
_ABOUT_THE_WORD = re.compile(r"\bthe (?:word|phrase|term)s? .{1,60}? (?:is|are|was|means|has been|must)\b", re.I)


@dataclass(frozen=True, slots=True)
class Score:
    """A draft judged: how many constraints it misses, whether it is degenerate, and the score of both."""

    value: float
    missed: int
    degenerate: bool

    @property
    def perfect(self) -> bool:
        """Nothing could be better about it but its likelihood."""
        return not self.missed and not self.degenerate


def score(draft: FinishedDraft, constraints: Sequence[Constraint], weight: float) -> Score:
    """log P(y) / |y|^0.7 + weight · (constraints met − degenerate); the length power of Wu et al. 2016 (section 7)
    in its simplest form."""
    met = sum(check(one, draft.text) for one in constraints)
    bad = degenerate(draft)
    likelihood = draft.log_likelihood / max(1, len(draft.token_ids)) ** LENGTH_POWER
    return Score(likelihood + weight * (met - bad), len(constraints) - met, bad)


def degenerate(draft: FinishedDraft) -> bool:
    """Empty, cut off at its length, repeating itself, or a sentence about the wanted word instead of with it."""
    said = [word.lower() for word in words(draft.text)]
    if not said or draft.finish_reason == "length":
        return True
    pairs = list(pairwise(said))
    if len(pairs) >= 8 and len(set(pairs)) < _DISTINCT * len(pairs):
        return True
    return _ABOUT_THE_WORD.search(draft.text) is not None
