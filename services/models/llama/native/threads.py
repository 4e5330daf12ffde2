"""Chooses how many threads compute a pass: all cores when they are free, fewer when others need them too."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager

_RECENT = 4  # passes of a count that are remembered; the best of them stands for it
_TRY_AGAIN = 24  # passes between two looks at another count
_FAR = 1.3  # a count that takes so much longer than the best is looked at more rarely
_RARELY = 8


class ThreadChoice:
    """Learns from the passes' own times.

    A pass has hundreds of points where its threads wait for one another. On a busy machine one that was put
    aside stalls them all, and a single thread is faster. The count never changes an answer, only its time.
    """

    def __init__(self, most: int) -> None:
        self._counts = sorted({max(most, 1), max(most // 2, 1), 1}, reverse=True)
        self._seconds: dict[int, dict[int, deque[float]]] = {}
        self._passes: Counter[int] = Counter()

    @contextmanager
    def timed(self, tokens: int) -> Iterator[int]:
        """The count for a pass of `tokens` tokens; the time inside the block is learnt from."""
        size = tokens.bit_length()
        known = self._seconds.setdefault(size, {count: deque(maxlen=_RECENT) for count in self._counts})
        self._passes[size] += 1
        count = self._choose(known, self._passes[size])
        started = time.perf_counter()
        yield count
        known[count].append((time.perf_counter() - started) / tokens)

    def _choose(self, known: dict[int, deque[float]], passes: int) -> int:
        tried = [count for count in self._counts if known[count]] or self._counts[:1]
        best = min(tried, key=lambda count: min(known[count], default=0.0))
        if passes % _TRY_AGAIN or len(self._counts) == 1:
            return best
        turn = passes // _TRY_AGAIN
        others = [count for count in self._counts if count != best]
        other = others[turn % len(others)]
        far = min(known[other], default=0.0) > _FAR * min(known[best])
        return best if far and turn % _RARELY else other
