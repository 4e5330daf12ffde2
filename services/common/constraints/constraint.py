"""The Constraint noun: one thing that feedback asks of a reply.

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

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

UNITS = ("", "words", "sentences", "characters", "paragraphs")
SOURCES = ("typed", "comment", "edit")


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
        """The constraint as messages and documents hold it."""
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
        from services.common.constraints.registry import validate  # the kinds are built on this noun

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
        constraint = cls(
            kind=document.get("kind", ""),
            value=document.get("value", ""),
            unit=document.get("unit", ""),
            min=document.get("min"),
            max=document.get("max"),
            source=document.get("source") or "typed",
        )
        validate(constraint, field)
        return constraint
