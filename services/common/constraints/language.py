"""`language`: the language that a reply is written in."""

from __future__ import annotations

import re

from services.common.constraints.constraint import Constraint
from services.common.constraints.kind import Kind, value_missing
from services.common.languages import is_language


def _problem(constraint: Constraint) -> tuple[str, str] | None:
    if problem := value_missing(constraint):
        return problem
    if not re.fullmatch(r"[a-z]{2}", constraint.value):
        return "value", f"{constraint.value!r} is no ISO 639-1 code such as 'de'"
    return None


LANGUAGE = Kind(
    "language",
    lambda constraint, text: is_language(text, constraint.value),
    description=lambda constraint: f"Answer in the language {constraint.value}.",
    problem=_problem,
    conflict=lambda earlier, later: (
        "" if earlier.value == later.value else f"asks for {earlier.value} and for {later.value}"
    ),
    slot=lambda constraint: "language",
    progress=lambda constraint, text, room: 1.0,
)
