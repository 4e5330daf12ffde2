"""From a draft's constraints to its token processors."""

from __future__ import annotations

import re
from collections.abc import Sequence

from services.common import text_measures as measure
from services.common.constraint import Constraint
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
    made: list[TokenProcessor] = [NoLoop(vocabulary.size)] if constraints else []
    fold = ""
    for one in constraints:
        if one.kind == "case" and one.value in ("lower", "upper"):
            fold = one.value
            made.append(OneCase(vocabulary, upper=one.value == "upper"))
        elif one.kind == "case" and one.value == "capital_words":
            made.append(CapitalWords(vocabulary, written, one.min or 0, one.max))
        elif one.kind == "punctuation" and one.max == 0:
            made.append(Banned(mark_mask(vocabulary, one.value)))
        elif one.kind == "format" and one.value == "plain":
            made.append(Banned(characters_mask(vocabulary, _PLAIN)))
        elif one.kind == "format" and one.value.startswith("one_of:"):
            made.append(OneOf(vocabulary, one.value.partition(":")[2].split("|")))
        elif one.kind == "language":
            mask = script_mask(vocabulary, one.value)
            made += [Banned(mask)] if mask is not None else []
    shape = Shape(vocabulary, written, shape_parts(constraints, limit, include), end_ids, limit, fold)
    return [*made, shape]


def shape_parts(constraints: Sequence[Constraint], limit: int, include: tuple[str, ...] = ()) -> list[Part]:
    """The parts of the draft's shape, in the order in which they are written."""
    closings = [parts.Closing(one.value) for one in constraints if one.kind == "end"]
    reserved = sum(measure.count_words(one.value)[1] for one in constraints if one.kind == "end")
    made: list[Part] = []
    last: list[Part] = []
    quoted = False
    for one in constraints:
        name, _, argument = one.value.partition(":")
        if one.kind == "length" and one.unit == "paragraphs":
            divider = one.value if one.value not in ("", "shorter", "longer") else ""
            made.append(parts.Divided(divider, one.min or 0, one.max))
        elif one.kind == "length":
            taken = reserved if one.unit == "words" else (1 if closings and one.unit == "sentences" else 0)
            made.append(parts.Length(one.unit, one.min, one.max, taken))
        elif one.kind == "case" and one.value == "capital_words":
            made.append(parts.Capitals(one.min or 0))
        elif one.kind == "start" and not one.unit:
            made.insert(0, parts.Opening(one.value))
        elif one.kind == "format" and name == "quotation":
            quoted = True
        elif one.kind == "format" and name == "title":
            made.insert(0, parts.Title())
        elif one.kind == "format" and name == "postscript":
            last.append(parts.Postscript(argument))
        elif one.kind == "format" and name == "highlights":
            made.append(parts.Highlights(one.min or 1))
        elif one.kind == "format" and name == "separator":
            made.append(parts.Divided(argument or "******", one.min or 2, one.max))
        elif one.kind == "format" and name in ("bullets", "numbered", "list", "sections"):
            made.append(_items(name, argument, one.min, one.max, limit))
    if include:
        made.append(parts.Mentions(include))
    if quoted:
        return [parts.QuoteOpened(), *made, *last, *closings, parts.QuoteClosed()]
    return [*made, *last, *closings]


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
