"""Which of the facts found answer the same question, so that only the latest of them reaches the prompt.

Two sentences may speak of one property in words that nobody took for the same: both are then kept, each under its own
slot. The question is what brings them together: what answers it as well as the best does, is alike, and was said
earlier, is left out of this answer. Nothing is retired by it.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from services.common.facts import FactRevision
from services.common.names import key
from services.knowledge.domain.slots import property_of
from services.knowledge.domain.vectors import Vectors

# Chosen on the same ten relations as the constants of slots.py.
_NEAR = 0.2  # how far below the best answer to the question both must be at most
_ALIKE = 2.0  # their likeness and both their nearness to the question, summed
_REMEMBERED = 20_000  # facts, of which each takes a vector

Encode = Callable[[Sequence[str]], Vectors]


class Competition:
    """Leaves earlier answers out; thread-safe. Remembers what the encoder made of each fact."""

    def __init__(self) -> None:
        self._read: OrderedDict[tuple[str, int], Vectors] = OrderedDict()
        self._forgotten = 0  # times; what was read before one of them is not kept after it
        self._lock = threading.Lock()

    def forget(self, facts: Iterable[str]) -> None:
        """Keeps nothing of these facts."""
        gone = set(facts)
        with self._lock:
            self._forgotten += 1
            for known in [one for one in self._read if one[0] in gone]:
                del self._read[known]

    def settle(
        self, question: str, found: Sequence[tuple[FactRevision, float]], encode: Encode
    ) -> list[tuple[FactRevision, float]]:
        """`found` without facts that a later one of the same entity answers the question in place of.

        Only facts read from sentences compete: one that was taught by its slot has the slot its teacher meant.
        """
        of_entity: dict[str, list[FactRevision]] = defaultdict(list)
        for fact, _ in found:
            if fact.provenance.get("relation") and not fact.multi:
                of_entity[key(fact.entity)].append(fact)
        left: set[str] = set()
        for facts in of_entity.values():
            if len({one.id for one in facts}) > 1:
                left |= self._outdated(_without(question, facts[0].entity), facts, encode)
        return [pair for pair in found if pair[0].id not in left]

    def _outdated(self, question: str, facts: Sequence[FactRevision], encode: Encode) -> set[str]:
        asked, stated = self._vectors(question, facts, encode)
        answers = stated @ asked
        alike = stated @ stated.T + answers[:, None] + answers
        near = answers >= answers.max() - _NEAR
        return {
            earlier.id
            for one, earlier in enumerate(facts)
            for other, later in enumerate(facts)
            if near[one] and near[other] and alike[one, other] >= _ALIKE and _replaces(later, earlier)
        }

    def _vectors(self, question: str, facts: Sequence[FactRevision], encode: Encode) -> tuple[Vectors, Vectors]:
        """The question's vector `[size]` and the facts' `[facts, size]`; one call of the encoder."""
        names = [(one.id, one.revision) for one in facts]
        with self._lock:
            known = {name: self._read[name] for name in names if name in self._read}
            forgotten = self._forgotten
        new = [one for one, name in zip(facts, names, strict=True) if name not in known]
        made = encode([question, *map(property_of, new)])
        for one, vector in zip(new, made[1:], strict=True):
            known[one.id, one.revision] = vector
        with self._lock:
            for name in names if forgotten == self._forgotten else ():
                self._read[name] = known[name]
                self._read.move_to_end(name)
            while len(self._read) > _REMEMBERED:
                self._read.popitem(last=False)
        return made[0], np.stack([known[name] for name in names])


def _replaces(later: FactRevision, earlier: FactRevision) -> bool:
    """True when `later` is another fact with another value and wins by authority, then by time."""
    if later.id == earlier.id or key(later.value) == key(earlier.value):
        return False
    return (later.authority, later.valid_from, later.recorded_at) > (
        earlier.authority,
        earlier.valid_from,
        earlier.recorded_at,
    )


def _without(question: str, entity: str) -> str:
    """The question's words but for the entity's name, which all its facts share."""
    rest = re.sub(rf"{re.escape(entity)}(?:['’]s)?", " ", question, flags=re.IGNORECASE)
    return " ".join(rest.replace(" ,", " ").split())
