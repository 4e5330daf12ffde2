"""A tenant's search index: passages by words and by meaning, and the facts that hold."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.common.facts import FactRevision
from services.knowledge.domain.bm25 import Bm25, best
from services.knowledge.domain.factbook import FactBook, weigh
from services.knowledge.domain.fusion import reciprocal_rank
from services.knowledge.domain.query import Query
from services.knowledge.domain.text import terms
from services.knowledge.domain.vectors import ExactVectors, GraphVectors, VectorIndex, Vectors

EXACT_LIMIT = 100_000
_DEPTH = 100  # how far down each ranking fusion looks
_BM25_WEIGHT, _DENSE_WEIGHT = 1.0, 1.0


@dataclass(frozen=True)
class Entry:
    """A passage as the index knows it; `text` is heading and text, and is not kept."""

    id: str
    revision: int
    document: str
    text: str
    access: frozenset[str] = frozenset()


@dataclass(frozen=True)
class PassageHit:
    """A passage found; `score` is comparable within one answer only."""

    id: str
    revision: int
    document: str
    score: float


@dataclass(frozen=True)
class Found:
    """What a search found, best first, and the watermark it covers."""

    passages: tuple[PassageHit, ...]
    facts: tuple[tuple[FactRevision, float], ...]
    watermark: int


class TenantIndex:
    """One tenant's knowledge, kept in step with the log. Threads may search while one thread applies."""

    def __init__(self, dimensions: int, exact_limit: int = EXACT_LIMIT) -> None:
        self._lock = threading.RLock()
        self._dimensions = dimensions
        self._exact_limit = exact_limit
        self._bm25 = Bm25()
        self._vectors: VectorIndex = ExactVectors(dimensions)
        self._row_of: dict[str, int] = {}
        self._entry: dict[int, tuple[str, int, str, frozenset[str], list[str]]] = {}
        self._next = 0
        self.facts = FactBook()
        self._pending: dict[str, int] = {}
        self.applied = 0

    def __len__(self) -> int:
        return len(self._row_of)

    @property
    def empty(self) -> bool:
        """True when no search could find anything."""
        return not self._row_of and not len(self.facts)

    @property
    def watermark(self) -> int:
        """Every write up to this number is searchable; an accepted document holds it back until it is settled."""
        with self._lock:
            return min(self._pending.values(), default=self.applied + 1) - 1

    def expect(self, ingestion: str, seq: int) -> None:
        """Notes a document that was accepted and is not searchable yet."""
        with self._lock:
            self._pending[ingestion] = seq

    def settle(self, ingestion: str) -> None:
        """Notes that the document is searchable, or never will be."""
        with self._lock:
            self._pending.pop(ingestion, None)

    def add(self, entries: Iterable[Entry]) -> None:
        """Makes passages searchable by words. Those that are there stay as they are."""
        for entry in entries:
            words = terms(entry.text)  # outside the lock: it is the longest part
            with self._lock:
                if entry.id in self._row_of:
                    continue
                row, self._next = self._next, self._next + 1
                self._row_of[entry.id] = row
                self._entry[row] = (entry.id, entry.revision, entry.document, entry.access, words)
                self._bm25.add(row, words)

    def add_vectors(self, vectors: Mapping[str, Vectors]) -> None:
        """Makes passages searchable by meaning; vectors of passages that are not here are passed over."""
        with self._lock:
            rows = {self._row_of[name]: vector for name, vector in vectors.items() if name in self._row_of}
            if not rows:
                return
            rows = {row: vector for row, vector in rows.items() if row not in self._vectors}
            if isinstance(self._vectors, ExactVectors) and len(self._vectors) + len(rows) > self._exact_limit:
                self._grow_graph(self._vectors)
            if rows:
                self._vectors.add(list(rows), np.stack(list(rows.values())))

    def remove(self, passages: Iterable[str]) -> None:
        """Takes passages out of every ranking."""
        with self._lock:
            for passage in passages:
                row = self._row_of.pop(passage, None)
                if row is None:
                    continue
                words = self._entry.pop(row)[4]
                self._bm25.remove(row, words)
                self._vectors.remove(row)

    def put_facts(self, revisions: Iterable[FactRevision], forget_first: Iterable[str] = ()) -> None:
        """Takes revisions of facts; of those in `forget_first` nothing else is kept."""
        with self._lock:
            self.facts.forget(forget_first)
            self.facts.put(revisions)

    def search(
        self,
        query: Query,
        encode: Callable[[Sequence[str]], Vectors] | None,
        passages: int = 5,
        facts: int = 5,
    ) -> Found:
        """The best passages and the facts that hold. `encode` is called once, outside the lock, if it is given."""
        weights = weigh(*query.weighted)
        with self._lock:
            watermark = self.watermark
            found_facts = self.facts.search(weights, query.everything, facts) if facts else []
            searchable = passages > 0 and bool(self._row_of)
            dense = searchable and len(self._vectors) > 0
        if not searchable:
            return Found((), tuple(found_facts), watermark)
        vector = encode([query.sentence])[0] if dense and encode is not None else None
        with self._lock:
            by_words = [row for row, _ in best(self._bm25.scores(weights), _DEPTH)]
            rankings = [(_BM25_WEIGHT, by_words)]
            if vector is not None:
                by_meaning = [row for row, _ in self._vectors.search(vector, _DEPTH)]
                rankings.append((_DENSE_WEIGHT, self._impute(by_words, by_meaning)))
            hits: list[PassageHit] = []
            for row, score in reciprocal_rank(rankings, _DEPTH):
                entry = self._entry.get(row)
                if entry is None or not entry[3] <= query.access:
                    continue
                hits.append(PassageHit(entry[0], entry[1], entry[2], score))
                if len(hits) == passages:
                    break
        return Found(tuple(hits), tuple(found_facts), watermark)

    def _impute(self, by_words: list[int], by_meaning: list[int]) -> list[int]:
        """The ranking by meaning with rows that have no vector yet at the place words give them.

        Without it, what was just written would lose to everything that is embedded.
        """
        ranking = list(by_meaning)
        for place, row in enumerate(by_words):
            if row not in self._vectors:
                ranking.insert(place, row)
        return ranking

    def _grow_graph(self, exact: ExactVectors) -> None:
        graph = GraphVectors(self._dimensions)
        rows, vectors = exact.items()
        if rows:
            graph.add(rows, vectors)
        self._vectors = graph
