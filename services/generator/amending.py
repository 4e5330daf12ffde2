"""The draft before, changed by rule no more than the constraints ask: a candidate that nobody has to write.

Much of what readers say of a reply leaves its content alone: capitals, no commas, fewer words, a phrase at its end. A
small model that writes the whole reply again loses what was good about it; a rule does not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

from services.common.constraint import Constraint, unwanted_phrase
from services.common.constraints import check
from services.common.text_measures import words
from services.generator.decoding.written import sentence_ended

_PIECE = re.compile(r".+?(?:[.!?…][\"'”’)\]*]*\s+|\n+|$)", re.S)
_ITEM = re.compile(r"^\s*(?:[-*•]|\d{1,3}[.)])\s+")
_MARKS = {",": "", "!": "."}
_KEPT = 0.5
"""Share of its sentences that a draft must keep where words are to go."""
_LEAST = 3
"""Bullets of a list whose length nobody named."""


def amended(draft: str, constraints: Sequence[Constraint], message: str, fits: Callable[[str], bool]) -> str | None:
    """The draft so changed that it meets all `constraints`, cut sentence by sentence until it `fits`; None where no
    rule does that. `message` is what the draft answers; it is the title where one is asked for."""
    parts = pieces(draft)
    if len(parts) > 1 and not sentence_ended(parts[-1]):
        parts.pop()  # cut off at its length
    parts = _without(parts, constraints)
    while parts:
        text = _shaped(parts, constraints, message)
        if text is None or not all(check(one, text) for one in constraints):
            return None
        if fits(text):
            return text
        parts = parts[:-1]
    return None


def pieces(text: str) -> list[str]:
    """The sentences and lines of a text, each with the space after it."""
    found: list[str] = []
    for match in _PIECE.finditer(text):
        if found and not sentence_ended(found[-1]):
            found[-1] += match[0]
        else:
            found.append(match[0])
    return [one for one in found if one.strip()]


def _without(parts: list[str], constraints: Sequence[Constraint]) -> list[str]:
    """The pieces that say nothing unwanted; none where too few are left."""
    unwanted = [one for one in constraints if unwanted_phrase(one)]
    kept = [part for part in parts if all(check(one, part) for one in unwanted)]
    return kept if len(kept) >= _KEPT * len(parts) else []


def _shaped(parts: Sequence[str], constraints: Sequence[Constraint], message: str) -> str | None:
    """What the constraints but the unwanted words make of the pieces; None: there is no rule for one of them."""
    limits = [one for one in constraints if one.kind == "length"]
    closing = sum(len(words(one.value)) for one in constraints if one.kind in ("start", "end"))
    for one in limits:
        if one.max is None or one.unit not in ("words", "sentences"):
            return None
        if one.unit == "sentences":
            parts = parts[: one.max - sum(other.kind == "end" for other in constraints)]
        else:
            parts = _within(parts, one.max - closing)
    text = "".join(parts).strip()
    if not text:
        return None
    for one in sorted(constraints, key=_order):
        made = _applied(one, text, message)
        if made is None:
            return None
        text = made
    return text


def _within(parts: Sequence[str], most: int) -> list[str]:
    kept: list[str] = []
    for part in parts:
        most -= len(re.findall(r"\w+", part))
        if most < 0:
            break
        kept.append(part)
    return kept


def _order(one: Constraint) -> int:
    """Lists first, then what stands before and after the text, then marks and case; what encloses all comes last."""
    name = one.value.partition(":")[0]
    if one.kind == "format":
        return {"bullets": 0, "list": 0, "title": 2, "postscript": 2, "quotation": 6, "json": 7}.get(name, 1)
    return {"start": 3, "end": 3, "punctuation": 4, "case": 5}.get(one.kind, 1)


def _applied(one: Constraint, text: str, message: str) -> str | None:
    name, _, argument = one.value.partition(":")
    match one.kind:
        case "length":
            return text
        case "case" if one.value in ("lower", "upper"):
            return text.lower() if one.value == "lower" else text.upper()
        case "punctuation" if one.max == 0 and one.value in _MARKS:
            return text.replace(one.value, _MARKS[one.value])
        case "start" if not one.unit:
            return text if check(one, text) else f"{one.value}{' ' if one.value[-1:] in '.!?:,' else ': '}{text}"
        case "end":
            return text if check(one, text) else f"{text} {one.value}"
        case "format" if name == "quotation":
            return text if check(one, text) else f'"{text.strip(chr(34))}"'
        case "format" if name == "title":
            return f"<<{message.strip().rstrip('?.!: ')}>>\n\n{text}" if "\n" not in message.strip() else None
        case "format" if name == "postscript":
            *others, last = pieces(text)
            return (
                f"{''.join(others).rstrip()}\n\n{argument or 'P.S.'} {_ITEM.sub('', last).strip()}" if others else None
            )
        case "format" if name in ("bullets", "list"):
            return text if check(one, text) else _bullets(text, one.min or _LEAST)
        case "format" if name == "json":
            return json.dumps({"answer": text}, ensure_ascii=False)
        case _:
            return text if check(one, text) else None


def _bullets(text: str, count: int) -> str | None:
    """The first `count` items of a list, or sentences, as bullets."""
    items = [_ITEM.sub("", line) for line in text.splitlines() if _ITEM.match(line)]
    if len(items) < count:
        items = [_ITEM.sub("", part) for part in pieces(text)]
    return "\n".join(f"* {item.strip()}" for item in items[:count]) if len(items) >= count else None
