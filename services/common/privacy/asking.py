"""Asking whether values are the tenant's own, within bounds: a store that is slow to say so holds nothing up."""

from __future__ import annotations

import time
from collections.abc import Callable

_MOST_KEPT = 10_000


class Asked:
    """``own(kind, value)``, asked once for each value, in many dialogues, until the answers have taken ``seconds`` in
    all, by ``clock``; what comes after that is answered by False, so that it is masked. Not thread-safe."""

    def __init__(
        self, own: Callable[[str, str], bool], seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._own = own
        self._left = seconds
        self._clock = clock
        self._answers: dict[tuple[str, str], bool] = {}

    def __call__(self, kind: str, value: str) -> bool:
        known = self._answers.get((kind, value))
        if known is not None:
            return known
        if self._left <= 0:
            return False
        began = self._clock()
        answer = self._own(kind, value)
        self._left -= self._clock() - began
        if len(self._answers) < _MOST_KEPT:
            self._answers[kind, value] = answer
        return answer
