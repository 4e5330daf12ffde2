"""The waiting line before the sequences: bounded, fair over tenants, by priority within a tenant."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from itertools import count

from services.generator.engine.errors import EngineFull
from services.generator.engine.sequence import Sequence


class RequestQueue:
    """Sequences that wait for a place.

    The next sequence comes from the tenant with the fewest sequences in work; among equals from the one that was served
    longest ago. Not thread-safe: the engine holds its lock.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._tenants: dict[str, list[tuple[int, int, Sequence]]] = {}
        self._served: dict[str, int] = {}
        self._arrivals = count()
        self._serves = count(1)

    def __len__(self) -> int:
        return sum(map(len, self._tenants.values()))

    def put(self, sequence: Sequence) -> None:
        """Queue the sequence.

        Raises:
            EngineFull: the line is at its limit.
        """
        if len(self) >= self._limit:
            raise EngineFull(f"{self._limit} drafts are waiting already")
        line = self._tenants.setdefault(sequence.request.tenant, [])
        heapq.heappush(line, (-sequence.request.priority, next(self._arrivals), sequence))

    def take(self, admit: Callable[[Sequence], bool], working: Counter[str]) -> Sequence | None:
        """Remove and answer the next sequence that `admit` accepts; only the first of each tenant is tried.

        `working` counts each tenant's sequences in work. None: nothing waits, or nothing was accepted.
        """
        fair = sorted(self._tenants, key=lambda t: (working[t], self._served.get(t, 0)))
        for tenant in fair:
            line = self._tenants[tenant]
            sequence = line[0][2]
            if not admit(sequence):
                continue
            heapq.heappop(line)
            self._served[tenant] = next(self._serves)
            if not line:
                del self._tenants[tenant]
            return sequence
        if not self._tenants:
            self._served.clear()
        return None

    def waiting(self) -> list[Sequence]:
        """All sequences in the line, in no order."""
        return [sequence for line in self._tenants.values() for _, _, sequence in line]

    def remove(self, chosen: Callable[[Sequence], bool]) -> list[Sequence]:
        """Remove and answer all sequences that are `chosen`."""
        out: list[Sequence] = []
        for tenant in list(self._tenants):
            line = self._tenants[tenant]
            stay = [entry for entry in line if not chosen(entry[2])]
            if len(stay) == len(line):
                continue
            out += [entry[2] for entry in line if chosen(entry[2])]
            heapq.heapify(stay)
            if stay:
                self._tenants[tenant] = stay
            else:
                del self._tenants[tenant]
        return out
