"""BM25 over a set of texts that grows and shrinks while it is searched."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int32]
Scores = npt.NDArray[np.float32]


class _Postings:
    """Rows and counts of one term; new ones wait in flat arrays until the term is next searched."""

    __slots__ = ("_counts", "_new_counts", "_new_rows", "_rows")

    def __init__(self, rows: Rows | None = None, counts: Scores | None = None) -> None:
        self._rows: Rows = np.empty(0, np.int32) if rows is None else rows
        self._counts: Scores = np.empty(0, np.float32) if counts is None else counts
        self._new_rows = array("i")
        self._new_counts = array("f")

    def append(self, row: int, count: int) -> None:
        self._new_rows.append(row)
        self._new_counts.append(count)

    def arrays(self) -> tuple[Rows, Scores]:
        if self._new_rows:
            self._rows = np.concatenate([self._rows, np.frombuffer(self._new_rows, np.int32)])
            self._counts = np.concatenate([self._counts, np.frombuffer(self._new_counts, np.float32)])
            self._new_rows, self._new_counts = array("i"), array("f")
        return self._rows, self._counts


class Bm25:
    """Okapi BM25 (Robertson & Zaragoza 2009, eq. 3.15) with idf = ln(1 + (N - n + ½) / (n + ½)).

    Texts are known by row numbers that the caller gives, each once and rising. One writer; searches may run
    under the same lock as the writes only.
    """

    def __init__(self, k1: float = 1.2, b: float = 0.75) -> None:
        self._k1 = k1
        self._b = b
        self._postings: dict[str, _Postings] = {}
        self._frequency: Counter[str] = Counter()
        self._lengths: Scores = np.zeros(1024, np.float32)
        self._alive: npt.NDArray[np.bool_] = np.zeros(1024, np.bool_)
        self._rows = 0
        self._count = 0
        self._total = 0.0

    def __len__(self) -> int:
        return self._count

    def add(self, row: int, terms: Sequence[str]) -> None:
        """Makes the text of `row` searchable by its terms. Costs one step per different term."""
        if row >= len(self._lengths):
            size = max(row + 1, 2 * len(self._lengths))
            self._lengths = np.concatenate([self._lengths, np.zeros(size - len(self._lengths), np.float32)])
            self._alive = np.concatenate([self._alive, np.zeros(size - len(self._alive), np.bool_)])
        self._rows = max(self._rows, row + 1)
        self._lengths[row] = len(terms)
        self._alive[row] = True
        self._count += 1
        self._total += len(terms)
        for term, count in Counter(terms).items():
            postings = self._postings.get(term)
            if postings is None:
                postings = self._postings[term] = _Postings()
            postings.append(row, count)
            self._frequency[term] += 1

    def add_many(self, rows: Rows, lengths: Rows, vocabulary: Sequence[str], words: Rows) -> None:
        """Fills an empty index: texts `rows` [n] of `lengths` [n] terms each, which stand one after another in `words`
        as places in `vocabulary`. Sorts once instead of taking a step per term.
        """
        if not len(rows):
            return
        self._rows = int(rows.max()) + 1
        self._lengths = np.zeros(max(1024, self._rows), np.float32)
        self._alive = np.zeros(max(1024, self._rows), np.bool_)
        self._lengths[rows] = lengths
        self._alive[rows] = True
        self._count = len(rows)
        self._total = float(lengths.sum())
        pairs = words.astype(np.int64) * self._rows + np.repeat(rows, lengths)
        pairs, counts = np.unique(pairs, return_counts=True)
        terms, owners = pairs // self._rows, (pairs % self._rows).astype(np.int32)
        starts = np.flatnonzero(np.diff(terms, prepend=-1))
        for start, end in zip(starts, [*starts[1:], len(pairs)], strict=True):
            term = vocabulary[int(terms[start])]
            self._postings[term] = _Postings(owners[start:end].copy(), counts[start:end].astype(np.float32))
            self._frequency[term] = int(end - start)

    def remove(self, row: int, terms: Iterable[str]) -> None:
        """Takes the text of `row` out; `terms` are those it was added with."""
        self._alive[row] = False
        self._count -= 1
        self._total -= float(self._lengths[row])
        for term in set(terms):
            self._frequency[term] -= 1
            if not self._frequency[term]:  # a word that no text has any more is not kept either
                del self._frequency[term], self._postings[term]

    def idf(self, term: str) -> float:
        """How telling a term is; 0 for a term that no text has."""
        frequency = self._frequency[term]
        return math.log(1 + (self._count - frequency + 0.5) / (frequency + 0.5)) if frequency > 0 else 0.0

    def terms(self) -> list[str]:
        """Every term that a text has."""
        return list(self._frequency)

    def scores(self, terms: Mapping[str, float]) -> Scores:
        """The score of every row, dead ones 0: float32 [rows]. `terms` are the query terms with their weights."""
        scores = np.zeros(self._rows, np.float32)
        if not self._count:
            return scores
        average = max(self._total / self._count, 1.0)
        norms = self._k1 * (1 - self._b + self._b * self._lengths[: self._rows] / average)
        for term, times in terms.items():
            postings = self._postings.get(term)
            weight = self.idf(term) * times * (self._k1 + 1)
            if postings is None or weight <= 0:
                continue
            rows, counts = postings.arrays()
            scores[rows] += weight * counts / (counts + norms[rows])
        scores[~self._alive[: self._rows]] = 0
        return scores


def best(scores: Scores, limit: int) -> list[tuple[int, float]]:
    """The `limit` best rows with a score above 0, best first; equal scores by row."""
    count = min(limit, len(scores))
    if not count:
        return []
    rows = np.argpartition(-scores, count - 1)[:count]
    rows = rows[scores[rows] > 0]
    rows = rows[np.lexsort((rows, -scores[rows]))]
    return [(int(row), float(scores[row])) for row in rows]
