"""What a comment wants, the words of the comment that say it, and the constraints that this comes to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from services.common.constraints import Constraint
from services.tracker.domain.feedback.comments import parse_comment
from services.tracker.domain.feedback.phrases import number
from services.tracker.domain.feedback.voice_words import LANGUAGES

TAGS = ("", "include", "exclude", "start", "end", "language", "number", "times", "letter")
"""What a word of a comment is part of. "times" and "letter": what is counted, where a number says how often."""
UNITS = ("words", "sentences", "paragraphs", "bullets", "highlights", "placeholders", "sections", "times", "letters")
COUNTED = {"times": "times", "letters": "letter"}
"""The tag of what a number of this unit counts."""
RELATIONS = ("max", "below", "min", "above", "exact")
FORMS = (
    "lower", "upper", "no_comma", "title", "quotes", "json", "postscript", "two_answers", "shorter", "longer",
)  # fmt: skip
"""Wants that no word of the comment fills in."""
SOURCE = "comment"
_PHRASES = ("include", "exclude", "start", "end", "language")
_WORD = re.compile(r"\w+(?:[’'.,]\w+)*")
_QUOTED = re.compile(r"[\"“”„«]([^\"“”„«»\n]+)[\"“”»]|(?<!\w)['‘]((?:[^'‘’\n]|(?<=\w)['’](?=\w))+)['’](?!\w)")
_PLAIN = {
    "lower": "no capitals are allowed, all lowercase",
    "upper": "all capitals",
    "no_comma": "no commas",
    "title": "add a title in double angle brackets, <<title>>",
    "quotes": "put the whole answer in quotation marks",
    "json": "answer in JSON format",
    "two_answers": "give two different answers, separated by ******",
    "shorter": "shorter",
    "longer": "longer",
}
"""A comment that the grammar reads as the form."""
_OFTEN = {"once": 1, "twice": 2, "thrice": 3, "pair": 2, "half a dozen": 6, "single": 1}


class WantError(ValueError):
    """A line of a file of comments is wrong; the message names it."""


@dataclass(frozen=True, slots=True)
class Want:
    """One thing asked. `text` are words of the comment, of sections their heading; `number` how many, by `unit` and
    `relation`."""

    kind: str  # of TAGS' phrases, FORMS, or "count"
    text: str = ""
    unit: str = ""
    relation: str = ""
    number: str = ""


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment and what it wants."""

    text: str
    wants: tuple[Want, ...] = ()


def read_comments(path: Path) -> Iterator[Comment]:
    """The comments of a file, one JSON object a line: {"comment": …, "wants": [{"kind": …, …}, …]}.

    Wants of a tone, which the network does not tell, are passed over. Raises WantError.
    """
    for at, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        one = json.loads(line)
        try:
            wants = [_want(want, one["comment"]) for want in one["wants"] if want["kind"] != "tone"]
        except (KeyError, ValueError) as error:
            raise WantError(f"{path}:{at}: {error}") from error
        yield Comment(one["comment"], tuple(wants))


def _want(given: Mapping[str, Any], comment: str) -> Want:
    want = Want(**given)
    if want.kind not in (*_PHRASES, *FORMS, "count"):
        raise ValueError(f"kind: {want.kind!r} is none")
    if want.kind == "count" and (want.unit not in UNITS or want.relation not in RELATIONS or not want.number):
        raise ValueError(f"count: {given} needs unit, relation and number")
    for part in (want.text, want.number):
        if part not in comment:
            raise ValueError(f"{part!r} does not stand in {comment!r}")
    return want


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a comment, `[start, end)` in its characters, and the phrases in quotation marks."""

    spans: tuple[tuple[int, int], ...]
    quoted: tuple[tuple[int, int], ...]

    def within(self, start: int, end: int) -> range:
        """Which words lie in characters `start` to `end`."""
        inside = [at for at, (left, right) in enumerate(self.spans) if right > start and left < end]
        return range(inside[0], inside[-1] + 1) if inside else range(0)


@lru_cache(maxsize=4096)
def words_of(text: str) -> Words:
    """Finds the words of a comment."""
    quoted = tuple(match.span(1 if match[1] else 2) for match in _QUOTED.finditer(text))
    return Words(tuple(match.span() for match in _WORD.finditer(text)), quoted)


def count_of(text: str) -> int | None:
    """The number that a piece of a comment says: "40", "a couple of", "twice"."""
    plain = re.sub(r"\s+of$", "", text.strip().lower().replace(",", ""))
    found = _OFTEN.get(plain.removeprefix("a "))
    return found if found is not None else number(plain)


def constraints(wants: Sequence[Want], draft_text: str) -> list[Constraint]:
    """What the wants ask of a reply; a number that can't be read is left out."""
    found: list[Constraint] = []
    for want in wants:
        if want.kind in ("include", "exclude"):
            found.append(Constraint(f"must_{'not_' * (want.kind == 'exclude')}include", want.text, source=SOURCE))
        elif want.kind in ("start", "end"):
            found.append(Constraint(want.kind, want.text, source=SOURCE))
        elif want.kind == "language":
            if code := LANGUAGES.get(want.text.lower()):
                found.append(Constraint("language", code, source=SOURCE))
        elif want.kind == "postscript":
            found.append(Constraint("format", f"postscript:{want.text or 'P.S.'}", source=SOURCE))
        elif want.kind in _PLAIN:
            found += parse_comment(_PLAIN[want.kind], draft_text).constraints
        elif (n := count_of(want.number)) is not None:
            found += _counted(want, n)
    return list(dict.fromkeys(found))


def _counted(want: Want, n: int) -> list[Constraint]:
    low, high = {
        "max": (None, n),
        "below": (None, n - 1),
        "min": (n, None),
        "above": (n + 1, None),
        "exact": (n, n),
    }[want.relation]
    if want.unit in ("words", "sentences", "paragraphs"):
        return [Constraint("length", "", want.unit, low, high, SOURCE)]
    if want.unit in ("times", "letters"):
        if high is not None and low is None and high <= 0:
            return [Constraint("must_not_include", want.text, source=SOURCE)] if want.unit == "times" else []
        unit = "characters" if want.unit == "letters" else ""
        return [Constraint("must_include", want.text, unit, low, high, SOURCE)] if want.text else []
    name = f"sections:{want.text or 'Section'}" if want.unit == "sections" else want.unit
    return [Constraint("format", name, "", low, high, SOURCE)]
