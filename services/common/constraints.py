"""Lists of constraints: validation together, contradictions, the gathering of rounds; and the check of a
reply.

The noun is in `constraint`, the checks in `constraint_checks`; this module is where the rest of the project
imports them from.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from services.common.constraint import (
    Constraint,
    ConstraintError,
    replacement,
    replacing,
    unwanted_phrase,
    validate,
    wanted_phrase,
)
from services.common.constraint_checks import check, verifiable
from services.common.text_measures import count_phrase

__all__ = [
    "Constraint",
    "ConstraintError",
    "check",
    "checked",
    "contradictions",
    "merge_rounds",
    "replacement",
    "replacing",
    "unwanted_phrase",
    "validate",
    "validate_all",
    "verifiable",
    "wanted_phrase",
    "without_contradicted",
]


def validate_all(constraints: Sequence[Constraint], field: str = "constraints") -> None:
    """Raises ConstraintError for the first constraint that is wrong or that contradicts an earlier one."""
    for i, constraint in enumerate(constraints):
        validate(constraint, f"{field}[{i}]")
    found = contradictions(constraints)
    if found:
        earlier, later, reason = found[0]
        raise ConstraintError(f"{field}[{later}].{_blame(constraints[later])}", f"{reason} ({field}[{earlier}])")


def _blame(constraint: Constraint) -> str:
    return "min" if constraint.kind == "length" and constraint.min is not None else "value"


def contradictions(constraints: Sequence[Constraint]) -> list[tuple[int, int, str]]:
    """Pairs (earlier, later, reason) of constraints that no reply can meet together."""
    found = []
    for j, later in enumerate(constraints):
        for i in range(j):
            reason = _conflict(constraints[i], later) or _conflict(later, constraints[i])
            if reason:
                found.append((i, j, reason))
    return found


def without_contradicted(constraints: Iterable[Constraint]) -> list[Constraint]:
    """The constraints with every earlier one dropped that a later one contradicts: the last word counts."""
    kept: list[Constraint] = []
    for constraint in constraints:
        kept = [k for k in kept if k != constraint and not (_conflict(k, constraint) or _conflict(constraint, k))]
        kept.append(constraint)
    return kept


def _conflict(a: Constraint, b: Constraint) -> str:
    """Why no reply can meet both, looking at `a` as the one that asks; "" where one can."""
    wanted, unwanted = wanted_phrase(a), unwanted_phrase(b)
    if wanted and unwanted and count_phrase(unwanted, wanted, inflected=True):
        return f"asks for {wanted!r} and forbids {unwanted!r}"
    if wanted and b.kind == "punctuation" and b.max == 0 and b.value != "emoji" and b.value in wanted:
        return f"asks for {wanted!r} and forbids {b.value!r}"
    if a.kind != b.kind:
        return ""
    if a.kind in ("length", "punctuation", "must_include") and (
        a.unit,
        a.kind == "length" or a.value.lower(),
    ) == (
        b.unit,
        b.kind == "length" or b.value.lower(),
    ):
        if a.min is not None and b.max is not None and a.min > b.max:
            return f"asks for at least {a.min} and at most {b.max} {a.unit or a.value}"
        return ""
    if a.value == b.value:
        return ""
    if a.kind == "language" or (a.kind == "case" and "capital_words" not in (a.value, b.value)):
        return f"asks for {a.value} and for {b.value}"
    if a.kind == "format" and {a.value, b.value} in (
        {"bullets", "prose"},
        {"numbered", "prose"},
        {"list", "prose"},
    ):
        return f"asks for {a.value} and for {b.value}"
    return ""


def merge_rounds(rounds: Iterable[Sequence[Constraint]]) -> list[Constraint]:
    """The constraints of all rounds in one list: later ones override what they contradict, repeats are
    dropped.

    A later length, case, language, start or end replaces the earlier one: the reader changed their mind.
    """
    merged: list[Constraint] = []
    for constraints in rounds:
        for constraint in constraints:
            key = _slot_of(constraint)
            merged = [m for m in merged if key is None or _slot_of(m) != key]
            merged = without_contradicted([*merged, constraint])
    return merged


def _slot_of(constraint: Constraint) -> tuple[str, str] | None:
    """Kinds of which a reply can have only one: (kind, unit)."""
    if constraint.kind == "length":
        side = "min" if constraint.max is None else ""
        return ("length", constraint.unit + side)
    if constraint.kind in ("language", "end") or (constraint.kind == "start" and not constraint.unit):
        return (constraint.kind, "")
    return ("case", "") if constraint.kind == "case" and constraint.value != "capital_words" else None


def checked(constraints: Iterable[Constraint], text: str) -> list[dict[str, Any]]:
    """What a draft stores: ``{constraint, met}`` for every constraint that can be verified, in their order."""
    return [{"constraint": one.to_json(), "met": check(one, text)} for one in constraints if verifiable(one)]
