"""Of each note the sentences that bear on the message: a small model loses an answer among sentences that don't.

A second, cheap look at what was retrieved: sentences are scored by the words they share with the message, rare ones
weighing most, and the best of each note are kept in their order. What was found is not changed by it, and citations
are held against whole notes.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from services.common.sentences import pieces

_WORD = re.compile(r"[^\W_]+")
_IDEOGRAPHS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]+")
_STEM = 6  # letters by which words are compared: "borders" and "bordering" are one


def excerpts(texts: Sequence[str], message: str, most: int) -> list[str]:
    """Each text cut to its `most` best sentences (0: as it is).

    Of a text that shares no word with the message the first sentences are kept; where none of them does, there is
    nothing to choose by, and all stay as they are.
    """
    parts = [[part.strip() for part in pieces(text)] for text in texts]
    if not most or all(len(sentences) <= most for sentences in parts):
        return list(texts)
    words = [[_words(part) for part in sentences] for sentences in parts]
    count = sum(map(len, parts))
    spread = Counter(word for sentences in words for part in sentences for word in part)
    weights = {word: math.log((count + 1) / (spread[word] + 1)) for word in _words(message) if spread[word]}
    if not any(weights.values()):
        return list(texts)
    return [
        text if len(sentences) <= most else " ".join(sentences[at] for at in _best(own, weights, most))
        for text, sentences, own in zip(texts, parts, words, strict=True)
    ]


def _best(parts: Sequence[set[str]], weights: dict[str, float], most: int) -> list[int]:
    """The places of the best parts, in order; the earlier of two that are as good."""
    scores = [sum(weights.get(word, 0.0) for word in part) / (1 + 0.2 * math.log1p(len(part))) for part in parts]
    return sorted(sorted(range(len(parts)), key=lambda at: (-scores[at], at))[:most])


def _words(text: str) -> set[str]:
    """Beginnings of the text's words, and pairs of ideographs."""
    stems: set[str] = set()
    for word in _WORD.findall(text.casefold()):
        runs = _IDEOGRAPHS.findall(word)
        if runs:
            stems.update(run[at : at + 2] for run in runs for at in range(max(1, len(run) - 1)))
        elif len(word) > 2 or word.isdigit():
            stems.add(word[:_STEM])
    return stems
