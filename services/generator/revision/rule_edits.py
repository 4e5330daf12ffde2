"""The draft before, changed by rule no more than the constraints ask: a candidate that nobody has to write.

Much of what readers say of a reply leaves its content alone: capitals, no commas, fewer words, a phrase at its end. A
small model that writes the whole reply again loses what was good about it; a rule does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from services.common.constraints import Constraint, check, in_order, rewrite, unwanted_phrase
from services.common.text_measures import pieces, sentence_ended, words

_KEPT = 0.5
"""Share of its sentences that a draft must keep where words are to go."""


def amended(draft: str, constraints: Sequence[Constraint], message: str, fits: Callable[[str], bool]) -> list[str]:
    """The draft so changed that it meets all `constraints`, cut sentence by sentence until it `fits`; one text for
    each of several answers to choose from, none where no rule does that. `message` is what the draft answers; it is
    the title where one is asked for."""
    choices = [
        constraint
        for constraint in constraints
        if constraint.kind == "format" and constraint.value.startswith("one_of:")
    ]
    others = [constraint for constraint in constraints if constraint not in choices]
    parts = said(draft, constraints)
    answers = [option.strip() for constraint in choices[:1] for option in constraint.value.partition(":")[2].split("|")]
    texts = [_changed([f"{answer} ", *parts], others, message, fits) for answer in answers if answer and parts]
    if not choices:
        texts = [_changed(parts, others, message, fits)]
    return [text for text in texts if text is not None and all(check(constraint, text) for constraint in constraints)]


def shortened(draft: str, constraints: Sequence[Constraint], message: str, fits: Callable[[str], bool]) -> list[str]:
    """The amended draft without one of its pieces, or with its first ones alone, as long as half of them are kept:
    for where the whole reads badly."""
    parts = said(draft, constraints)
    if any(constraint.value.startswith("one_of:") for constraint in constraints):
        return []
    least = max(1, round(_KEPT * len(parts)))
    shorter = [parts[:at] + parts[at + 1 :] for at in range(len(parts))] + [
        parts[:at] for at in range(least, len(parts))
    ]
    texts = [_changed(fewer_parts, constraints, message, fits) for fewer_parts in shorter if len(fewer_parts) >= least]
    return [text for text in dict.fromkeys(texts) if text is not None]


def said(draft: str, constraints: Sequence[Constraint]) -> list[str]:
    """The whole pieces of a draft that say nothing unwanted; none where too few are left."""
    parts = pieces(draft)
    if len(parts) > 1 and not sentence_ended(parts[-1]):
        parts.pop()  # cut off at its length
    unwanted = [constraint for constraint in constraints if unwanted_phrase(constraint)]
    kept = [part for part in parts if all(check(constraint, part) for constraint in unwanted)]
    return kept if len(kept) >= _KEPT * len(parts) else []


def _changed(
    parts: Sequence[str], constraints: Sequence[Constraint], message: str, fits: Callable[[str], bool]
) -> str | None:
    """The pieces as all constraints want them, the last ones left out until they fit."""
    while parts:
        text = shaped(parts, constraints, message)
        if text is None or not all(check(constraint, text) for constraint in constraints):
            return None
        if fits(text):
            return text
        parts = parts[:-1]
    return None


def shaped(parts: Sequence[str], constraints: Sequence[Constraint], message: str) -> str | None:
    """What the constraints but the unwanted words make of the pieces; None: there is no rule for one of them."""
    limits = [constraint for constraint in constraints if constraint.kind == "length"]
    closing = sum(len(words(constraint.value)) for constraint in constraints if constraint.kind in ("start", "end"))
    for constraint in limits:
        if constraint.max is None or constraint.unit not in ("words", "sentences"):
            return None
        if constraint.unit == "sentences":
            parts = parts[: constraint.max - sum(other.kind == "end" for other in constraints)]
        else:
            parts = _within(parts, constraint.max - closing)
    text: str | None = "".join(parts).strip()
    for constraint in in_order(constraints):
        text = rewrite(constraint, text, message) if text else None
    return text or None


def _within(parts: Sequence[str], most: int) -> list[str]:
    kept: list[str] = []
    for part in parts:
        most -= len(re.findall(r"\w+", part))
        if most < 0:
            break
        kept.append(part)
    return kept
