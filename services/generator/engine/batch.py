"""Runs sequences together and, where that fails, each alone, so that one bad draft ends alone."""

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


def prefill_batch(backend: Backend, sequences: abc.Sequence[Sequence], budget: int, fail: Fail) -> int:
    """Compute at most `budget` prompt tokens of the sequences; answers how many."""
    try:
        return backend.prefill(sequences, budget)
    except Exception as error:
        if len(sequences) == 1:
            fail(sequences[0], error)
            return 0
        log.exception("a prefill of %d rows failed; trying each alone", len(sequences))
    return sum(prefill_batch(backend, [sequence], budget, fail) for sequence in sequences)


def step_batch(backend: Backend, sequences: abc.Sequence[Sequence], fail: Fail) -> list[tuple[Sequence, list[int]]]:
    """Step the sequences; answers each with its new ids, without those that failed."""
    try:
        return list(zip(sequences, backend.step(sequences), strict=True))
    except Exception as error:
        if len(sequences) == 1:
            fail(sequences[0], error)
            return []
        log.exception("a step of %d rows failed; stepping each alone", len(sequences))
    return [answer for sequence in sequences for answer in step_batch(backend, [sequence], fail)]
