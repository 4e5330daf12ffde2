"""What a draft that is being written is worth by the feedback: its constraints met, still within reach, or lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from services.common.constraint import Constraint, wanted_phrase
from services.common.constraint_checks import check
from services.common.text_measures import count_words, sentences

_BEGUN = 0.5
"""The most that a phrase counts before it is whole."""
_SENTENCE = 3  # tokens at least


class Credit:
    """The constraints of one draft.

    Phrases to bring in count as far as they stand there; whatever can only be lost (a forbidden word, the most words,
    one case) counts until it is; what is still within reach counts as met.
    """

    def __init__(self, constraints: Sequence[Constraint]) -> None:
        self._constraints = constraints
        self._phrases = [one for one in constraints if _phrase(one)]

    @property
    def most(self) -> int:
        """What a draft with everything has."""
        return len(self._constraints)

    def owed(self, text: str) -> list[str]:
        """The phrases that do not stand in `text` as they are wanted."""
        return [_phrase(one) for one in self._phrases if not _met(one, text)]

    def bank(self, text: str) -> int:
        """How far the phrases are: a hundred for each that is whole, and as much of another as is begun."""
        owed = self.owed(text)
        on_its_way = max((begun(phrase, text) for phrase in owed), default=0.0)
        return 100 * (len(self._phrases) - len(owed)) + int(100 * on_its_way)

    def so_far(self, text: str, left: int) -> float:
        """Of a draft that may be `left` tokens longer, between 0 and `most`."""
        return sum(_so_far(one, text, left) for one in self._constraints)

    def in_the_end(self, text: str) -> int:
        """Of a whole draft: the constraints that it meets."""
        return sum(check(one, text) for one in self._constraints)


def _met(one: Constraint, text: str) -> bool:
    """As `check`; what speaks of a phrase whose words are not there is known without looking for it by its pattern."""
    if one.kind in ("must_include", "keep", "must_not_include") and one.unit != "characters" and text.isascii():
        said = text.lower()
        if any(word not in said for word in one.value.lower().split() if word.isalnum()):
            return one.kind == "must_not_include" or one.min == 0 or (one.min is None and one.max is not None)
    return check(one, text)


def begun(phrase: str, text: str) -> float:
    """The share of the phrase that `text` ends with, short of all."""
    phrase, end = phrase.lower(), text[-len(phrase) :].lower()
    for size in range(min(len(phrase) - 1, len(end)), 0, -1):
        before = text[-size - 1 : -size]
        if end.endswith(phrase[:size]) and not (before.isalnum() and phrase[0].isalnum()):
            return size / len(phrase)
    return 0.0


def _phrase(one: Constraint) -> str:
    return wanted_phrase(one).strip() if one.kind in ("must_include", "keep", "replace") and not one.unit else ""


def _so_far(one: Constraint, text: str, left: int) -> float:
    if phrase := _phrase(one):
        return 1.0 if _met(one, text) else _BEGUN * begun(phrase, text)
    if one.kind in ("must_not_include", "case", "language"):
        return float(not text.strip() or one.value == "capital_words" or one.kind == "language" or _met(one, text))
    if one.max is not None and not check(replace(one, min=0), text):
        return 0.0
    if one.kind == "length" and one.min is not None:
        missing = one.min - _count(one, text)
        return float(missing * (_SENTENCE if one.unit == "sentences" else 1) <= left)
    if one.kind == "start" and not one.unit:
        written = text.lstrip().lower()
        return float(written.startswith(one.value.lower()) or one.value.lower().startswith(written))
    return 1.0


def _count(one: Constraint, text: str) -> int:
    if one.unit == "words":
        return count_words(text)[0]
    return len(sentences(text)) if one.unit == "sentences" else one.min or 0
