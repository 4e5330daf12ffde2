"""The gate: a version is offered for promotion when it learned and did not forget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from services.finetune.domain.behaviour import Behaviour, Share

OLD_LOSS_RISE = 0.02
MOST_DRIFT = 0.15
"""Most nats per token by which a fusion head may move what nobody asked about."""


@dataclass(frozen=True)
class Measure:
    """One figure before and after training; ``limit`` None only informs. ``low`` to ``high`` is where ``after`` truly
    lies with 95 %, for shares."""

    name: str
    before: float
    after: float
    items: int
    limit: float | None = None
    passed: bool = True
    low: float | None = None
    high: float | None = None

    def document(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Limits:
    """What a version of low-rank pairs must keep: shares of replies at least, the perplexity's rise at most."""

    corrected: float = 0.9
    paraphrases: float = 0.6
    neighbours: float = 0.9
    old: float = 0.98
    earlier: float = 0.9
    degenerate: float = 0.05
    perplexity_rise: float = 0.01


def judge(behaviour: Behaviour, before: Behaviour, losses: tuple[float, float], limits: Limits) -> list[Measure]:
    """The measures of a version of low-rank pairs: how it behaves where it is served, beside what was served `before`.

    Every share is held against its limit, whatever became of the losses: a version that says what it learned and
    changes everything else as well has low losses too. That the rest stays must have been seen: a version of which no
    neighbour or no general message was asked is not offered, unless its limit asks for nothing. ``losses`` of what was
    learned inform.
    """

    def share(name: str, was: Share, now: Share, limit: float, *, seen: bool = False) -> Measure:
        low, high = now.interval
        good = now.value >= limit and (now.items > 0 or not seen or limit == 0)
        return Measure(name, was.value, now.value, now.items, limit, good, low, high)

    most = before.perplexity * (1 + limits.perplexity_rise)
    low, high = behaviour.degenerate.interval
    loops = behaviour.degenerate.value if behaviour.degenerate.items else 0.0
    return [
        Measure("new_loss", *losses, items=behaviour.corrected.items),
        share("corrected", before.corrected, behaviour.corrected, limits.corrected),
        share("paraphrases", before.paraphrases, behaviour.paraphrases, limits.paraphrases),
        share("neighbours_same", before.neighbours_same, behaviour.neighbours_same, limits.neighbours, seen=True),
        share("old_same", before.old_same, behaviour.old_same, limits.old, seen=True),
        share("earlier_corrected", before.earlier, behaviour.earlier, limits.earlier),
        Measure(
            "perplexity",
            before.perplexity,
            behaviour.perplexity,
            behaviour.old_same.items,
            most,
            behaviour.perplexity <= most,
        ),
        Measure(
            "degenerate",
            0.0,
            loops,
            behaviour.degenerate.items,
            limits.degenerate,
            loops <= limits.degenerate,
            low,
            high,
        ),
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
