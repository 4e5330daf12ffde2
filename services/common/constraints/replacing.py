"""`replace`: a phrase that takes another one's place, written "old => new"."""

from __future__ import annotations

from services.common import text_measures as measure
from services.common.constraints.constraint import Constraint
from services.common.constraints.kind import Kind, Wish, phrase_progress, value_missing

_ARROW = " => "


def replacement(constraint: Constraint) -> tuple[str, str]:
    """(old, new) of a `replace`; old is "" where only the new fact is known."""
    old, arrow, new = constraint.value.partition(_ARROW)
    return (old.strip(), new.strip()) if arrow else ("", constraint.value.strip())


def replacing(old: str, new: str, source: str) -> Constraint:
    """The `replace` that puts `new` where `old` stands."""
    return Constraint("replace", f"{old.strip()}{_ARROW}{new.strip()}", source=source)


def _wish(constraint: Constraint) -> Wish:
    old, new = replacement(constraint)
    return Wish(new, "" if old and measure.count_phrase(old, new) else old)


def _check(constraint: Constraint, text: str) -> bool:
    wish = _wish(constraint)
    present = measure.count_phrase(wish.wanted, text) > 0
    return present and not (wish.unwanted and measure.count_phrase(wish.unwanted, text))


def _description(constraint: Constraint) -> str:
    old, new = replacement(constraint)
    return f'Write "{new}" instead of "{old}".' if old else f'Say "{new}".'


def _problem(constraint: Constraint) -> tuple[str, str] | None:
    if problem := value_missing(constraint):
        return problem
    return None if replacement(constraint)[1] else ("value", "replace needs what to put in, as 'old => new'")


REPLACE = Kind(
    "replace",
    _check,
    description=_description,
    problem=_problem,
    wish=_wish,
    progress=lambda constraint, text, room: phrase_progress(_check, constraint, replacement(constraint)[1], text),
)
