"""Comments in other languages with what they ask for, in a short form: one a line, `comment<TAB>asked`.

`asked` are wishes joined by commas, alternatives by `|`: `short`, `long`, `bound`; a count such as `c<=50`, `w>=10`,
`s=2-3` (characters, words, sentences, paragraphs); `+X` and `-X` for words that must be there or not; `bul`, `num` with
how many items, `prose`, `table`, `title`, `json`; `tone:T`, `lang:C`, `no!`, `few!`, `some-emoji`, `start:X`, `end:X`,
`rep:A>B`, `keep:X`; `none` for a comment that asks for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.common.constraints import Constraint

_UNITS = {"c": "characters", "w": "words", "s": "sentences", "p": "paragraphs"}
_COUNT = re.compile(r"([cwsp])(<=|>=|=)(\d+)(?:-(\d+))?")
_LISTS = {"bul": "bullets", "num": "numbered"}


@dataclass(frozen=True, slots=True)
class ForeignComment:
    """A comment and the readings of it that are right, each a set of wishes in the short form."""

    text: str
    readings: tuple[frozenset[str], ...]


def read_foreign(path: Path) -> Iterator[ForeignComment]:
    """The comments of a file."""
    for line in path.read_text(encoding="utf-8").splitlines():
        text, _, asked = line.partition("\t")
        if text.strip():
            yield ForeignComment(text, tuple(frozenset(way.split(",")) - {"none"} for way in asked.split("|")))


def short_form(constraints: Sequence[Constraint]) -> frozenset[str]:
    """Constraints in the short form."""
    return frozenset(_short(constraint) for constraint in constraints)


def _short(one: Constraint) -> str:
    name = one.value.partition(":")[0]
    match one.kind:
        case "length" if one.value in ("shorter", "longer"):
            return one.value.removesuffix("er")
        case "length" if one.unit == "words" and one.source == "comment" and _is_bound(one):
            return "bound"
        case "length":
            unit = next(short for short, unit in _UNITS.items() if unit == one.unit)
            if one.min is not None and one.max is not None:
                return f"{unit}={one.min}-{one.max}"
            return f"{unit}<={one.max}" if one.max is not None else f"{unit}>={one.min}"
        case "must_include":
            return f"+{one.value}"
        case "must_not_include":
            return f"-{one.value}"
        case "format" if name in ("bullets", "numbered"):
            short = next(short for short, listed in _LISTS.items() if listed == name)
            return short + (str(one.min) if one.min else "")
        case "format":
            return name
        case "punctuation":
            mark = "-emoji" if one.value == "emoji" and one.min else one.value
            return f"{'some' if one.min else 'no' if one.max == 0 else 'few'}{mark}"
        case "language":
            return f"lang:{one.value}"
        case "replace":
            return "rep:" + one.value.replace(" => ", ">")
        case _:
            return f"{one.kind}:{one.value}"


DRAFTS = {
    "zh": "港务办公室九点到五点开门。停车每小时三元，可以刷卡。如需帮助请拨打热线电话！",
    "de": "Das Hafenbüro ist von neun bis fünf geöffnet. Parken kostet 3 Euro pro Stunde.",
    "fr": "Le bureau du port est ouvert de neuf à cinq heures. Le parking coûte 3 euros par heure.",
    "es": "La oficina del puerto abre de nueve a cinco. El aparcamiento cuesta 3 euros por hora.",
}
"""The replies that the comments are about, by language."""
_DRAFT_WORDS = frozenset({34, 14, 18, 16})


def _is_bound(one: Constraint) -> bool:
    return (one.min is None or one.max is None) and (one.min or one.max) in _DRAFT_WORDS
