"""Runs rows together and, where that fails, each alone, so that one bad draft ends alone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from services.generator.engine.rows import Row

if TYPE_CHECKING:
    from services.generator.backends.base import Backend

log = logging.getLogger(__name__)
Fail = Callable[[Row, Exception], None]


def prefill_together(backend: Backend, rows: Sequence[Row], budget: int, fail: Fail) -> int:
    """Compute at most `budget` prompt tokens of the rows; answers how many."""
    try:
        return backend.prefill(rows, budget)
    except Exception as error:
        if len(rows) == 1:
            fail(rows[0], error)
            return 0
        log.exception("a prefill of %d rows failed; trying each alone", len(rows))
    return sum(prefill_together(backend, [row], budget, fail) for row in rows)


def step_together(backend: Backend, rows: Sequence[Row], fail: Fail) -> list[tuple[Row, list[int]]]:
    """Step the rows; answers each with its new ids, without those that failed. A row that is held against another is
    never stepped without it."""
    units = [[row] if row.contrasted is None else [row, row.contrasted] for row in rows if row.beside is None]
    try:
        return list(zip(rows, backend.step(rows), strict=True))
    except Exception as error:
        if len(units) == 1:
            fail(rows[0], error)
            return []
        log.exception("a step of %d rows failed; stepping each alone", len(rows))
    return [answer for unit in units for answer in step_together(backend, unit, fail)]
