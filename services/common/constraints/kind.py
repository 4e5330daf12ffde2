"""What a kind of constraint consists of: a record of functions, of which most kinds need only a few."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from services.common import text_measures as measure
from services.common.constraints.constraint import Constraint

Check = Callable[[Constraint, str], bool]
_BEGUN = 0.5
"""The most that a phrase counts before it is whole."""


@dataclass(frozen=True, slots=True)
class Wish:
    """The phrase that must occur and the phrase that must not; "" for none."""

    wanted: str = ""
    unwanted: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of constraint.

    - `check`: whether a reply meets the constraint. `verifiable`: whether `check` can tell.
    - `description`: the constraint as an order to a writer, "" for what has no plain wording.
    - `problem`: (field, reason) of what is wrong with the constraint itself, None for nothing.
    - `wish`: the phrases that it asks for and forbids.
    - `conflict`: why no reply can meet two constraints of this kind, "" where one can.
    - `slot`: a name for what a reply can have only one of, "" where it can have several.
    - `rewrite`: a reply changed by rule to meet the constraint; None where there is no rule. Its third argument is
      the message that the reply answers. `rank` orders rewrites: lists and parts first, what encloses all last.
    - `progress`: how far a reply with room for some more tokens is, between 0 and 1; what is still within reach
      counts as met.
    """

    name: str
    check: Check
    description: Callable[[Constraint], str]
    problem: Callable[[Constraint], tuple[str, str] | None] = lambda constraint: value_missing(constraint)
    wish: Callable[[Constraint], Wish] = lambda constraint: Wish()
    conflict: Callable[[Constraint, Constraint], str] = lambda earlier, later: ""
    slot: Callable[[Constraint], str] = lambda constraint: ""
    rewrite: Callable[[Constraint, str, str], str | None] | None = None
    rank: Callable[[Constraint], int] = lambda constraint: 1
    progress: Callable[[Constraint, str, int], float] | None = None
    verifiable: Callable[[Constraint], bool] = lambda constraint: True


def value_missing(constraint: Constraint) -> tuple[str, str] | None:
    """The problem of a constraint without the value that its kind needs."""
    return None if constraint.value.strip() else ("value", f"{constraint.kind} needs a value")


def within(constraint: Constraint, fewest: int, most: int | None = None, default_min: int = 1) -> bool:
    """Whether a count lies in min..max; with two definitions of the count both must agree."""
    most = fewest if most is None else most
    low = constraint.min if constraint.min is not None else (0 if constraint.max is not None else default_min)
    return fewest >= low and (constraint.max is None or most <= constraint.max)


def opposed_bounds(earlier: Constraint, later: Constraint) -> str:
    """Why two counts of the same thing exclude each other, "" where they do not."""
    if earlier.min is not None and later.max is not None and earlier.min > later.max:
        counted = earlier.unit or earlier.value
        return f"asks for at least {earlier.min} and at most {later.max} {counted}"
    return ""


def limit_kept(check: Check, constraint: Constraint, text: str) -> float:
    """1 while a reply has not passed the constraint's `max`, then 0."""
    return float(constraint.max is None or check(replace(constraint, min=0), text))


def phrase_progress(check: Check, constraint: Constraint, phrase: str, text: str) -> float:
    """1 for a reply that meets the constraint, else up to a half for as much of the phrase as its end has."""
    return 1.0 if check(constraint, text) else _BEGUN * begun(phrase, text)


def begun(phrase: str, text: str) -> float:
    """The share of the phrase that `text` ends with, short of all."""
    phrase, end = phrase.lower(), text[-len(phrase) :].lower()
    for size in range(min(len(phrase) - 1, len(end)), 0, -1):
        before = text[-size - 1 : -size]
        if end.endswith(phrase[:size]) and not (before.isalnum() and phrase[0].isalnum()):
            return size / len(phrase)
    return 0.0


def told_without_pattern(constraint: Constraint, text: str) -> bool | None:
    """What `check` says of a phrase whose words are not in `text`, known without a search by its pattern; None where
    the pattern must tell."""
    if constraint.unit != "characters" and text.isascii():
        said = text.lower()
        wanted = measure.comparable(constraint.value).lower()
        if any(word not in said for word in wanted.split() if word.isalnum()):
            return constraint.min == 0 or (constraint.min is None and constraint.max is not None)
    return None
