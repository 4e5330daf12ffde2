"""A tenant's search index: passages by words and by meaning, and the facts that hold."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from services.common.facts import FactRevision
from services.knowledge.domain.bm25 import Bm25, best
from services.knowledge.domain.competing import Competition
from services.knowledge.domain.entries import Entry, Found, IndexParts, PassageHit, Row
from services.knowledge.domain.factbook import FactBook, weigh
from services.knowledge.domain.fusion import Fusion, dense_share
from services.knowledge.domain.query import Query
from services.knowledge.domain.text import terms
from services.knowledge.domain.titles import Titles
from services.knowledge.domain.vectors import ExactVectors, GraphVectors, VectorIndex, Vectors

EXACT_LIMIT = 100_000
_DEPTH = 100  # how far down each ranking fusion looks
_TITLE_BONUS = 0.2  # of a passage whose document the query names
_LINK_SHARE = 0.4  # of a passage's score that passes to documents it names
_LINKING = 3  # passages whose links are followed
_LINKED = 20  # passages of a named document, at most
_RARE_IDF = 3.0
_MOVED = 4  # vectors that move to the graph with every vector that is added


class TenantIndex:
    """One tenant's knowledge, kept in step with the log. Threads may search while one thread applies."""

    def __init__(self, dimensions: int, exact_limit: int = EXACT_LIMIT) -> None:
        self._lock = threading.RLock()
        self._dimensions = dimensions
        self._exact_limit = exact_limit
        self._bm25 = Bm25()
        self._vectors: VectorIndex = ExactVectors(dimensions)
        self._growing: GraphVectors | None = None
        self._row_of: dict[str, int] = {}
        self._rows: dict[int, Row] = {}
        self._rows_of: dict[str, set[int]] = {}
        self._titles = Titles()
        self._known = 0.0
        self._next = 0
        self.facts = FactBook()
        self._competition = Competition()
        self._pending: dict[str, int] = {}
        self.applied = 0

    def parts(self) -> IndexParts:
        """A copy of what a snapshot keeps; searches wait while it is taken."""
        with self._lock:
            exact = self._vectors if isinstance(self._vectors, ExactVectors) else None
            vector_rows, vectors = exact.items() if exact else ([], np.zeros((0, self._dimensions), np.float32))
            return IndexParts(
                applied=self.applied,
                pending=dict(self._pending),
                rows=[
                    (number, row.id, row.revision, row.document, row.access, row.known, row.words)
                    for number, row in self._rows.items()
                ],
                titles=self._titles.all(),
                vector_rows=vector_rows,
                vectors=vectors.copy(),
                graph=self._vectors.dump() if isinstance(self._vectors, GraphVectors) else None,
            )

    @classmethod
    def of_parts(cls, parts: IndexParts, dimensions: int, exact_limit: int = EXACT_LIMIT) -> TenantIndex:
        """The index the parts were taken from, without its facts."""
        index = cls(dimensions, exact_limit)
        index.applied = parts.applied
        index._pending = dict(parts.pending)
        for document, title in parts.titles.items():
            index._titles.put(document, title)
        for number, name, revision, document, access, known, words in parts.rows:
            made = Row(name, revision, document, access, known, words)
            index._rows[number] = made
            index._row_of[made.id] = number
            index._rows_of.setdefault(made.document, set()).add(number)
            index._known += made.known
            index._next = max(index._next, number + 1)
        places: dict[str, int] = {}
        lengths = np.fromiter((len(row[6]) for row in parts.rows), np.int32, len(parts.rows))
        every = (places.setdefault(word, len(places)) for row in parts.rows for word in row[6])
        flat = np.fromiter(every, np.int32, int(lengths.sum()))
        index._bm25.add_many(np.asarray([row[0] for row in parts.rows], np.int32), lengths, list(places), flat)
        if parts.graph is not None:
            index._vectors = GraphVectors.of_dump(dimensions, parts.graph)
        elif parts.vector_rows:
            index._vectors.add(parts.vector_rows, parts.vectors)
        return index

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

    def idf(self, term: str) -> float:
        """How telling a term of `terms` is among the passages; 0 for one that none has."""
        with self._lock:
            return self._bm25.idf(term)

    def terms(self) -> list[str]:
        """Every term that a passage has."""
        with self._lock:
            return self._bm25.terms()

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
            words = terms(f"{entry.heading}\n{entry.text}")  # outside the lock: it is the longest part
            with self._lock:
                if entry.id in self._row_of:
                    continue
                row, self._next = self._next, self._next + 1
                self._row_of[entry.id] = row
                self._rows[row] = Row(entry.id, entry.revision, entry.document, entry.access, entry.known, tuple(words))
                self._known += entry.known
                if entry.document not in self._rows_of:
                    self._rows_of[entry.document] = set()
                    self._titles.add(entry.document, entry.heading.partition(" > ")[0])
                self._rows_of[entry.document].add(row)
                self._bm25.add(row, words)

    def add_vectors(self, vectors: Mapping[str, Vectors]) -> None:
        """Makes passages searchable by meaning; vectors of passages that are not here are passed over."""
        with self._lock:
            rows = {self._row_of[name]: vector for name, vector in vectors.items() if name in self._row_of}
            rows = {row: vector for row, vector in rows.items() if row not in self._vectors}
            if not rows:
                return
            self._vectors.add(list(rows), np.stack(list(rows.values())))
        self._move_to_graph(_MOVED * len(rows))

    def remove(self, passages: Iterable[str]) -> None:
        """Takes passages out of every ranking."""
        with self._lock:
            for passage in passages:
                row = self._row_of.pop(passage, None)
                if row is None:
                    continue
                gone = self._rows.pop(row)
                self._known -= gone.known
                self._bm25.remove(row, gone.words)
                self._vectors.remove(row)
                if self._growing is not None:
                    self._growing.remove(row)
                rows = self._rows_of[gone.document]
                rows.discard(row)
                if not rows:
                    del self._rows_of[gone.document]
                    self._titles.remove(gone.document)

    def put_facts(self, revisions: Iterable[FactRevision], forget_first: Iterable[str] = ()) -> None:
        """Takes revisions of facts; of those in `forget_first` nothing else is kept."""
        gone = set(forget_first)
        with self._lock:
            self.facts.forget(gone)
            self.facts.put(revisions)
        self._competition.forget(gone)

    def search(
        self,
        query: Query,
        encode: Callable[[Sequence[str]], Vectors] | None,
        passages: int = 5,
        facts: int = 5,
        fact_floor: float = 0.0,
        properties: Callable[[Sequence[str]], Vectors] | None = None,
    ) -> Found:
        """The best passages and the facts that hold; left out are facts below `fact_floor` times the best one and those
        that a later one answers the question in place of.

        Both are called outside the lock, if they are given: `encode` if the tenant has vectors, `properties` (see
        `slots`) once for each entity of which several facts are found.
        """
        weights = weigh(*query.weighted)
        with self._lock:
            watermark = self.watermark
            found_facts = self.facts.search(query, facts, fact_floor) if facts else []
            searchable = passages > 0 and bool(self._row_of)
            dense = searchable and len(self._vectors) > 0
        if properties is not None and len(found_facts) > 1:
            found_facts = self._competition.settle(query.text, found_facts, properties)
        if not searchable:
            return Found((), tuple(found_facts), watermark)
        share = dense_share(self._known / len(self._row_of)) if dense else 0.0
        vector = encode([query.sentence])[0] if share > 0 and encode is not None else None
        with self._lock:
            scores = self._passage_scores(weights, query, vector, share)
            hits: list[PassageHit] = []
            for row in sorted(scores, key=lambda row: (-scores[row], row)):
                found = self._rows[row]
                if found.access <= query.access:
                    hits.append(PassageHit(found.id, found.revision, found.document, scores[row]))
                if len(hits) == passages:
                    break
        return Found(tuple(hits), tuple(found_facts), watermark)

    def nearest(self, vector: Vectors, limit: int) -> list[tuple[int, float]]:
        """Row numbers by cosine; for probing how much of exact search an approximate one finds."""
        with self._lock:
            return self._vectors.search(vector, limit)

    def _passage_scores(
        self, weights: Mapping[str, float], query: Query, vector: Vectors | None, share: float
    ) -> dict[int, float]:
        """Words and meaning together, then what the query names and what the best passages name (entity expansion)."""
        by_words = self._bm25.scores(weights)
        named = self._named(terms(query.everything))
        ranked = best(by_words, _DEPTH)
        near = self._vectors.search(vector, _DEPTH) if vector is not None else []
        fusion = Fusion(share, ranked[0][1] if ranked else 0.0, near[0][1] if near else 0.0)

        def fuse(rows: Iterable[int]) -> dict[int, float]:
            chosen = list(rows)
            meaning = self._vectors.similar(chosen, vector) if vector is not None and chosen else {}
            return {row: fusion.score(float(by_words[row]), meaning.get(row)) for row in chosen}

        scores = fuse({row for row, _ in ranked} | {row for row, _ in near} | named)
        for row in named:
            scores[row] += _TITLE_BONUS
        linked: dict[int, float] = {}
        for row in sorted(scores, key=lambda row: (-scores[row], row))[:_LINKING]:
            source = self._rows[row]
            if source.access <= query.access:
                for other in self._named(source.words) - self._rows_of[source.document]:
                    linked[other] = max(linked.get(other, 0.0), _LINK_SHARE * scores[row])
        scores.update(fuse(linked.keys() - scores.keys()))
        return {row: score + linked.get(row, 0.0) for row, score in scores.items()}

    def _named(self, words: Sequence[str]) -> set[int]:
        """Rows of the documents whose titles stand in the words."""
        rare = {word for word in set(words) if self._bm25.idf(word) >= _RARE_IDF}
        rows: set[int] = set()
        for document in self._titles.found_in(words, rare):
            rows.update(sorted(self._rows_of[document])[:_LINKED])
        return rows

    def _move_to_graph(self, count: int) -> None:
        """Above the limit of exact search, puts up to `count` vectors more into a graph, which takes over when it has
        them all. Searches go on meanwhile: nobody but the thread that applies changes sees the unfinished graph.
        """
        exact = self._vectors
        if not isinstance(exact, ExactVectors) or len(exact) <= self._exact_limit:
            return
        graph = self._growing = self._growing or GraphVectors(self._dimensions)
        rows, vectors = exact.items()
        waiting = [place for place, row in enumerate(rows) if row not in graph][:count]
        if waiting:
            graph.add([rows[place] for place in waiting], vectors[waiting])
        if len(graph) == len(rows):
            with self._lock:
                self._vectors, self._growing = graph, None
