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
    constraints = [one for one in constraints if not vocabulary.commands(one.value)]  # none could be met
    include = tuple(phrase for phrase in include if not vocabulary.commands(phrase))
    written = Written(vocabulary)
    if any(one.kind == "format" and one.value.partition(":")[0] == "json" for one in constraints):
        answer = any(one.value == "json:answer" for one in constraints)
        return [JsonText(vocabulary, written, end_ids, limit, '{"answer": "' if answer else '{"')]
    processors: list[TokenProcessor] = [NoLoop(vocabulary.size)] if constraints else []
    decoding = _Decoding(vocabulary, written, limit, _closing_words(constraints))
    for one in constraints:
        if (enforce := _PROCESSORS.get(one.kind)) is not None:
            processors += enforce(one, decoding)
    fold = next((one.value for one in reversed(constraints) if one.kind == "case" and one.value in _ONE_CASE), "")
    shape = Shape(vocabulary, written, shape_parts(constraints, limit, include), end_ids, limit, fold)
    return [*processors, shape]


def shape_parts(constraints: Sequence[Constraint], limit: int, include: tuple[str, ...] = ()) -> list[Part]:
    """The parts of the draft's shape, in the order in which they are written."""
    outline = _Outline(closing=[parts.Closing(one.value) for one in constraints if one.kind == "end"])
    closing_words = _closing_words(constraints)
    for one in constraints:
        if (add := _SHAPES.get(one.kind)) is not None:
            add(one, outline, limit, closing_words)
    if include:
        outline.body.append(parts.Mentions(include))
    return outline.parts()


def _closing_words(constraints: Sequence[Constraint]) -> int:
    return sum(measure.count_words(one.value)[1] for one in constraints if one.kind == "end")


_ONE_CASE = ("lower", "upper")


def _case_processors(one: Constraint, decoding: _Decoding) -> list[TokenProcessor]:
    if one.value in _ONE_CASE:
        return [OneCase(decoding.vocabulary, upper=one.value == "upper")]
    if one.value == "capital_words":
        return [CapitalWords(decoding.vocabulary, decoding.written, one.min or 0, one.max)]
    return []


def _format_processors(one: Constraint, decoding: _Decoding) -> list[TokenProcessor]:
    if one.value == "plain":
        return [Banned(characters_mask(decoding.vocabulary, _PLAIN))]
    if one.value.startswith("one_of:"):
        return [OneOf(decoding.vocabulary, one.value.partition(":")[2].split("|"))]
    return []


def _language_processors(one: Constraint, decoding: _Decoding) -> list[TokenProcessor]:
    mask = script_mask(decoding.vocabulary, one.value)
    return [Banned(mask)] if mask is not None else []


_PROCESSORS: dict[str, Callable[[Constraint, _Decoding], list[TokenProcessor]]] = {
    "case": _case_processors,
    "format": _format_processors,
    "language": _language_processors,
    "punctuation": lambda one, decoding: [Banned(mark_mask(decoding.vocabulary, one.value))] if one.max == 0 else [],
}
"""What keeps each kind of constraint token by token; words to include and to avoid have processors of their own."""


def _length_shape(one: Constraint, outline: _Outline, limit: int, closing_words: int) -> None:
    if one.unit == "paragraphs":
        outline.body.append(parts.Divided(divider_of(one), one.min or 0, one.max))
        return
    reserved = {"words": closing_words, "sentences": min(1, len(outline.closing))}.get(one.unit, 0)
    outline.body.append(parts.Length(one.unit, one.min, one.max, reserved))


def _case_shape(one: Constraint, outline: _Outline, limit: int, closing_words: int) -> None:
    if one.value == "capital_words":
        outline.body.append(parts.Capitals(one.min or 0))


def _start_shape(one: Constraint, outline: _Outline, limit: int, closing_words: int) -> None:
    if not one.unit:
        outline.opening.insert(0, parts.Opening(one.value))


def _format_shape(one: Constraint, outline: _Outline, limit: int, closing_words: int) -> None:
    name, argument = name_and_argument(one)
    match name:
        case "quotation":
            outline.quoted = True
        case "title":
            outline.opening.insert(0, parts.Title())
        case "postscript":
            outline.last.append(parts.Postscript(argument))
        case "highlights":
            outline.body.append(parts.Highlights(one.min or 1))
        case "separator":
            outline.body.append(parts.Divided(argument or "******", one.min or 2, one.max))
        case "bullets" | "numbered" | "list" | "sections":
            outline.body.append(_items(name, argument, one.min, one.max, limit))


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
