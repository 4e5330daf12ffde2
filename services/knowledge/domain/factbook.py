"""The facts of a tenant in memory: what holds now, found by entity, slot and words."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime

import numpy as np
import numpy.typing as npt

from services.common import clock
from services.common.facts import FactRevision, Staleness, is_stale, resolve
from services.common.names import key
from services.knowledge.domain.bm25 import Bm25, Scores
from services.knowledge.domain.names import Names
from services.knowledge.domain.query import Query
from services.knowledge.domain.text import terms

# Chosen on the first half of KdConv's development dialogues.
_ENTITY_SHARE = 2.0  # how much being about the entity talked of counts against the words of the question
_NAMED = 0.5  # for an entity whose name is said, times _FADE for each one said later
_FADE = 0.6
_VALUE_SAID = 0.5  # for an entity one of whose values is said
_SAID_BEFORE = 1.0  # taken off a fact that was told in an earlier message
_LOOKED_AT = 200  # facts whose values are looked for in the text
_TELLING = 5  # characters that make a value telling


class FactBook:
    """Facts that hold, searchable. Whose entity is talked of, by name or by one of its values, comes first."""

    def __init__(self) -> None:
        self._revisions: dict[str, dict[int, FactRevision]] = defaultdict(dict)
        self._bm25 = Bm25()
        self._rows: dict[int, tuple[FactRevision, list[str]]] = {}
        self._rows_of: dict[str, list[int]] = defaultdict(list)
        self._names = Names()
        self._entities: dict[str, int] = {}  # entity key -> number, given once
        self._numbers = 0
        self._entity_of: npt.NDArray[np.int32] = np.zeros(256, np.int32)
        self._next = 0
        self._turns: dict[str, datetime] = {}  # fact -> when time alone next changes what holds of it

    def __len__(self) -> int:
        return len(self._rows)

    def put(self, revisions: Iterable[FactRevision]) -> None:
        """Takes revisions in any order, also again, and lets what holds follow from all of them."""
        touched = set()
        for revision in revisions:
            self._revisions[revision.id][revision.revision] = revision
            touched.add(revision.id)
        for fact in touched:
            self._refresh(fact)

    def forget(self, facts: Iterable[str]) -> None:
        """Drops every revision of these facts."""
        for fact in facts:
            self._revisions.pop(fact, None)
            self._refresh(fact)

    def current(self, fact: str) -> list[FactRevision]:
        """What holds of a fact."""
        return [self._rows[row][0] for row in self._rows_of.get(fact, [])]

    def knows(self, entity: str) -> bool:
        """True when something that holds is known of the entity."""
        return entity in self._names

    def search(
        self, query: Query, limit: int, floor: float = 0.0, now: datetime | None = None
    ) -> list[tuple[FactRevision, float]]:
        """Facts that hold and that the asker may see, best first; those below `floor` times the best are left out."""
        self._pass_time(now or clock.now())
        if not self._rows:
            return []
        by_question = self._bm25.scores(weigh((1.0, query.text)))
        by_talk = self._bm25.scores(weigh(*query.weighted))
        scores = by_question / max(float(by_question.max()), 1e-6)
        about, said = self._evidence(query, by_talk)
        touched = (about > 0)[self._entity_of[: len(scores)]] | (by_talk > 0)
        scores += _ENTITY_SHARE * about[self._entity_of[: len(scores)]]
        for row in said:
            scores[row] -= _SAID_BEFORE
        rows = [int(row) for row in np.flatnonzero(touched) if int(row) in self._rows]
        staleness = Staleness(self.current)
        facts = {row: self._rows[row][0] for row in rows}
        rows = [row for row in rows if facts[row].access <= query.access and not staleness.of(facts[row])]
        rows.sort(key=lambda row: (-scores[row], row))
        return [
            (self._rows[row][0], float(scores[row])) for row in rows[:limit] if scores[row] >= floor * scores[rows[0]]
        ]

    def stale(self, fact: FactRevision) -> bool:
        """True when something that the fact was derived from holds no longer; search leaves it out."""
        return is_stale(fact, self.current)

    def _evidence(self, query: Query, by_talk: Scores) -> tuple[Scores, set[int]]:
        """How much each entity is talked of, float32 [entities]; and the facts that earlier messages told."""
        about = np.zeros(self._numbers, np.float32)
        rows = self._entity_of[: len(by_talk)]
        np.maximum.at(about, rows, by_talk)
        about /= max(float(about.max()), 1e-6)
        told: set[int] = set()
        everything, earlier = key(query.everything), key("\n".join(query.context))
        values = np.zeros_like(about)
        likely = np.argsort(-by_talk, kind="stable")[:_LOOKED_AT]
        for row in (int(row) for row in likely if int(row) in self._rows):
            value = key(self._rows[row][0].value)
            if len(value) >= _TELLING and value in everything:
                values[rows[row]] = _VALUE_SAID
            if value and value in earlier:
                told.add(row)
        about += values
        weight = _NAMED
        for name in self._by_recency(query):
            about[self._entities[name]] += weight
            weight *= _FADE
        return about, told

    def _by_recency(self, query: Query) -> list[str]:
        """Entities named, the last said first: the message, then the messages before it, then the state."""
        names: dict[str, None] = {}
        for text in (query.text, *query.context, "\n".join(query.state)):
            places = self._names.last_places(text)
            names.update(dict.fromkeys(sorted(places, key=lambda name: -places[name])))
        return list(names)

    def _refresh(self, fact: str) -> None:
        left: set[str] = set()
        for row in self._rows_of.pop(fact, []):
            old, words = self._rows.pop(row)
            self._bm25.remove(row, words)
            self._names.discard(old.entity)
            left.add(key(old.entity))
        revisions = list(self._revisions.get(fact, {}).values())
        self._plan_turn(fact, revisions)
        for revision in resolve(revisions).current:
            words = terms(revision.sentence if not revision.span else f"{revision.sentence} {revision.span}")
            row, self._next = self._next, self._next + 1
            if row >= len(self._entity_of):
                self._entity_of = np.concatenate([self._entity_of, np.zeros_like(self._entity_of)])
            self._entity_of[row] = self._number(key(revision.entity))
            self._rows[row] = (revision, words)
            self._rows_of[fact].append(row)
            self._names.add(revision.entity)
            self._bm25.add(row, words)
        for entity in left:
            if entity not in self._names:
                del self._entities[entity]

    def _number(self, entity: str) -> int:
        if entity not in self._entities:
            self._entities[entity] = self._numbers
            self._numbers += 1
        return self._entities[entity]

    def _plan_turn(self, fact: str, revisions: list[FactRevision]) -> None:
        now = clock.now()
        times = [one.valid_from for one in revisions if one.dated] + [one.valid_to for one in revisions if one.valid_to]
        ahead = [time for time in times if time > now]
        self._turns.pop(fact, None)
        if ahead:
            self._turns[fact] = min(ahead)

    def _pass_time(self, now: datetime) -> None:
        for fact in [fact for fact, time in self._turns.items() if time <= now]:
            self._refresh(fact)


def weigh(*parts: tuple[float, str]) -> dict[str, float]:
    """Query terms with their weights: the greatest weight of the parts a term is in, times its count there."""
    weights: dict[str, float] = {}
    for weight, text in parts:
        for term, count in Counter(terms(text)).items():
            weights[term] = max(weights.get(term, 0.0), weight * count)
    return weights
