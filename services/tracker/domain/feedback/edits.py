"""An edit read as feedback: what a person added to a draft, removed from it and replaced in it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import regex
from rapidfuzz.distance import Indel

from services.common.constraints import Constraint, replacing
from services.common.text_measures import bullets, count_phrase, count_words, numbered, pieces
from services.tracker.domain.words import STOP

MAX_TOKENS = 4_000
"""Tokens of either text that are compared; longer texts are compared sentence by sentence alone."""
_PHRASE = 12
_MOST_CHANGES = 40
"""Changes of each sort that are asked for."""
_TOKEN = regex.compile(
    r"[\u3400-\u9fff]|[\p{L}\p{N}][\p{L}\p{N}\p{M}]*+(?:['’\-‑.,:][\p{L}\p{N}][\p{L}\p{N}\p{M}]*+)*|[^\w\s]|\s+"
)


@dataclass(frozen=True, slots=True)
class Edit:
    """The difference: phrases only the edited text has, only the draft has, and pairs (old, new)."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    replaced: tuple[tuple[str, str], ...] = ()
    draft: str = field(default="", repr=False)
    edited: str = field(default="", repr=False)

    def to_json(self) -> dict[str, Any]:
        """The phrases, each shortened to what a message can carry."""
        return {
            "added": [_short(a) for a in self.added[:10]],
            "removed": [_short(r) for r in self.removed[:10]],
            "replaced": [[_short(old), _short(new)] for old, new in self.replaced[:10]],
        }

    def constraints(self, limit: int = 12) -> list[Constraint]:
        """What the edit asks of the next draft: its short phrases word by word, its length, its lists."""
        return [*islice(self._phrases(), limit), *self._shape()]

    def _phrases(self) -> Iterator[Constraint]:
        """The short phrases of the first changes, as constraints: each is looked for in the whole text."""
        for old, new in self.replaced[:_MOST_CHANGES]:
            if _fits(old) and _fits(new) and not count_phrase(old, self.edited):
                yield replacing(old, new, "edit")
        for phrase in self.added[:_MOST_CHANGES]:
            if _fits(phrase):
                yield Constraint("must_include", phrase, source="edit")
        for phrase in self.removed[:_MOST_CHANGES]:
            if _fits(phrase) and not count_phrase(phrase, self.edited, inflected=True):
                yield Constraint("must_not_include", phrase, source="edit")

    def _shape(self) -> list[Constraint]:
        before, after = count_words(self.draft)[1], count_words(self.edited)[1]
        made = []
        if before and after and after < 0.7 * before:
            made.append(Constraint("length", "shorter", "words", None, max(1, round(after * 1.2)), "edit"))
        elif before and after > 1.5 * before:
            made.append(Constraint("length", "longer", "words", round(after * 0.8), None, "edit"))
        for count, value in ((bullets, "bullets"), (numbered, "numbered")):
            if count(self.edited) >= 2 and not count(self.draft):
                made.append(Constraint("format", value, source="edit"))
            elif count(self.draft) >= 2 and not count(self.edited) and not made:
                made.append(Constraint("format", "prose", source="edit"))
        return made


def _short(text: str) -> str:
    return text if len(text) <= 200 else text[:199] + "…"


def _fits(phrase: str) -> bool:
    """Whether a phrase is short enough to be asked for word by word and says something."""
    words = re.findall(r"[^\W_]+", phrase)
    return 0 < len(words) <= _PHRASE and any(w.lower() not in STOP for w in words)


def difference(draft: str, edited: str) -> Edit:
    """The edit that leads from `draft` to `edited`, by words; a change of spacing or of nothing is empty."""
    before, after = (_tokens(unicodedata.normalize("NFC", text)) for text in (draft, edited))
    added: list[str] = []
    removed: list[str] = []
    replaced: list[tuple[str, str]] = []
    for tag, a, b, c, d in _joined(_aligned(before, after), before):
        old, new = _phrase(before[a:b]), _phrase(after[c:d])
        if tag == "equal" or not (re.search(r"\w", old) or re.search(r"\w", new)):
            continue
        if old and new:
            replaced.append((old, new))
        elif new:
            added.append(new)
        elif old:
            removed.append(old)
    return Edit(tuple(added), tuple(removed), tuple(replaced), draft, edited)


def _aligned(before: Sequence[str], after: Sequence[str]) -> list[tuple[str, int, int, int, int]]:
    """Which tokens of both are equal, and what lies between; the longest common subsequence by bit vectors (Hyyrö
    2004), so that repetitions cost no more than other words do."""
    codes = Indel.opcodes([token.casefold() for token in before], [token.casefold() for token in after])
    return [(code.tag, code.src_start, code.src_end, code.dest_start, code.dest_end) for code in codes]


def _tokens(text: str) -> list[str]:
    tokens = [t for t in _TOKEN.findall(text) if t.strip()]
    if len(tokens) <= MAX_TOKENS:
        return tokens
    return [piece.strip() for piece in pieces(text)][:MAX_TOKENS]


def _joined(codes: Sequence[tuple[str, int, int, int, int]], before: list[str]) -> list[tuple[str, int, int, int, int]]:
    """Changes that only a stop word or a mark separates are one change: people replace phrases, not words."""
    joined: list[tuple[str, int, int, int, int]] = []
    for i, code in enumerate(codes):
        tag, a, b, c, d = code
        between = tag == "equal" and 0 < i < len(codes) - 1 and b - a <= 2
        if between and all(t.lower() in STOP or not t[0].isalnum() for t in before[a:b]) and "." not in before[a:b]:
            tag = "bridge"
        if joined and tag != "equal" and joined[-1][0] != "equal":
            _, a0, _, c0, _ = joined[-1]
            joined[-1] = ("change", a0, b, c0, d)
        else:
            joined.append((tag, a, b, c, d))
    return joined


def _phrase(tokens: list[str]) -> str:
    """Tokens as text again: no space before closing marks or behind opening ones."""
    text = " ".join(tokens)
    text = re.sub(r"\s+([,.;:!?%)\]}’”])", r"\1", text)
    text = re.sub(r"([(\[{$€£“])\s+", r"\1", text)
    return re.sub(r"(?<=[\u3400-\u9fff])\s+(?=[\u3400-\u9fff])", "", text).strip(" ,;:.!?")
