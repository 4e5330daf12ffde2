"""The gate: a version is offered for promotion when it learned and did not forget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

OLD_LOSS_RISE = 0.02
MOST_DRIFT = 0.15
"""Most nats per token by which a fusion head may move what nobody asked about."""


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


def judge_head(
    *,
    edits: tuple[float, float, float],
    rules: tuple[float, float],
    drift: tuple[float, float],
    edits_items: int,
    rules_items: int,
) -> list[Measure]:
    """The measures of a fusion head, in nats a token that an edit changed.

    ``edits``: people's, before, after, and after with another's feedback; ``rules``: held-out edits made by rule;
    ``drift``: KL from the base model where nothing was edited.

    Passed: people's edits became likelier, with their own feedback more than with another's; edits by rule lost at
    most 2 %; the drift is at most ``MOST_DRIFT``.
    """
    before, after, others = edits
    limit = rules[0] * (1 + OLD_LOSS_RISE)
    return [
        Measure("edit_loss", before, after, items=edits_items, limit=before, passed=after < before),
        Measure("edit_loss_own_feedback", others, after, items=edits_items, limit=others, passed=after < others),
        Measure("rule_edit_loss", *rules, items=rules_items, limit=limit, passed=not rules_items or rules[1] <= limit),
        Measure("drift", *drift, items=rules_items, limit=MOST_DRIFT, passed=drift[1] <= MOST_DRIFT),
    ]


def passed(measures: Sequence[Measure]) -> bool:
    """Whether every measure that has a limit kept it."""
    return all(measure.passed for measure in measures)
