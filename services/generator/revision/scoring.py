"""The feedback-aware score of a finished draft, by which candidates are compared."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from services.common.constraints import Constraint, check
from services.common.text_measures import pieces, sentence_ended, words
from services.generator.engine import FinishedDraft
from services.generator.revision.source_check import unsourced

LENGTH_POWER = 0.7
FLUENT = 1.0
"""Nats per token from which on a draft counts as strained: greedy replies of small models have 0.6, drawn ones 1."""
STRAINED = 0.5
"""What being strained costs, of a met constraint."""
_DISTINCT = 0.5
_ECHO = 0.6
_SHARED = 0.15
_CONTENT = 4  # letters of a word that says what a text is about
_MARKS = 3
_PHRASE = 4
"""Words up to which a line without a full stop is a phrase, or an answer such as "Yes" or "14 days"."""
_EMPTY_MARK = re.compile(r"(?:\[\d{1,3}\]|^\s*(?:[-*•]|\d{1,3}[.)]))\s*(?=$|\[)", re.M)
_ITEM = re.compile(r"\s*(?:[-*•·]|\d{1,3}[.)、])\s*\S")
_OPEN_END = re.compile(
    r"(?:[,;–—(£€$-]|\b(?:the|a|an|of|to|for|and|or|but|with|by|is|are|in|on|at|from|it|costs?|der|die|das|und|oder|"
    r"für|mit|von|zu|ist|le|la|les|et|ou|de|du|el|los|y|o|que))\s*$",
    re.I,
)
_RECITED = re.compile(r"^\s*\[\d{1,3}\]\s", re.M)
_ORDER = re.compile(
    r"(?:please |also |and )*(?:mention|add|say|write|tell|include|drop|remove|leave|make|put|keep|start|begin|end|"
    r"give|use|do not|don['’]t|be|answer|explain|apologi[sz]e)\b"
)
_ABOUT_THE_WORD = re.compile(r"\bthe (?:word|phrase|term)s? .{1,60}? (?:is|are|was|means|has been|must)\b", re.I)


@dataclass(frozen=True, slots=True)
class RevisionContext:
    """What a draft answers: the message, what the reader said, the draft that they said it of, and the drafts that
    did not satisfy them already.

    With `sources`, texts that values may come from, a draft with any other value is degenerate. `kept` is the draft
    before as far as rules do what was asked, for where no candidate does better.
    """

    message: str = ""
    feedback: str = ""
    draft: str = ""
    refused: tuple[str, ...] = ()
    sources: tuple[str, ...] | None = None
    kept: str = ""

    def invents(self, text: str) -> bool:
        """Whether the text has values of no source, or ends within a sentence, where sources are known."""
        if self.sources is None:
            return False
        return (
            not whole(text)
            or _RECITED.search(text) is not None
            or self._said_back(text)
            or bool(unsourced(text, self.sources))
        )

    def _said_back(self, text: str) -> bool:
        """Whether a sentence of the text is an order of the comment, in its own words."""
        comment = f" {' '.join(words(self.feedback.lower()))} "
        own = [" ".join(words(piece.lower())) for piece in pieces(text) if piece.strip() not in self.draft]
        return any(said.count(" ") >= 1 and f" {said} " in comment and _ORDER.match(said) for said in own)


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
        context is not None
        and (draft.text in context.refused or astray(draft.text, constraints, context) or context.invents(draft.text))
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
    if len(_EMPTY_MARK.findall(draft.text)) >= _MARKS or _told_often(draft.text):
        return True
    pairs = list(pairwise(said))
    if len(pairs) >= 8 and len(set(pairs)) < _DISTINCT * len(pairs):
        return True
    return _ABOUT_THE_WORD.search(draft.text) is not None


def _told_often(text: str) -> bool:
    """Whether the text says one of its sentences, or the beginning of one, three times or more."""
    counts = Counter(" ".join(words(part.lower())) for part in pieces(text))
    return any(count >= _MARKS and said for said, count in counts.items())


def whole(text: str) -> bool:
    """Whether the text ends where a sentence, an item of a list or a short phrase ends."""
    last = text.strip().splitlines()[-1] if text.strip() else ""
    if not last:
        return False
    if sentence_ended(last) or last[-1] in ':)"”»」' or _ITEM.match(last):
        return True
    return len(words(last)) <= _PHRASE and _OPEN_END.search(last) is None


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
