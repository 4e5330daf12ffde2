"""What feedback asks of a reply: the Constraint noun and its validation.

Kinds and what their fields mean (fields not named stay empty):

- `must_include`, `must_not_include`: `value` a word or phrase; `min`/`max` how often. `unit` "characters"
  counts a letter instead of a word.
- `keep`: `value` a phrase that must stay. `replace`: `value` is "old => new" (`replacement` splits it).
- `length`: `unit` with `min` and/or `max`; `value` "shorter" or "longer" where the numbers come from the
  draft, or the divider between paragraphs.
- `format`: `value` one of FORMATS, with its argument after a colon ("sections:Section", "one_of:Yes|No");
  `min`/`max` count items.
- `case`: "lower", "upper", "title", "sentence", or "capital_words" with `min`/`max`.
- `punctuation`: `value` the mark (or "emoji"), `max` 0 forbids it, `min` asks for it.
- `language`: an ISO 639-1 code. `tone`: a word such as "formal"; only some can be verified.
- `start`, `end`: the phrase; `start` with `unit` "paragraphs" and `min` = `max` = k means the k-th paragraph.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.common.text_measures import count_phrase

KINDS = (
    "must_include",
    "must_not_include",
    "length",
    "format",
    "case",
    "punctuation",
    "language",
    "tone",
    "keep",
    "replace",
    "start",
    "end",
)
UNITS = ("", "words", "sentences", "characters", "paragraphs")
SOURCES = ("typed", "comment", "edit")
FORMATS = (
    "bullets",
    "numbered",
    "list",
    "json",
    "title",
    "table",
    "quotation",
    "sections",
    "highlights",
    "placeholders",
    "postscript",
    "separator",
    "one_of",
    "code",
    "heading",
    "plain",
    "prose",
)
CASES = ("lower", "upper", "title", "sentence", "capital_words")
MAX_VALUE = 2_000
MAX_COUNT = 1_000_000
_ARROW = " => "


class ConstraintError(ValueError):
    """A constraint cannot be used; `field` names the part, such as constraints[2].min."""

    def __init__(self, field: str, reason: str) -> None:
        self.field = field
        self.reason = reason
        super().__init__(f"{field}: {reason}")


@dataclass(frozen=True, slots=True)
class Constraint:
    """One thing a reply must or must not do; the module's docstring says what the fields mean."""

    kind: str
    value: str = ""
    unit: str = ""
    min: int | None = None
    max: int | None = None
    source: str = "typed"

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "value": self.value,
            "unit": self.unit,
            "min": self.min,
            "max": self.max,
            "source": self.source,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any], field: str = "constraint") -> Constraint:
        """The constraint a document describes; ConstraintError names the first field that is wrong."""
        unknown = set(document) - {"kind", "value", "unit", "min", "max", "source"}
        if unknown:
            raise ConstraintError(f"{field}.{min(unknown)}", "unknown field")
        for name in ("kind", "value", "unit", "source"):
            if not isinstance(document.get(name, ""), str):
                raise ConstraintError(f"{field}.{name}", "must be text")
        for name in ("min", "max"):
            number = document.get(name)
            if number is not None and (not isinstance(number, int) or isinstance(number, bool)):
                raise ConstraintError(f"{field}.{name}", "must be a whole number")
        made = cls(
            kind=document.get("kind", ""),
            value=document.get("value", ""),
            unit=document.get("unit", ""),
            min=document.get("min"),
            max=document.get("max"),
            source=document.get("source") or "typed",
        )
        validate(made, field)
        return made


def replacement(constraint: Constraint) -> tuple[str, str]:
    """(old, new) of a `replace`; old is "" where only the new fact is known."""
    old, arrow, new = constraint.value.partition(_ARROW)
    return (old.strip(), new.strip()) if arrow else ("", constraint.value.strip())


def replacing(old: str, new: str, source: str) -> Constraint:
    """The `replace` that puts `new` where `old` stands."""
    return Constraint("replace", f"{old.strip()}{_ARROW}{new.strip()}", source=source)


def validate(constraint: Constraint, field: str = "constraint") -> None:
    """Raises ConstraintError, naming the field, where a constraint means nothing or contradicts itself."""
    kind, value = constraint.kind, constraint.value
    if kind not in KINDS:
        raise ConstraintError(f"{field}.kind", f"{kind!r} is no kind of constraint; known: {', '.join(KINDS)}")
    if constraint.unit not in UNITS:
        raise ConstraintError(f"{field}.unit", f"{constraint.unit!r} is no unit; known: {', '.join(UNITS[1:])}")
    if constraint.source not in SOURCES:
        raise ConstraintError(f"{field}.source", f"{constraint.source!r} is no source; known: {', '.join(SOURCES)}")
    if len(value) > MAX_VALUE:
        raise ConstraintError(f"{field}.value", f"has {len(value)} characters, at most {MAX_VALUE} are taken")
    for name, number in (("min", constraint.min), ("max", constraint.max)):
        if number is not None and not 0 <= number <= MAX_COUNT:
            raise ConstraintError(f"{field}.{name}", f"{number} is not between 0 and {MAX_COUNT}")
    if constraint.min is not None and constraint.max is not None and constraint.min > constraint.max:
        raise ConstraintError(f"{field}.min", f"{constraint.min} is above the max of {constraint.max}")
    if kind == "length":
        if constraint.min is None and constraint.max is None:
            raise ConstraintError(f"{field}.max", "a length needs a min or a max")
        if not constraint.unit:
            raise ConstraintError(f"{field}.unit", f"a length needs a unit: {', '.join(UNITS[1:])}")
        if constraint.max == 0:
            raise ConstraintError(f"{field}.max", "a reply cannot be empty")
    elif not value.strip():
        raise ConstraintError(f"{field}.value", f"{kind} needs a value")
    if kind == "format" and value.partition(":")[0] not in FORMATS:
        raise ConstraintError(f"{field}.value", f"{value!r} is no format; known: {', '.join(FORMATS)}")
    if kind == "case" and value not in CASES:
        raise ConstraintError(f"{field}.value", f"{value!r} is no case; known: {', '.join(CASES)}")
    if kind == "language" and not re.fullmatch(r"[a-z]{2}", value):
        raise ConstraintError(f"{field}.value", f"{value!r} is no ISO 639-1 code such as 'de'")
    if kind == "replace" and not replacement(constraint)[1]:
        raise ConstraintError(f"{field}.value", "replace needs what to put in, as 'old => new'")


def wanted_phrase(constraint: Constraint) -> str:
    """The phrase that must occur, "" for kinds that ask for none."""
    if constraint.kind == "must_include" and constraint.unit == "" and constraint.max != 0:
        return constraint.value
    if constraint.kind == "replace":
        return replacement(constraint)[1]
    return constraint.value if constraint.kind in ("keep", "start", "end") else ""


def unwanted_phrase(constraint: Constraint) -> str:
    """The phrase that must not occur, "" for kinds that forbid none."""
    if constraint.kind == "must_not_include" and constraint.unit == "" and not constraint.max:
        return constraint.value
    if constraint.kind == "replace":
        old, new = replacement(constraint)
        return "" if old and count_phrase(old, new) else old
    return ""
