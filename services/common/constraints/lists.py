"""Lists of constraints: their validation together, contradictions, the rounds of a turn as one list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from services.common.constraints.constraint import Constraint, ConstraintError
from services.common.constraints.registry import check, conflict, slot, validate, verifiable


def validate_all(constraints: Sequence[Constraint], field: str = "constraints") -> None:
    """Raises ConstraintError for the first constraint that is wrong or that contradicts an earlier one."""
    for i, constraint in enumerate(constraints):
        validate(constraint, f"{field}[{i}]")
    pairs = contradictions(constraints)
    if pairs:
        earlier, later, reason = pairs[0]
        raise ConstraintError(f"{field}[{later}].{_blame(constraints[later])}", f"{reason} ({field}[{earlier}])")


def _blame(constraint: Constraint) -> str:
    return "min" if constraint.kind == "length" and constraint.min is not None else "value"


def contradictions(constraints: Sequence[Constraint]) -> list[tuple[int, int, str]]:
    """Pairs (earlier, later, reason) of constraints that no reply can meet together."""
    pairs = []
    for j, later in enumerate(constraints):
        for i in range(j):
            reason = conflict(constraints[i], later) or conflict(later, constraints[i])
            if reason:
                pairs.append((i, j, reason))
    return pairs


def without_contradicted(constraints: Iterable[Constraint]) -> list[Constraint]:
    """The constraints with every earlier one dropped that a later one contradicts: the last word counts."""
    kept: list[Constraint] = []
    for constraint in constraints:
        kept = [k for k in kept if k != constraint and not (conflict(k, constraint) or conflict(constraint, k))]
        kept.append(constraint)
    return kept


def merge_rounds(rounds: Iterable[Sequence[Constraint]]) -> list[Constraint]:
    """The constraints of all rounds in one list: later ones override what they contradict, repeats are dropped.

    A later length, case, language, start or end replaces the earlier one: the reader changed their mind.
    """
    merged: list[Constraint] = []
    for constraints in rounds:
        for constraint in constraints:
            taken = slot(constraint)
            merged = [m for m in merged if taken is None or slot(m) != taken]
            merged = without_contradicted([*merged, constraint])
    return merged


def checked(constraints: Iterable[Constraint], text: str) -> list[dict[str, Any]]:
    """What a draft stores: ``{constraint, met}`` for every constraint that can be verified, in their order."""
    return [
        {"constraint": constraint.to_json(), "met": check(constraint, text)}
        for constraint in constraints
        if verifiable(constraint)
    ]
