"""What a rule makes of a text for one constraint: marks, case, phrases at its ends, wrapping, lists, parts."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Sequence

from services.common.constraint import Constraint
from services.common.constraints import check
from services.common.text_measures import words
from services.generator.decoding.written import sentence_ended

_PIECE = re.compile(r".+?(?:[.!?…][\"'”’)\]*]*\s+|\n+|$)", re.S)
_ITEM = re.compile(r"^\s*(?:[-*•]|\d{1,3}[.)])\s+")
_MARKS = {",": "", "!": "."}
_LEAST = 3
"""Bullets of a list whose length nobody named."""
_CONTENT = 5
"""Letters of a word that may stand for what its sentence says."""
_TITLE_WORDS = 12
_ORDER = {
    "bullets": 0,
    "list": 0,
    "sections": 1,
    "highlights": 1,
    "title": 2,
    "postscript": 2,
    "quotation": 6,
    "json": 7,
}


def pieces(text: str) -> list[str]:
    """The sentences and lines of a text, each with the space after it."""
    found: list[str] = []
    for match in _PIECE.finditer(text):
        if found and not sentence_ended(found[-1]):
            found[-1] += match[0]
        else:
            found.append(match[0])
    return [one for one in found if one.strip()]


def in_order(constraints: Sequence[Constraint]) -> list[Constraint]:
    """Lists and parts first, then what stands before and after the text, then marks and case; what encloses all comes
    last."""
    kinds = {"start": 3, "end": 3, "punctuation": 4, "case": 5}
    return sorted(
        constraints,
        key=lambda one: _ORDER.get(one.value.partition(":")[0], 1) if one.kind == "format" else kinds.get(one.kind, 1),
    )


def reshaped(one: Constraint, text: str, message: str) -> str | None:
    """The text as the constraint wants it; None where there is no rule for that. `message` is what the text answers."""
    name, _, argument = one.value.partition(":")
    match one.kind:
        case "length":
            return text
        case "case" if one.value in ("lower", "upper"):
            return text.lower() if one.value == "lower" else text.upper()
        case "case" if one.value == "capital_words" and not check(one, text):
            return _in_capitals(text, one)
        case "punctuation" if one.max == 0 and one.value in _MARKS:
            return text.replace(one.value, _MARKS[one.value])
        case "start" if not one.unit:
            return text if check(one, text) else f"{one.value}{' ' if one.value[-1:] in '.!?:,' else ': '}{text}"
        case "end":
            return text if check(one, text) else f"{text} {one.value}"
        case "format" if not check(one, text) or name in ("title", "quotation", "json"):
            return _formatted(name, argument, one, text, message)
        case _:
            return text if check(one, text) else None


def _formatted(name: str, argument: str, one: Constraint, text: str, message: str) -> str | None:
    match name:
        case "quotation":
            return text if check(one, text) else f'"{text.strip(chr(34))}"'
        case "title":
            return _titled(text, message)
        case "postscript":
            *others, last = pieces(text)
            return (
                f"{''.join(others).rstrip()}\n\n{argument or 'P.S.'} {_ITEM.sub('', last).strip()}" if others else None
            )
        case "bullets" | "list":
            return _bullets(text, one.min or _LEAST)
        case "json":
            return json.dumps({"answer": text}, ensure_ascii=False)
        case "sections":
            return _divided(text, argument or "Section", one.min or one.max or 2)
        case "highlights":
            return _highlighted(text, one.min or 1)
        case _:
            return None


def _titled(text: str, message: str) -> str | None:
    first = next((line for line in message.splitlines() if line.strip()), "")
    title = " ".join(first.split()[:_TITLE_WORDS]).strip("<>?.!:, ")
    return f"<<{title}>>\n\n{text}" if title else None


def _bullets(text: str, count: int) -> str | None:
    """The first `count` items of a list, or sentences, as bullets."""
    items = [_ITEM.sub("", line) for line in text.splitlines() if _ITEM.match(line)]
    if len(items) < count:
        items = [_ITEM.sub("", part) for part in pieces(text)]
    return "\n".join(f"* {item.strip()}" for item in items[:count]) if len(items) >= count else None


def _divided(text: str, name: str, count: int) -> str | None:
    """The text in `count` parts of about as many sentences, each under its name and number."""
    parts = pieces(text)
    if len(parts) < count:
        return None
    cuts = [round(at * len(parts) / count) for at in range(count + 1)]
    made = ["".join(parts[one:other]).strip() for one, other in itertools.pairwise(cuts)]
    return "\n\n".join(f"{name} {number}\n{part}" for number, part in enumerate(made, 1))


def _highlighted(text: str, count: int) -> str | None:
    """The text with `count` of its longest words between asterisks, in as many sentences as there are."""
    text = text.replace("*", "")
    return _with_chosen(text, count, lambda word: f"*{word}*")


def _in_capitals(text: str, one: Constraint) -> str | None:
    """The text with as many of its words in capitals as are wanted."""
    loud = [word for word in words(text) if word.isupper()]
    if one.max is not None and len(loud) > one.max:
        for word in [word for word in loud if len(word) > 1][: len(loud) - one.max]:
            text = re.sub(rf"\b{re.escape(word)}\b", word.capitalize(), text, count=1)
        return text if check(one, text) else None
    return _with_chosen(text, (one.min or 0) - len(loud), str.upper)


def _with_chosen(text: str, count: int, change: Callable[[str], str]) -> str | None:
    """The text with `count` of its words changed: the longest one of each sentence in turn, then the next longest."""
    ranks = []
    at = 0
    for part in pieces(text):
        at = text.index(part, at)
        found = [
            (match.start() + at, match[0])
            for match in re.finditer(r"[^\W\d_]+", part)
            if len(match[0]) >= _CONTENT and not match[0].isupper()
        ]
        ranks += [(rank, where, word) for rank, (where, word) in enumerate(sorted(found, key=lambda one: -len(one[1])))]
        at += len(part)
    chosen = sorted(ranks)[:count]
    if len(chosen) < count:
        return None
    for _, where, word in sorted(chosen, key=lambda one: -one[1]):
        text = text[:where] + change(word) + text[where + len(word) :]
    return text
