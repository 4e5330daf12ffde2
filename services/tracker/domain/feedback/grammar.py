"""What a rule of the comment grammar is: a pattern, and a builder that turns its match into constraints."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from services.common.constraints import Constraint
from services.tracker.domain.feedback.phrases import Quotes

SOURCE = "comment"


@dataclass(slots=True)
class Context:
    """What a builder may look at beside its match; the topics it found, and what it read but cannot express."""

    draft: str
    prompt: str
    quotes: Quotes
    topics: list[str] = field(default_factory=list)
    unparsed: list[str] = field(default_factory=list)


Builder = Callable[["re.Match[str]", Context], "Sequence[Constraint] | None"]
"""Constraints for a match; None leaves the match to later rules."""
Rule = tuple["re.Pattern[str]", Builder]


def rule(pattern: str, build: Builder) -> Rule:
    """A rule whose pattern ignores case."""
    return re.compile(pattern, re.I), build


def fixed(kind: str, value: str) -> Builder:
    """A builder that answers the same constraint to every match."""
    return lambda match, context: [Constraint(kind, value, source=SOURCE)]
