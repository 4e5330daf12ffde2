"""The facts of a tenant in memory: what holds now, found by entity, slot and words."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from services.common.facts import FactRevision, key, resolve
from services.knowledge.domain.bm25 import Bm25, best
from services.knowledge.domain.text import terms

_ENTITY_BONUS = 2.0
_SLOT_BONUS = 1.0


class FactBook:
    """Facts that hold, searchable by words; a fact whose entity and slot are both named comes first."""

    def __init__(self) -> None:
        self._revisions: dict[str, dict[int, FactRevision]] = defaultdict(dict)
        self._bm25 = Bm25()
        self._rows: dict[int, tuple[FactRevision, list[str]]] = {}
        self._rows_of: dict[str, list[int]] = defaultdict(list)
        self._entities: dict[str, set[str]] = defaultdict(set)  # entity key -> fact ids
        self._next = 0
        self._expires: dict[str, datetime] = {}

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

    def revisions(self, fact: str) -> list[FactRevision]:
        """All revisions of a fact that are known here."""
        return list(self._revisions.get(fact, {}).values())

    def current(self, fact: str) -> list[FactRevision]:
        """What holds of a fact."""
        return [self._rows[row][0] for row in self._rows_of.get(fact, [])]

    def search(
        self, weights: Mapping[str, float], text: str, limit: int, now: datetime | None = None
    ) -> list[tuple[FactRevision, float]]:
        """Facts that hold, best first. `text` is searched for entities and slots as whole phrases."""
        self._expire(now or datetime.now(UTC))
        if not self._rows:
            return []
        scores = self._bm25.scores(weights)
        phrases = f" {key(text)} "
        for entity, facts in self._entities.items():
            if entity and (f" {entity} " in phrases or (not entity.isascii() and entity in phrases)):
                for row in (row for fact in facts for row in self._rows_of[fact]):
                    slot = key(self._rows[row][0].slot)
                    named = bool(slot) and slot in phrases
                    scores[row] += _ENTITY_BONUS + (_SLOT_BONUS if named else 0.0)
        return [(self._rows[row][0], score) for row, score in best(scores, limit)]

    def _refresh(self, fact: str) -> None:
        for row in self._rows_of.pop(fact, []):
            old, words = self._rows.pop(row)
            self._bm25.remove(row, words)
            self._entities[key(old.entity)].discard(fact)
        revisions = list(self._revisions.get(fact, {}).values())
        self._plan_expiry(fact, revisions)
        for revision in resolve(revisions).current:
            words = terms(revision.sentence if not revision.span else f"{revision.sentence} {revision.span}")
            row, self._next = self._next, self._next + 1
            self._rows[row] = (revision, words)
            self._rows_of[fact].append(row)
            self._entities[key(revision.entity)].add(fact)
            self._bm25.add(row, words)

    def _plan_expiry(self, fact: str, revisions: list[FactRevision]) -> None:
        """Remembers when time alone next changes what holds of the fact."""
        now = datetime.now(UTC)
        times = [one.valid_from for one in revisions] + [one.valid_to for one in revisions if one.valid_to]
        ahead = [time for time in times if time > now]
        self._expires.pop(fact, None)
        if ahead:
            self._expires[fact] = min(ahead)

    def _expire(self, now: datetime) -> None:
        for fact in [fact for fact, time in self._expires.items() if time <= now]:
            self._refresh(fact)


def weigh(*parts: tuple[float, str]) -> dict[str, float]:
    """Query terms with their weights: the greatest weight of the parts a term is in, times its count there."""
    weights: dict[str, float] = {}
    for weight, text in parts:
        for term, count in Counter(terms(text)).items():
            weights[term] = max(weights.get(term, 0.0), weight * count)
    return weights
