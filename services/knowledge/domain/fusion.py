"""Brings the scores of words and of meaning together."""

from __future__ import annotations

from dataclasses import dataclass

DENSE_SHARE = 0.4
_KNOWN_FLOOR, _KNOWN_FULL = 0.5, 0.9


def dense_share(known: float) -> float:
    """How much meaning counts in a corpus of whose WordPieces the encoder knows the share `known`.

    An encoder that reads half of a corpus as unknown tokens compares noise: below the floor only words count.
    """
    return DENSE_SHARE * min(1.0, max(0.0, (known - _KNOWN_FLOOR) / (_KNOWN_FULL - _KNOWN_FLOOR)))


@dataclass(frozen=True)
class Fusion:
    """(1 - share) · words / most + share · meaning / nearest (Bruch et al. 2023).

    `most` and `nearest` are the best score of words and of meaning that the search met.
    """

    share: float
    most: float
    nearest: float

    def score(self, words: float, meaning: float | None) -> float:
        """A row's score; without a vector it is taken to mean what its words say.

        Otherwise what was just written would lose to what is embedded already.
        """
        by_words = words / self.most if self.most > 0 else 0.0
        if self.share <= 0 or self.nearest <= 0:
            return by_words
        by_meaning = by_words if meaning is None else max(meaning, 0.0) / self.nearest
        return (1 - self.share) * by_words + self.share * by_meaning
