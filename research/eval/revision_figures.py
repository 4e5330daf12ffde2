"""Shares, intervals and paired differences of the revision arms."""

from __future__ import annotations

import json
import random
import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from research.eval.revision_items import Item

PAIRS = {
    "withheld_gain": ("A2", "A0"),
    "withheld_over_shuffled": ("A2", "A2-shuffled"),
    "withheld_over_literal": ("A2", "A2L"),
    "prompt_gain": ("A1", "A0"),
    "fusion_gain": ("A3", "A1"),
    "fusion_over_shuffled": ("A3", "A3-shuffled"),
    "fusion_over_constant": ("A3", "A3-constant"),
    "fusion_over_lora": ("A3", "A1L"),
    "full_over_prompt_full": ("A5", "A1+"),
    "full_over_fusion": ("A5", "A3"),
}
_TIMES = 1_000


@dataclass
class Reply:
    """A draft with the scorer's word on it: which checks it passes, what speaks against it, and whether it is
    improbable after the prompt alone (`strained`). `written` tells whether the model wrote any of it."""

    text: str
    finish: str
    tokens: int = 0
    written: bool = True
    passed: dict[str, bool] = field(default_factory=dict)
    against: list[str] = field(default_factory=list)
    strained: bool = False

    def good(self, item: Item) -> bool:
        """Whether it is a success for the item."""
        return self.passed.get(json.dumps(item.check, sort_keys=True), False) and not self.against

    def good_strictly(self, item: Item) -> bool:
        """Whether it is a success also by perplexity after the prompt alone."""
        return self.good_but_for_perplexity(item) and not self.strained

    def good_but_for_perplexity(self, item: Item) -> bool:
        """Whether it would be a success if the base model's perplexity did not count."""
        passed = self.passed.get(json.dumps(item.check, sort_keys=True), False)
        return passed and not [reason for reason in self.against if reason != "perplexity"]


First = dict[str, Reply]
Replies = dict[str, dict[int, list[Reply]]]


def table(items: Sequence[Item], first: First, replies: Replies) -> dict[str, float]:
    """Print a row for each arm and round; answers all shares by name."""
    figures: dict[str, float] = {"n": float(len(items)), "prompts": float(len({item.prompt for item in items}))}
    asked = {at: [first[item.prompt]] for at, item in enumerate(items) if item.prompt in first}
    print(
        f"{'arm':14s} {'n':>4s} {'macro':>6s} {'95 %':>13s} {'all':>5s} {'check':>5s} {'strict':>6s} {'no ppl':>6s}",
        end=" ",
    )
    print("incl excl form fixed broken degen")
    for arm, found in {"A0": asked, **replies}.items():
        for k in range(min(map(len, found.values()))):
            good = {at: rounds[k].good(items[at]) for at, rounds in found.items()}
            name = arm if arm == "A0" else f"{arm}_at_{k + 1}"
            made = _row(items, asked, good, {at: rounds[k] for at, rounds in found.items()})
            figures |= {f"{name}{'_' if key else ''}{key}": value for key, value in made.items()}
            print(
                f"{name:14s} {len(good):4d} {made['']:6.1f} {made['low']:5.1f} – {made['high']:5.1f} "
                f"{made['all']:5.1f} {made['checks']:5.1f} {made['strict']:6.1f} {made['but_for_perplexity']:6.1f} "
                f"{made['include']:4.0f} {made['exclude']:4.0f} {made['format']:4.0f} "
                f"{made['fixed']:5.0f} {made['broken']:6.1f} {made['degenerate']:5.1f}"
            )
    return figures


def _row(
    items: Sequence[Item], asked: dict[int, list[Reply]], good: dict[int, bool], replies: dict[int, Reply]
) -> dict[str, float]:
    by_group: dict[str, list[bool]] = defaultdict(list)
    for at, value in good.items():
        by_group[items[at].group].append(value)
    before = {at: asked[at][0].good(items[at]) for at in good if at in asked}
    means = _bootstrap(items, list(good), lambda at: float(good[at]))
    passed = [reply.passed.get(json.dumps(items[at].check, sort_keys=True), False) for at, reply in replies.items()]
    return {
        "": macro(items, good),
        "low": 100 * means[int(0.025 * _TIMES)],
        "high": 100 * means[int(0.975 * _TIMES)],
        "all": share(list(good.values())),
        "checks": share(passed),
        "strict": macro(items, {at: r.good_strictly(items[at]) for at, r in replies.items()}),
        "but_for_perplexity": macro(items, {at: r.good_but_for_perplexity(items[at]) for at, r in replies.items()}),
        **{group: share(by_group[group]) for group in ("include", "exclude", "format")},
        "fixed": float(sum(good[at] and not was for at, was in before.items())),
        "broken": share([was and not good[at] for at, was in before.items()]),
        "degenerate": share([bool(reply.against) for reply in replies.values()]),
    }


def differences(items: Sequence[Item], first: First, replies: Replies) -> dict[str, float]:
    """Differences of macro success at k = 1 over the items that both arms have, with 95 % and p, paired by item."""
    asked = {at: [first[item.prompt]] for at, item in enumerate(items) if item.prompt in first}
    found = {"A0": asked, **replies}
    figures: dict[str, float] = {}
    for name, (one, other) in PAIRS.items():
        if one not in found or other not in found:
            continue
        both = [at for at in found[one] if at in found[other]]
        if not both:
            continue
        gain = {at: found[one][at][0].good(items[at]) - found[other][at][0].good(items[at]) for at in both}
        softer = {
            at: found[one][at][0].good_but_for_perplexity(items[at])
            - found[other][at][0].good_but_for_perplexity(items[at])
            for at in both
        }
        hard = {
            at: found[one][at][0].good_strictly(items[at]) - found[other][at][0].good_strictly(items[at]) for at in both
        }
        means = _bootstrap(items, both, lambda at, gain=gain: float(gain[at]))  # type: ignore[misc]
        p = 2 * min(sum(m <= 0 for m in means), sum(m >= 0 for m in means)) / len(means)
        low, high = 100 * means[int(0.025 * _TIMES)], 100 * means[int(0.975 * _TIMES)]
        figures |= {name: macro(items, gain), f"{name}_low": low, f"{name}_high": high, f"{name}_p": min(1.0, p)}
        figures[f"{name}_but_for_perplexity"] = macro(items, softer)
        figures[f"{name}_strict"] = macro(items, hard)
        print(
            f"{name:24s} {figures[name]:+6.1f}  [{low:+.1f}, {high:+.1f}]  p {min(1.0, p):.3f}  n {len(both)}  "
            f"strict {macro(items, hard):+.1f}  but for perplexity {macro(items, softer):+.1f}"
        )
    return figures


def macro(items: Sequence[Item], values: dict[int, bool] | dict[int, int]) -> float:
    """The mean over kinds of the mean in each, in per cent."""
    kinds: dict[str, list[float]] = defaultdict(list)
    for at, value in values.items():
        kinds[items[at].kind].append(float(value))
    return 100 * statistics.fmean(statistics.fmean(one) for one in kinds.values())


def share(values: Sequence[bool]) -> float:
    """Per cent; 0 of nothing."""
    return 100 * statistics.fmean(values) if values else 0.0


def _bootstrap(
    items: Sequence[Item], which: Sequence[int], value: Callable[[int], float], seed: int = 0
) -> list[float]:
    """Sorted macro means over resampled prompts."""
    by_prompt: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for at in which:
        by_prompt[items[at].prompt].append((items[at].kind, value(at)))
    groups, chance, means = list(by_prompt.values()), random.Random(seed), []
    for _ in range(_TIMES):
        kinds: dict[str, list[float]] = defaultdict(list)
        for group in chance.choices(groups, k=len(groups)):
            for kind, one in group:
                kinds[kind].append(one)
        means.append(statistics.fmean(statistics.fmean(one) for one in kinds.values()))
    return sorted(means)
