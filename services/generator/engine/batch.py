"""Runs rows together and, where that fails, each alone, so that one bad draft ends alone."""

from __future__ import annotations

import logging
from collections import abc
from collections.abc import Callable
from typing import TYPE_CHECKING

from services.generator.engine.sequence import Sequence

if TYPE_CHECKING:
    from services.generator.engine.backend import Backend

log = logging.getLogger(__name__)
Fail = Callable[[Sequence, Exception], None]


def prefill_batch(backend: Backend, rows: abc.Sequence[Sequence], budget: int, fail: Fail) -> int:
    """Compute at most `budget` prompt tokens of the rows; answers how many."""
    try:
        return backend.prefill(rows, budget)
    except Exception as error:
        if len(rows) == 1:
            fail(rows[0], error)
            return 0
        log.exception("a prefill of %d rows failed; trying each alone", len(rows))
    return sum(prefill_batch(backend, [row], budget, fail) for row in rows)


def step_batch(backend: Backend, rows: abc.Sequence[Sequence], fail: Fail) -> list[tuple[Sequence, list[int]]]:
    """Step the rows; answers each with its new ids, without those that failed."""
    try:
        return list(zip(rows, backend.step(rows), strict=True))
    except Exception as error:
        if len(rows) == 1:
            fail(rows[0], error)
            return []
        log.exception("a step of %d rows failed; stepping each alone", len(rows))
    return [answer for row in rows for answer in step_batch(backend, [row], fail)]
