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
FLUENT = 1.0
"""Nats per token from which on a draft counts as strained: greedy replies of small models have 0.6, drawn ones 1."""
STRAINED = 0.5
"""What being strained costs, of a met constraint."""
_DISTINCT = 0.5
_ECHO = 0.6
_SHARED = 0.15
_CONTENT = 4  # letters of a word that says what a text is about
_ABOUT_THE_WORD = re.compile(r"\bthe (?:word|phrase|term)s? .{1,60}? (?:is|are|was|means|has been|must)\b", re.I)


@dataclass(frozen=True, slots=True)
class RevisionContext:
    """What a draft answers: the message, what the reader said, the draft that they said it of, and the drafts that
    did not satisfy them already."""

    message: str = ""
    feedback: str = ""
    draft: str = ""
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """A draft judged: how many constraints it misses, whether it is degenerate or strained, and the score of all."""

    value: float
    missed: int
    degenerate: bool
    strained: bool = False

    @property
    def perfect(self) -> bool:
        """Nothing could be much better about it."""
        return not self.missed and not self.degenerate and not self.strained


def score(
    draft: FinishedDraft,
    constraints: Sequence[Constraint],
    weight: float,
    context: RevisionContext | None = None,
    read: float | None = None,
) -> Score:
    """log P(y) / |y|^0.7 + weight · (constraints met − degenerate − strained / 2); the length power of Wu et al. 2016
    (section 7) in its simplest form. With the `context`, parroting, straying and what was refused before count as
    degenerate. `read` is the reply's log-likelihood in the conversation that its reader has (None: as it was written),
    which decides what is strained and takes the place of log P(y)."""
    met = sum(check(constraint, draft.text) for constraint in constraints)
    bad = degenerate(draft) or (
        context is not None and (draft.text in context.refused or astray(draft.text, constraints, context))
    )
    tokens = max(1, len(draft.token_ids))
    likelihood = draft.log_likelihood if read is None else read
    strained = (context is not None or read is not None) and -likelihood / tokens > FLUENT
    value = likelihood / tokens**LENGTH_POWER + weight * (met - bad - STRAINED * strained)
    return Score(value, len(constraints) - met, bad, strained)


def degenerate(draft: FinishedDraft) -> bool:
    """Empty, cut off at its length, repeating itself, or a sentence about the wanted word instead of with it."""
    said = [word.lower() for word in words(draft.text)]
    if not said or draft.finish_reason == "length":
        return True
    pairs = list(pairwise(said))
    if len(pairs) >= 8 and len(set(pairs)) < _DISTINCT * len(pairs):
        return True
    return _ABOUT_THE_WORD.search(draft.text) is not None


def astray(text: str, constraints: Sequence[Constraint], context: RevisionContext) -> bool:
    """Whether a draft, apart from the phrases it was told to hold, says nothing, repeats what it was told, or shares
    next to no word with the message and the draft before it."""
    if any(constraint.kind == "language" or constraint.value.startswith("one_of:") for constraint in constraints):
        return False
    text = text.lower()
    for constraint in constraints:
        if constraint.kind in ("start", "end", "must_include", "keep") and constraint.value:
            text = text.replace(constraint.value.lower(), " ")
    own = words(text)
    if not own:
        return True
    given = set(pairwise(words(context.feedback.lower()))) | set(pairwise(words(context.message.lower())))
    pairs = list(pairwise(own))
    if len(own) < 40 and pairs and sum(pair in given for pair in pairs) > _ECHO * len(pairs):
        return True
    known = _content(context.message) | _content(context.draft)
    subjects = _content(text)
    return bool(known) and len(subjects & known) < _SHARED * max(1, len(subjects))


def _content(text: str) -> set[str]:
    """The beginnings of the words that say what a text is about, so that inflections count as the same."""
    return {word[: _CONTENT + 1] for word in words(text.lower()) if len(word) >= _CONTENT}
