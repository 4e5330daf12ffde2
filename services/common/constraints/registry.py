"""All kinds of constraints by their names, and what is asked of a constraint whatever its kind."""

from __future__ import annotations

from collections.abc import Sequence

from services.common import text_measures as measure
from services.common.constraints.case import CASE
from services.common.constraints.constraint import SOURCES, UNITS, Constraint, ConstraintError
from services.common.constraints.ends import END, START
from services.common.constraints.exclusion import EXCLUDE
from services.common.constraints.form import FORMAT
from services.common.constraints.inclusion import INCLUDE, KEEP
from services.common.constraints.kind import Kind, limit_kept
from services.common.constraints.language import LANGUAGE
from services.common.constraints.length import LENGTH
from services.common.constraints.punctuation import PUNCTUATION
from services.common.constraints.replacing import REPLACE
from services.common.constraints.tone import TONE

REGISTRY: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        INCLUDE,
        EXCLUDE,
        LENGTH,
        FORMAT,
        CASE,
        PUNCTUATION,
        LANGUAGE,
        TONE,
        KEEP,
        REPLACE,
        START,
        END,
    )
}
KINDS = tuple(REGISTRY)
MAX_VALUE = 2_000
MAX_COUNT = 1_000_000


def check(constraint: Constraint, text: str) -> bool:
    """Whether the reply `text` meets the constraint."""
    return REGISTRY[constraint.kind].check(constraint, text)


def verifiable(constraint: Constraint) -> bool:
    """Whether `check` can tell; for the rest it answers True: nothing waits for what can't be verified."""
    return REGISTRY[constraint.kind].verifiable(constraint)


def describe(constraint: Constraint) -> str:
    """The constraint as an order to a writer; "" for what has no plain wording."""
    return REGISTRY[constraint.kind].description(constraint)


def wanted_phrase(constraint: Constraint) -> str:
    """The phrase that must occur, "" for kinds that ask for none."""
    return REGISTRY[constraint.kind].wish(constraint).wanted


def unwanted_phrase(constraint: Constraint) -> str:
    """The phrase that must not occur, "" for kinds that forbid none."""
    return REGISTRY[constraint.kind].wish(constraint).unwanted


def rewrite(constraint: Constraint, text: str, message: str) -> str | None:
    """The text as the constraint wants it; None where there is no rule for that. `message` is what the text answers."""
    kind = REGISTRY[constraint.kind]
    if kind.rewrite is not None:
        return kind.rewrite(constraint, text, message)
    return text if kind.check(constraint, text) else None


def in_order(constraints: Sequence[Constraint]) -> list[Constraint]:
    """The constraints in the order in which a text is rewritten for them: lists and parts first, then what stands
    before and after the text, then marks and case; what encloses all comes last."""
    return sorted(constraints, key=lambda constraint: REGISTRY[constraint.kind].rank(constraint))


def progress(constraint: Constraint, text: str, room: int) -> float:
    """How far a reply that may be `room` tokens longer is, between 0 and 1."""
    kind = REGISTRY[constraint.kind]
    if kind.progress is not None:
        return kind.progress(constraint, text, room)
    return limit_kept(kind.check, constraint, text)


def conflict(asking: Constraint, other: Constraint) -> str:
    """Why no reply can meet both, looking at `asking` as the one that asks; "" where one can."""
    wanted, unwanted = wanted_phrase(asking), unwanted_phrase(other)
    if wanted and unwanted and measure.count_phrase(unwanted, wanted, inflected=True):
        return f"asks for {wanted!r} and forbids {unwanted!r}"
    banned = other.value if other.kind == "punctuation" and other.max == 0 and other.value != "emoji" else ""
    if wanted and banned and banned in wanted:
        return f"asks for {wanted!r} and forbids {banned!r}"
    return REGISTRY[asking.kind].conflict(asking, other) if asking.kind == other.kind else ""


def slot(constraint: Constraint) -> tuple[str, str] | None:
    """A name for what a reply can have only one of; None where it can have several."""
    name = REGISTRY[constraint.kind].slot(constraint)
    return (constraint.kind, name) if name else None


def validate(constraint: Constraint, field: str = "constraint") -> None:
    """Raises ConstraintError, naming the field, where a constraint means nothing or contradicts itself."""
    if constraint.kind not in REGISTRY:
        known = ", ".join(KINDS)
        raise ConstraintError(f"{field}.kind", f"{constraint.kind!r} is no kind of constraint; known: {known}")
    if constraint.unit not in UNITS:
        raise ConstraintError(f"{field}.unit", f"{constraint.unit!r} is no unit; known: {', '.join(UNITS[1:])}")
    if constraint.source not in SOURCES:
        raise ConstraintError(f"{field}.source", f"{constraint.source!r} is no source; known: {', '.join(SOURCES)}")
    if len(constraint.value) > MAX_VALUE:
        raise ConstraintError(
            f"{field}.value", f"has {len(constraint.value)} characters, at most {MAX_VALUE} are taken"
        )
    for name, number in (("min", constraint.min), ("max", constraint.max)):
        if number is not None and not 0 <= number <= MAX_COUNT:
            raise ConstraintError(f"{field}.{name}", f"{number} is not between 0 and {MAX_COUNT}")
    if constraint.min is not None and constraint.max is not None and constraint.min > constraint.max:
        raise ConstraintError(f"{field}.min", f"{constraint.min} is above the max of {constraint.max}")
    if problem := REGISTRY[constraint.kind].problem(constraint):
        raise ConstraintError(f"{field}.{problem[0]}", problem[1])
