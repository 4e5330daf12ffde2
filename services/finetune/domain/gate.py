"""The gate: a version is offered for promotion when it learned and did not forget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

OLD_LOSS_RISE = 0.02


@dataclass(frozen=True)
class Measure:
    """One figure before and after training; ``limit`` None only informs."""

    name: str
    before: float
    after: float
    items: int
    limit: float | None = None
    passed: bool = True

    def document(self) -> dict[str, Any]:
        return asdict(self)


def judge(
    *,
    new_loss: tuple[float, float],
    old_loss: tuple[float, float],
    new_right: tuple[float, float],
    old_same: float,
    new_items: int,
    old_items: int,
) -> list[Measure]:
    """The measures of a version: pairs are (before, after), losses mean −log P of an answer token in nats.

    Passed: the loss on what was to be learned fell, and on held-out old examples it rose by at most 2 %. The shares
    of greedy replies that are right (new) or unchanged (old) inform.
    """
    limit = old_loss[0] * (1 + OLD_LOSS_RISE)
    return [
        Measure("new_loss", *new_loss, items=new_items, limit=new_loss[0], passed=new_loss[1] < new_loss[0]),
        Measure("old_loss", *old_loss, items=old_items, limit=limit, passed=not old_items or old_loss[1] <= limit),
        Measure("new_right", *new_right, items=new_items),
        Measure("old_same", 1.0, old_same, items=old_items),
    ]


def passed(measures: Sequence[Measure]) -> bool:
    """Whether every measure that has a limit kept it."""
    return all(measure.passed for measure in measures)
