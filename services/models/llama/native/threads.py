"""Chooses how many threads compute a pass: all cores when they are free, fewer when others need them too."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

_TRY_AGAIN = 48  # passes between two looks at another count


class ThreadChoice:
    """Learns from the passes' own times.

    A pass has hundreds of points where its threads wait for one another. On a busy machine one that was put
    aside stalls them all, and a single thread is faster. The count never changes an answer, only its time.
    """

    def __init__(self, most: int) -> None:
        self._counts = sorted({max(most, 1), max(most // 2, 1), 1}, reverse=True)
        self._seconds: dict[int, dict[int, float]] = {}
        self._passes = 0

    @contextmanager
    def timed(self, tokens: int) -> Iterator[int]:
        """The count for a pass of `tokens` tokens; the time inside the block is learnt from."""
        known = self._seconds.setdefault(tokens.bit_length(), {})
        self._passes += 1
        count = self._choose(known)
        started = time.perf_counter()
        yield count
        seconds = (time.perf_counter() - started) / tokens
        known[count] = seconds if count not in known else known[count] + 0.25 * (seconds - known[count])

    def _choose(self, known: dict[int, float]) -> int:
        best = min(known, key=lambda count: known[count], default=self._counts[0])
        if self._passes % _TRY_AGAIN or len(self._counts) == 1:
            return best
        others = [count for count in self._counts if count != best]
        return others[self._passes // _TRY_AGAIN % len(others)]
