"""What a fusion head is told of a piece of feedback at each step of a draft, and how much of it is still owed.

A fixed vector cannot know what has been said already. A `FeedbackReader` follows one draft and answers for each step
which tokens the feedback wants next, which it wants kept out, and how far every other wish is met (its coverage, after
See et al. 2017, section 2.3, counted instead of attended). Wishes come from understood constraints; phrases in
quotation marks that no constraint explains are offered with an unknown role, so that the head can judge by the words
around them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.common import text_measures as measure
from services.common.constraints import Constraint, replacement, unwanted_phrase
from services.models.growing_text import GrowingText

READER = "coverage-1"
ASPECTS = (
    "lower", "upper", "capital_words", "few_capitals", "no_comma", "no_mark", "quotation", "start", "end", "bullets",
    "numbered", "json", "title", "highlights", "sections", "one_of", "postscript", "max_words", "min_words",
    "max_sentences", "min_sentences", "language", "include", "exclude", "plain", "table", "tone", "other",
)  # fmt: skip
PLACE = 9
"""Numbers that say where the draft stands, beside the aspects."""
FLAGS = 8
"""Numbers that go with the wanted tokens, and with the unwanted ones."""
_QUOTED = re.compile(r'["“«]([^"”»\n]{1,80})["”»]|\b(?:word|phrase|term)s?\s+([\w\'’-]+)', re.I)
_MOST_AVOIDED = 24
_ROLES = ("start", "end", "include", "unknown")
_Tokens = tuple[tuple[int, ...], tuple[float, ...]]
"""Tokens and their flags."""


class Spelling(Protocol):
    """What the reader needs of a codec."""

    def encode(self, text: str) -> list[int]:
        """Token ids of a text, nothing added."""
        ...

    def spelling(self, token: int) -> bytes:
        """The bytes a token adds."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """What the head is told before one token: ids wanted next with their flags, ids to keep out with theirs, and
    the aspects: asked (`len(ASPECTS)`), met so far (as many, 0 to 2), then `PLACE` numbers."""

    wanted: tuple[int, ...]
    wanted_flags: tuple[float, ...]
    avoided: tuple[int, ...]
    avoided_flags: tuple[float, ...]
    aspects: tuple[float, ...]


_NOTHING: _Tokens = ((), (0.0,) * FLAGS)


@dataclass(frozen=True, slots=True)
class _Phrase:
    text: str
    role: str
    lower: str
    ways: tuple[tuple[int, ...], ...]  # within a line, at a line's beginning
    begun_by: frozenset[int]  # tokens after which one of the ways may be on its way


class FeedbackReader:
    """Reads one draft, token by token; one instance for each draft."""

    def __init__(self, codec: Spelling, comment: str, constraints: Sequence[Constraint]) -> None:
        self._codec = codec
        self._constraints = [(one, _aspect(one)) for one in constraints]
        self._asked = [0.0] * len(ASPECTS)
        for _, aspect in self._constraints:
            self._asked[ASPECTS.index(aspect)] = 1.0
        self._phrases, unwanted = self._gather(comment, constraints)
        self._avoided = [(way, role) for text, role in unwanted for way in self._forms(text)][:_MOST_AVOIDED]
        words = _QUOTED.sub(" ", comment) if self._phrases or unwanted else comment
        self.comment_ids: tuple[int, ...] = tuple(codec.encode(" " + words.strip())) if words.strip() else ()
        self._begun_by = frozenset(token for way, _ in self._avoided for token in way[:-1])
        self._unbegun = self._unwanted(())
        self._text = GrowingText()
        self._seen = 0

    def step(self, generated: Sequence[int]) -> Step:
        """What to tell the head when `generated` (this draft's ids, growing from call to call) stand there."""
        for token in generated[self._seen :]:
            self._text.extend(self._codec.spelling(token))
        self._seen = len(generated)
        text = self._text.text
        said = text.lower()
        wanted, wanted_flags = self._wanted(generated, text, said) if self._phrases else _NOTHING
        begun = bool(generated) and generated[-1] in self._begun_by
        avoided, avoided_flags = self._unwanted(generated) if begun else self._unbegun
        met = [0.0] * len(ASPECTS)
        for one, aspect in self._constraints:
            at = ASPECTS.index(aspect)
            met[at] = max(met[at], min(2.0, self._met(one, aspect, text, said)))
        place = _place(len(generated), self._text)
        return Step(wanted, wanted_flags, avoided, avoided_flags, (*self._asked, *met, *place))

    def _gather(self, comment: str, constraints: Sequence[Constraint]) -> tuple[list[_Phrase], list[tuple[str, str]]]:
        """Phrases that may be wanted, and (text, role) of those that may be unwanted."""
        wanted: list[tuple[str, str]] = []
        unwanted: list[tuple[str, str]] = []
        for one in constraints:
            name, _, argument = one.value.partition(":")
            if one.kind in ("must_include", "keep") and not one.unit and one.max != 0:
                wanted.append((one.value, "include"))
            elif one.kind == "replace":
                wanted.append((replacement(one)[1], "include"))
            elif (one.kind == "start" and not one.unit) or one.kind == "end":
                wanted.append((one.value, one.kind))
            elif one.kind == "format" and name == "one_of":
                wanted += [(option, "start") for option in argument.split("|")]
            if phrase := unwanted_phrase(one):
                unwanted.append((phrase, "known"))
        explained = " ".join(one.value.lower() for one in constraints)
        for match in _QUOTED.finditer(comment):
            phrase = (match[1] or match[2]).strip()
            if phrase and phrase.lower() not in explained and not (explained and match[2]):
                wanted.append((phrase, "unknown"))
                unwanted.append((phrase, "unknown"))
        made = []
        for text, role in dict.fromkeys((text.strip(), role) for text, role in wanted if text.strip()):
            ways = (tuple(self._codec.encode(" " + text)), tuple(self._codec.encode(text)))
            made.append(_Phrase(text, role, text.lower(), ways, frozenset(one for way in ways for one in way[:-1])))
        return made, unwanted

    def _forms(self, text: str) -> list[tuple[int, ...]]:
        text = text.strip()
        forms = dict.fromkeys((text, text.lower(), text.capitalize(), text.upper(), text + "s", text.lower() + "s"))
        return [tuple(self._codec.encode(lead + form)) for form in forms if form for lead in (" ", "")]

    def _wanted(self, generated: Sequence[int], text: str, said: str) -> _Tokens:
        """The next tokens of owed phrases; one that was begun goes alone."""
        first: list[tuple[int, str]] = []
        begun: tuple[int, str, float] | None = None
        owed = 0
        for phrase in self._phrases:
            if phrase.role == "start" or (phrase.role == "unknown" and not generated):
                way = phrase.ways[1]
                if len(generated) < len(way) and tuple(generated) == way[: len(generated)]:
                    owed += 1
                    if generated:
                        begun = (way[len(generated)], phrase.role, len(generated) / len(way))
                    else:
                        first.append((way[0], phrase.role))
                continue
            if said.rstrip().endswith(phrase.lower) if phrase.role == "end" else phrase.lower in said:
                continue
            owed += 1
            on_its_way = bool(generated) and generated[-1] in phrase.begun_by
            matched = max((_overlap(generated, way), way) for way in phrase.ways) if on_its_way else (0, ())
            if matched[0]:
                begun = (matched[1][matched[0]], phrase.role, matched[0] / len(matched[1]))
            else:
                first.append((phrase.ways[0 if text and not text[-1].isspace() else 1][0], phrase.role))
        if not owed:
            return _NOTHING
        now = [begun[1]] if begun else [role for _, role in first]
        roles = [float(role in now) for role in _ROLES]
        flags = (float(begun is not None), begun[2] if begun else 0.0, float(not generated), min(owed, 4) / 4, *roles)
        return ((begun[0],) if begun else tuple(token for token, _ in first)), flags

    def _unwanted(self, generated: Sequence[int]) -> _Tokens:
        ids: dict[int, None] = {}
        begun = False
        for way, _ in self._avoided:
            matched = _overlap(generated, way)
            begun |= matched > 0
            ids[way[matched]] = None
        known = any(role == "known" for _, role in self._avoided)
        unknown = any(role == "unknown" for _, role in self._avoided)
        flags = [float(begun), float(known), float(unknown)]
        return tuple(ids), (*flags, *[0.0] * (FLAGS - len(flags)))

    def _met(self, one: Constraint, aspect: str, text: str, said: str) -> float:
        """How much of the wish is met, or, of a limit, used up."""
        goal = float(one.min or one.max or 1)
        match aspect:
            case "max_words" | "min_words":
                return self._text.words / goal
            case "max_sentences" | "min_sentences":
                return self._text.sentences / goal
            case "bullets":
                return measure.bullets(text) / goal
            case "numbered":
                return measure.numbered(text) / goal
            case "highlights":
                return len(re.findall(r"\*[^\n*]+\*", text)) / goal
            case "sections":
                name = one.value.partition(":")[2] or "Section"
                return len(re.findall(rf"{re.escape(name)}\s+\d", text, re.I)) / goal
            case "capital_words" | "few_capitals":
                return sum(1 for word in measure.words(text) if word.isupper()) / goal
            case "title":
                return float("<<" in text) * 0.5 + float(">>" in text) * 0.5
            case "quotation":
                return float(text.startswith('"')) * 0.5 + float(len(text) > 1 and text.endswith('"')) * 0.5
            case "postscript":
                return float(re.search(r"p\.\s?s\.", text, re.I) is not None)
            case "json":
                return 0.5 * text.startswith("{") + 0.5 * text.rstrip().endswith("}")
            case "include":
                phrase = replacement(one)[1] or one.value
                if said.isascii() and any(word not in said for word in phrase.lower().split() if word.isalnum()):
                    return 0.0  # to look for it by its pattern takes longer than all the rest
                return min(1.0, measure.count_phrase(phrase, text) / goal)
            case "start" | "one_of":
                return float(len(text) >= len(one.value))
            case "end":
                return float(text.rstrip().lower().endswith(one.value.lower()))
            case _:
                return 0.0


def _overlap(generated: Sequence[int], way: Sequence[int]) -> int:
    """How many of the way's tokens the draft ends with, short of all."""
    for count in range(min(len(way) - 1, len(generated)), 0, -1):
        if tuple(generated[-count:]) == tuple(way[:count]):
            return count
    return 0


def _place(tokens: int, written: GrowingText) -> tuple[float, ...]:
    text = written.text
    last = text[-1:] if text[-1:] > " " else text.rstrip()[-1:]
    return (
        math.log1p(tokens) / 5,
        float(not tokens),
        float(last in ".!?") if text else 0.0,
        float(text.endswith("\n")),
        float(written.quotes % 2),
        written.words / 50,
        written.sentences / 5,
        float(written.one_line),
        written.case,
    )


def _aspect(one: Constraint) -> str:
    name = one.value.partition(":")[0]
    match one.kind:
        case "case" if one.value in ("lower", "upper"):
            return one.value
        case "case" if one.value == "capital_words":
            return "capital_words" if one.min else "few_capitals"
        case "punctuation":
            return ("no_comma" if one.value == "," else "no_mark") if one.max == 0 else "other"
        case "length" if one.unit in ("words", "sentences"):
            return f"{'max' if one.max is not None else 'min'}_{one.unit}"
        case "format":
            return {"list": "bullets", "prose": "plain"}.get(name, name if name in ASPECTS else "other")
        case "must_include" | "keep" | "replace":
            return "include" if one.max != 0 else "exclude"
        case "must_not_include":
            return "exclude"
        case "start" | "end" | "language" | "tone":
            return one.kind
        case _:
            return "other"
