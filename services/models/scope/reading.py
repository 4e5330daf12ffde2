"""Messages as the scope compares them: their words with how much each says, and the encoder's states of both."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import Stemmer  # type: ignore[import-not-found]

from services.models.encoder_files import Vectors

if TYPE_CHECKING:
    from services.models.sentence_encoder import SentenceEncoder

MOST_CHARACTERS = 600
MOST_WORDS = 48
_WORD = re.compile(r"[^\W_]+")
_IDEOGRAPH = re.compile(r"[㐀-鿿豈-﫿぀-ヿ가-힯]")
_EMPTY = frozenset(
    "a an and are as at be been being but by can could d did do does for from had has have having he her his how "
    "i if in into is it its ll m may me might my no not of on or our re s shall she should so than that the their "
    "them then there these they this those to too t us very was we were what when where which who whom whose why "
    "will with would you your please tell hi hello hey say complete sentence finish know want need am also just "
    "about any some get got".split()
)
_stemmer = threading.local()


@dataclass(frozen=True)
class Word:
    """One word of a message: its stem, and what can be seen of it."""

    stem: str
    empty: bool  # says nothing of what is asked
    number: bool
    name: bool  # written with a capital inside a sentence, or with a digit in it
    rare: float  # 0 (every text has it) to 1, by the encoder's vocabulary


@dataclass(frozen=True)
class Reading:
    """A message read: its words, a unit state of each by the encoder and by the encoder of properties
    (`[words, dimensions]`), and the unit vectors of the whole (`[dimensions]`)."""

    text: str
    words: tuple[Word, ...]
    states: Vectors
    property_states: Vectors
    vector: Vectors
    property_vector: Vectors


class Reader:
    """Reads messages with the sentence encoder and with the one tuned to properties."""

    def __init__(self, encoder: SentenceEncoder, properties: SentenceEncoder) -> None:
        self._encoder = encoder
        self._properties = properties
        self.dimensions = encoder.dimensions

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """A reading of each text, cut at 600 characters."""
        if not texts:
            return []
        cut = [" ".join(unicodedata.normalize("NFKC", text)[:MOST_CHARACTERS].split()) for text in texts]
        general, tuned = self._encoder.states(cut), self._properties.states(cut)
        readings = []
        for text, plain, property_states in zip(cut, general, tuned, strict=True):
            spans, pieces = word_spans(text), self._encoder.pieces(text)
            words, rows = [], []
            for start, end in spans:
                inside = [i for i, (a, b) in enumerate(pieces[: len(plain)]) if a < end and b > start]
                if inside:
                    words.append(_word(text, start, end, len(inside)))
                    rows.append(inside)
            readings.append(
                Reading(
                    text,
                    tuple(words),
                    _pooled(plain.numpy(), rows, self.dimensions),
                    _pooled(property_states.numpy(), rows, self.dimensions),
                    _unit(plain.numpy().mean(0)) if len(plain) else np.zeros(self.dimensions, np.float32),
                    _unit(property_states.numpy().mean(0)) if len(plain) else np.zeros(self.dimensions, np.float32),
                )
            )
        return readings


def content_stems(text: str) -> frozenset[str]:
    """The stems of the words of a text that say what it asks; costs no encoder."""
    text = unicodedata.normalize("NFKC", text)[:MOST_CHARACTERS]
    words = (text[start:end].casefold() for start, end in word_spans(text))
    return frozenset(stem(word) for word in words if word not in _EMPTY)


def word_spans(text: str) -> list[tuple[int, int]]:
    """Where each word begins and ends, at most 48 of them; an ideograph is a word of its own."""
    spans: list[tuple[int, int]] = []
    for match in _WORD.finditer(text):
        start, end = match.span()
        if _IDEOGRAPH.search(match.group()):
            spans += [(at, at + 1) for at in range(start, end)]
        else:
            spans.append((start, end))
        if len(spans) >= MOST_WORDS:
            break
    return spans[:MOST_WORDS]


def _word(text: str, start: int, end: int, pieces: int) -> Word:
    shown = text[start:end]
    lower = shown.casefold()
    number = any(c.isdigit() for c in lower)
    opens = not text[:start].strip() or text[:start].rstrip()[-1:] in ".!?:\"'"
    name = number or (shown[:1].isupper() and not (opens and pieces == 1 and lower in _EMPTY))
    empty = lower in _EMPTY
    return Word(stem(lower), empty, number, name and not empty, 0.0 if empty else min(1.0, 0.25 * pieces))


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """The stem of a word in lower case, by the rules of English."""
    if not hasattr(_stemmer, "english"):
        _stemmer.english = Stemmer.Stemmer("english")
    return str(_stemmer.english.stemWord(word))


def _pooled(states: Vectors, rows: Sequence[Sequence[int]], dimensions: int) -> Vectors:
    if not rows:
        return np.zeros((0, dimensions), np.float32)
    pooled = np.stack([states[inside].mean(0) for inside in rows]).astype(np.float32)
    unit: Vectors = pooled / np.maximum(np.linalg.norm(pooled, axis=1, keepdims=True), 1e-6)
    return unit


def _unit(vector: Vectors) -> Vectors:
    return (vector / max(float(np.linalg.norm(vector)), 1e-6)).astype(np.float32)
