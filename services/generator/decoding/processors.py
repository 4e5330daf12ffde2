"""From a draft's constraints to its token processors."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from services.common import text_measures as measure
from services.common.constraints import Constraint
from services.common.constraints.form import name_and_argument
from services.common.constraints.length import divider_of
from services.generator.decoding import parts
from services.generator.decoding.choice import OneOf
from services.generator.decoding.json_text import JsonText
from services.generator.decoding.masks import (
    Banned,
    CapitalWords,
    NoLoop,
    OneCase,
    characters_mask,
    mark_mask,
    script_mask,
)
from services.generator.decoding.shape import Part, Shape
from services.generator.decoding.token_processor import TokenProcessor
from services.generator.decoding.words import Vocabulary
from services.generator.decoding.written import Written

_ITEMS = 3  # of a list whose length nobody named
_PLAIN = "*#|`•"


@dataclass(frozen=True, slots=True)
class _Decoding:
    """What an enforcer works with beside its constraint."""

    vocabulary: Vocabulary
    written: Written
    limit: int
    closing_words: int
    """Words that phrases at the draft's end take of its length."""


@dataclass(slots=True)
class _Outline:
    """The parts of a draft's shape by where they stand."""

    opening: list[Part] = field(default_factory=list)
    body: list[Part] = field(default_factory=list)
    last: list[Part] = field(default_factory=list)
    closing: list[Part] = field(default_factory=list)
    quoted: bool = False

    def parts(self) -> list[Part]:
        """All parts in the order in which they are written."""
        shape = [*self.opening, *self.body, *self.last, *self.closing]
        return [parts.QuoteOpened(), *shape, parts.QuoteClosed()] if self.quoted else shape


def constraint_processors(
    constraints: Sequence[Constraint],
    vocabulary: Vocabulary,
    end_ids: frozenset[int],
    limit: int,
    include: tuple[str, ...] = (),
) -> list[TokenProcessor]:
    """What the constraints ask of decoding in a draft of at most `limit` tokens; `include` are the words that the
    draft must not end without."""
    constraints = [
        constraint for constraint in constraints if not vocabulary.commands(constraint.value)
    ]  # none could be met
    include = tuple(phrase for phrase in include if not vocabulary.commands(phrase))
    written = Written(vocabulary)
    if any(constraint.kind == "format" and constraint.value.partition(":")[0] == "json" for constraint in constraints):
        answer = any(constraint.value == "json:answer" for constraint in constraints)
        return [JsonText(vocabulary, written, end_ids, limit, '{"answer": "' if answer else '{"')]
    processors: list[TokenProcessor] = [NoLoop(vocabulary.size)] if constraints else []
    decoding = _Decoding(vocabulary, written, limit, _closing_words(constraints))
    for constraint in constraints:
        if (enforce := _PROCESSORS.get(constraint.kind)) is not None:
            processors += enforce(constraint, decoding)
    fold = next(
        (
            constraint.value
            for constraint in reversed(constraints)
            if constraint.kind == "case" and constraint.value in _ONE_CASE
        ),
        "",
    )
    shape = Shape(vocabulary, written, shape_parts(constraints, limit, include), end_ids, limit, fold)
    return [*processors, shape]


def shape_parts(constraints: Sequence[Constraint], limit: int, include: tuple[str, ...] = ()) -> list[Part]:
    """The parts of the draft's shape, in the order in which they are written."""
    outline = _Outline(
        closing=[parts.Closing(constraint.value) for constraint in constraints if constraint.kind == "end"]
    )
    closing_words = _closing_words(constraints)
    for constraint in constraints:
        if (add := _SHAPES.get(constraint.kind)) is not None:
            add(constraint, outline, limit, closing_words)
    if include:
        outline.body.append(parts.Mentions(include))
    return outline.parts()


def _closing_words(constraints: Sequence[Constraint]) -> int:
    return sum(measure.count_words(constraint.value)[1] for constraint in constraints if constraint.kind == "end")


_ONE_CASE = ("lower", "upper")


def _case_processors(constraint: Constraint, decoding: _Decoding) -> list[TokenProcessor]:
    if constraint.value in _ONE_CASE:
        return [OneCase(decoding.vocabulary, upper=constraint.value == "upper")]
    if constraint.value == "capital_words":
        return [CapitalWords(decoding.vocabulary, decoding.written, constraint.min or 0, constraint.max)]
    return []


def _format_processors(constraint: Constraint, decoding: _Decoding) -> list[TokenProcessor]:
    if constraint.value == "plain":
        return [Banned(characters_mask(decoding.vocabulary, _PLAIN))]
    if constraint.value.startswith("one_of:"):
        return [OneOf(decoding.vocabulary, constraint.value.partition(":")[2].split("|"))]
    return []


def _language_processors(constraint: Constraint, decoding: _Decoding) -> list[TokenProcessor]:
    mask = script_mask(decoding.vocabulary, constraint.value)
    return [Banned(mask)] if mask is not None else []


_PROCESSORS: dict[str, Callable[[Constraint, _Decoding], list[TokenProcessor]]] = {
    "case": _case_processors,
    "format": _format_processors,
    "language": _language_processors,
    "punctuation": lambda constraint, decoding: (
        [Banned(mark_mask(decoding.vocabulary, constraint.value))] if constraint.max == 0 else []
    ),
}
"""What keeps each kind of constraint token by token; words to include and to avoid have processors of their own."""


def _length_shape(constraint: Constraint, outline: _Outline, limit: int, closing_words: int) -> None:
    if constraint.unit == "paragraphs":
        outline.body.append(parts.Divided(divider_of(constraint), constraint.min or 0, constraint.max))
        return
    reserved = {"words": closing_words, "sentences": min(1, len(outline.closing))}.get(constraint.unit, 0)
    outline.body.append(parts.Length(constraint.unit, constraint.min, constraint.max, reserved))


def _case_shape(constraint: Constraint, outline: _Outline, limit: int, closing_words: int) -> None:
    if constraint.value == "capital_words":
        outline.body.append(parts.Capitals(constraint.min or 0))


def _start_shape(constraint: Constraint, outline: _Outline, limit: int, closing_words: int) -> None:
    if not constraint.unit:
        outline.opening.insert(0, parts.Opening(constraint.value))


def _format_shape(constraint: Constraint, outline: _Outline, limit: int, closing_words: int) -> None:
    name, argument = name_and_argument(constraint)
    match name:
        case "quotation":
            outline.quoted = True
        case "title":
            outline.opening.insert(0, parts.Title())
        case "postscript":
            outline.last.append(parts.Postscript(argument))
        case "highlights":
            outline.body.append(parts.Highlights(constraint.min or 1))
        case "separator":
            outline.body.append(parts.Divided(argument or "******", constraint.min or 2, constraint.max))
        case "bullets" | "numbered" | "list" | "sections":
            outline.body.append(_items(name, argument, constraint.min, constraint.max, limit))


_SHAPES: dict[str, Callable[[Constraint, _Outline, int, int], None]] = {
    "case": _case_shape,
    "format": _format_shape,
    "length": _length_shape,
    "start": _start_shape,
}
"""What each kind of constraint adds to the outline of a draft."""


def _items(name: str, argument: str, low: int | None, high: int | None, limit: int) -> Part:
    fewest = low or min(_ITEMS, high or _ITEMS)
    if name == "numbered":
        return parts.Items(lambda n: f"{n}. ", measure.numbered, fewest, high, limit)
    if name == "sections":
        splitter = argument or "Section"
        begun = re.compile(rf"(?:^|\n){re.escape(splitter)} \d+\s*\n+[^\n]", re.I)
        return parts.Items(
            lambda n: f"{splitter} {n}\n", lambda text: len(begun.findall(text)), fewest, high, limit, "\n\n"
        )
    return parts.Items(lambda n: "* ", measure.bullets, fewest, high, limit, barred="0123456789*#•-")
