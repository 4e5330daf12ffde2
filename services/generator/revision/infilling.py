"""Sentences that the model writes into the draft before: for what must be in it and no rule can bring in.

At each of a few places of the draft, one sentence with the missing phrases is written: the draft up to there is the
beginning of the reply, the include boost brings the phrases in, and the rest of the draft follows the sentence. What
the reader had is kept, and which place reads best is a question of the feedback-aware score. Infilling as of Zhu et
al. 2019 (Text Infilling) with the constrained decoding of Hokamp and Liu 2017 inside the gap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from services.common.constraints import Constraint, check, replacement
from services.common.text_measures import count_phrase
from services.generator.engine import DraftRequest
from services.generator.revision.rule_edits import said, shaped

TOKENS = 64
"""Most tokens of a sentence that is written into a draft."""
_ONE_SENTENCE = Constraint("length", "", "sentences", None, 1, "comment")


@dataclass(frozen=True, slots=True)
class Gap:
    """A place in a draft: its pieces before and after, between which a sentence is missing."""

    before: tuple[str, ...]
    after: tuple[str, ...]

    def filled(self, sentence: str) -> list[str]:
        """The draft's pieces with the sentence in its place, set off from the one before as others are."""
        *earlier, last = self.before
        space = last[len(last.rstrip()) :]
        sentence = sentence.strip()
        if sentence.split(maxsplit=1)[:1] == sentence.lower().split(maxsplit=1)[:1]:  # but "iPhone" stays
            sentence = sentence[:1].upper() + sentence[1:]
        return [*earlier, f"{last.rstrip()} ", f"{sentence}{space or ' '}", *self.after]


def missing(constraints: Sequence[Constraint], text: str) -> tuple[str, ...]:
    """The phrases that must be in a text and are not."""
    phrases = [
        constraint.value
        for constraint in constraints
        if constraint.kind in ("must_include", "keep") and not constraint.unit and constraint.max != 0
    ]
    phrases += [replacement(constraint)[1] for constraint in constraints if constraint.kind == "replace"]
    return tuple(dict.fromkeys(phrase.strip() for phrase in phrases if not count_phrase(phrase.strip(), text)))


def gaps(draft: str, constraints: Sequence[Constraint]) -> list[Gap]:
    """Places for a sentence: the draft's end, after its first sentence, before its last, and in its middle; none
    where the draft lacks no phrase, or must lose too much of what it says."""
    parts = said(draft, constraints)
    if not parts or not missing(constraints, "".join(parts)):
        return []
    count = len(parts)
    places = [at for at in (count, 1, count - 1, count // 2) if at > 0]
    return [Gap(tuple(parts[:at]), tuple(parts[at:])) for at in dict.fromkeys(places)]


def sentence_request(
    request: DraftRequest, key: str, gap: Gap, constraints: Sequence[Constraint], encode: Callable[[str], Sequence[int]]
) -> DraftRequest:
    """What asks the engine for the sentence in a gap of the reply that `request` asks for."""
    phrases = missing(constraints, "".join((*gap.before, *gap.after)))
    settings = replace(
        request.settings,
        include=phrases,
        constraints=(_ONE_SENTENCE,),
        max_new_tokens=min(TOKENS, request.settings.max_new_tokens),
    )
    tail = request.tail + tuple(encode("".join(gap.before).rstrip()))
    return replace(request, key=key, tail=tail, settings=settings)


def infilled(
    gap: Gap, sentence: str, constraints: Sequence[Constraint], message: str, fits: Callable[[str], bool]
) -> str | None:
    """The draft with the sentence in the gap and in the shape that the constraints ask for; the last pieces are left
    out until it fits. None where it does not meet all of them."""
    parts = gap.filled(sentence)
    while len(parts) > len(gap.before) + 1 and not fits("".join(parts).strip()):
        parts = parts[:-1]
    text = shaped(parts, constraints, message)
    return text if text and fits(text) and all(check(constraint, text) for constraint in constraints) else None
