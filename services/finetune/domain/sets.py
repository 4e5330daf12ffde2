"""The incremental training set: what is new, what is replayed against forgetting, and what judges the version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.common.last_words import last_words, prompt_key

MOST_GENERAL = 64


@dataclass(frozen=True)
class SetPlan:
    """Example ids: to learn, to replay, and old ones that training never sees, to watch it by and to judge it by."""

    new: tuple[str, ...]
    replay: tuple[str, ...]
    watched: tuple[str, ...]
    held_out: tuple[str, ...]


class NothingToLearn(ValueError):
    """No example came since the last training."""


def plan_set(
    new: Sequence[dict[str, Any]], earlier: Sequence[dict[str, Any]], general: Sequence[dict[str, Any]]
) -> SetPlan:
    """Choose the set of a training that consolidates: what is new, and to be checked and learned again all of what
    `earlier` trainings learned and still holds. At most 64 `general` replies of the base model judge it.

    Of new examples with one prompt the last word wins: two answers to one question would train against each other.
    What was spoken against since is left out.

    Raises: NothingToLearn.
    """
    said, known = last_words(new, "trained")
    latest = {prompt_key(example["prompt"]): example for example in (*known, *said)}
    if not latest:
        raise NothingToLearn("no example came since the last training")
    kept = {prompt_key(example["prompt"]): example for example in earlier}
    corrected = {*latest, *kept}
    replay = tuple(example["_id"] for key, example in kept.items() if key not in latest)
    held_out = sorted(example["_id"] for example in general if prompt_key(example["prompt"]) not in corrected)
    return SetPlan(tuple(example["_id"] for example in latest.values()), replay, (), tuple(held_out[:MOST_GENERAL]))


def plan_commented(
    new: Sequence[dict[str, Any]], old: Sequence[dict[str, Any]], rehearsals: Sequence[dict[str, Any]]
) -> SetPlan:
    """Choose a fusion head's set: a fifth of the commented examples is held out, by their prompts, so that no prompt
    is on both sides and one is on the same side in every training; the old ones and rehearsals are replayed."""
    held_out = sorted(one["_id"] for one in (*new, *old) if _side(one["prompt"]) < 2)
    learned = sorted(one["_id"] for one in new if _side(one["prompt"]) >= 2)
    if not learned:
        raise NothingToLearn("what came since the last training is all held out")
    replay = [one["_id"] for one in old if _side(one["prompt"]) >= 2] + [one["_id"] for one in rehearsals]
    return SetPlan(tuple(learned), tuple(sorted(replay)), (), tuple(held_out))


def _side(example: str) -> int:
    return sum(example.encode()) % 10
