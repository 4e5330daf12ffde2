"""Masks over the vocabulary: letters of the other case, forbidden marks, letters of other scripts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from services.common import text_measures as measure
from services.common.constraints.punctuation import WRITINGS
from services.generator.decoding.words import BAN, Vocabulary
from services.generator.decoding.written import Written

if TYPE_CHECKING:
    from torch import Tensor

_LOOP = 6  # tokens
_EMOJI = re.compile(rb"\xf0|\xe2[\x98-\x9e]")  # four-byte characters, and the older symbols
_SCRIPTS = {
    "ar": (0x600, 0x6FF), "fa": (0x600, 0x6FF), "ur": (0x600, 0x6FF), "he": (0x590, 0x5FF), "el": (0x370, 0x3FF),
    "ru": (0x400, 0x4FF), "uk": (0x400, 0x4FF), "bg": (0x400, 0x4FF), "sr": (0x400, 0x4FF), "th": (0xE00, 0xE7F),
    "hi": (0x900, 0x97F), "mr": (0x900, 0x97F), "ne": (0x900, 0x97F), "bn": (0x980, 0x9FF), "pa": (0xA00, 0xA7F),
    "gu": (0xA80, 0xAFF), "ta": (0xB80, 0xBFF), "te": (0xC00, 0xC7F), "kn": (0xC80, 0xCFF), "ml": (0xD00, 0xD7F),
    "ko": (0xAC00, 0xD7AF), "zh": (0x4E00, 0x9FFF), "ja": (0x3040, 0x9FFF),
}  # fmt: skip


class Banned:
    """The same tokens are refused at every step."""

    def __init__(self, ids: Tensor) -> None:
        self._ids = ids

    def __call__(self, generated: Sequence[int], logits: Tensor) -> Tensor:
        """Refuse them."""
        logits[self._ids] = BAN
        return logits


class OneCase:
    """Letters of one case alone.

    A token with a letter of the other case is refused, and its likelihood goes to the same letters in the wanted
    case where one token writes them, so that the model's choice of words stays its own.
    """

    def __init__(self, vocabulary: Vocabulary, upper: bool) -> None:
        name = "upper" if upper else "lower"
        self._banned = vocabulary.matching(f"not {name}", lambda s: _has_case(s, upper=not upper))
        self._sources, self._targets = _folds(vocabulary, upper)

    def __call__(self, generated: Sequence[int], logits: Tensor) -> Tensor:
        """Fold, then refuse."""
        logits.scatter_reduce_(0, self._targets.to(logits.device), logits[self._sources], "amax")
        logits[self._banned] = BAN
        return logits


class CapitalWords:
    """At least `low` words in capitals, which are the draft's first ones, and at most `high`."""

    def __init__(self, vocabulary: Vocabulary, written: Written, low: int, high: int | None) -> None:
        self._written = written
        self._low, self._high = low, high
        self._shout = OneCase(vocabulary, upper=True)
        self._capitals = vocabulary.matching("capitals", lambda s: s.strip().isupper())

    def __call__(self, generated: Sequence[int], logits: Tensor) -> Tensor:
        """Shout until there are enough, then stop it."""
        count = sum(1 for word in measure.words(self._written.text(generated)) if word.isupper())
        if count < self._low:
            return self._shout(generated, logits)
        if self._high is not None and count >= self._high:
            logits[self._capitals] = BAN
        return logits


class NoLoop:
    """No run of tokens comes twice: what a mask takes from the model must not leave it going in circles."""

    def __init__(self, size: int, length: int = _LOOP) -> None:
        self._size = size
        self._length = length
        self._next: dict[tuple[int, ...], set[int]] = {}
        self._seen = 0

    def __call__(self, generated: Sequence[int], logits: Tensor) -> Tensor:
        """Refuse what would complete a run for the second time."""
        lead = self._length - 1
        for at in range(max(self._seen, lead), len(generated)):
            self._next.setdefault(tuple(generated[at - lead : at]), set()).add(generated[at])
        self._seen = len(generated)
        followed = self._next.get(tuple(generated[-lead:]))
        if followed:
            logits[[token for token in followed if 0 <= token < self._size]] = BAN
        return logits


def mark_mask(vocabulary: Vocabulary, mark: str) -> Tensor:
    """Ids of tokens that hold the mark in any of its writings; "emoji" is every one of them."""
    if mark == "emoji":
        return vocabulary.matching("emoji", lambda s: _EMOJI.search(s) is not None)
    forms = [form.encode() for form in (WRITINGS.get(mark, mark) if len(mark) == 1 else [mark])]
    return vocabulary.matching(f"mark {mark}", lambda s: any(form in s for form in forms))


def characters_mask(vocabulary: Vocabulary, characters: str) -> Tensor:
    """Ids of tokens that hold one of the characters."""
    forms = [one.encode() for one in characters]
    return vocabulary.matching(f"characters {characters}", lambda s: any(form in s for form in forms))


def script_mask(vocabulary: Vocabulary, language: str) -> Tensor | None:
    """Ids of tokens with letters of another script than the language's; None for languages in Latin letters."""
    span = _SCRIPTS.get(language)
    if span is None:
        return None
    leads = {chr(point).encode()[:n] for point in range(*span) for n in (1, 2)}

    def foreign(spelling: bytes) -> bool:
        if any(byte < 0x80 and chr(byte).isalpha() for byte in spelling):
            return True
        text = spelling.decode("utf-8", "ignore")
        if any(c.isalpha() and not span[0] <= ord(c) <= span[1] for c in text):
            return True
        broken = spelling[len(text.encode()) :] if spelling.startswith(text.encode()) else b""
        return bool(broken) and broken[0] >= 0xC0 and broken[:2] not in leads and broken[:1] not in leads

    return vocabulary.matching(f"script {span}", foreign)


def _has_case(spelling: bytes, upper: bool) -> bool:
    text = spelling.decode("utf-8", "ignore")
    return any((c.isupper() if upper else c.islower()) for c in text)


def _folds(vocabulary: Vocabulary, upper: bool) -> tuple[Tensor, Tensor]:
    """Tokens with letters of the other case, and for each the token with the same letters in the wanted one."""
    known = {spelling: token for token, spelling in reversed(list(enumerate(vocabulary.spellings))) if spelling}
    name = "folds upper" if upper else "folds lower"

    def pairs() -> list[list[int]]:
        found = []
        for token, spelling in enumerate(vocabulary.spellings):
            folded = spelling.upper() if upper else spelling.lower()  # of bytes: ASCII letters alone
            other = known.get(folded) if folded != spelling else None
            if other is not None:
                found.append([token, other])
        return found

    both = vocabulary.table(name, pairs)
    return both[:, 0], both[:, 1]
