"""The incremental training set: what is new, what is replayed against forgetting, what is watched and judged by."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.common.last_words import last_words, prompt_key


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
    new: Sequence[dict[str, Any]], old: Sequence[dict[str, Any]], *, replay_share: float, seed: int
) -> SetPlan:
    """Choose a set. ``old`` are examples learned before and rehearsals of the base model's own replies.

    Replay is ``replay_share`` of the whole set, as far as the old ones suffice; a fifth of the old ones is held out
    first and a tenth watched, at most 64 and 32, by their ids so that an example is on the same side in every training.

    Of new examples with one prompt the last word wins: two answers to one question would train against each other.
    What was spoken against since is left out.

    Raises: NothingToLearn.
    """
    said, known = last_words(new, "trained")
    latest = {prompt_key(one["prompt"]): one for one in (*known, *said)}
    if not latest:
        raise NothingToLearn("no example came since the last training")
    corrected = {*latest, *(prompt_key(one["prompt"]) for one in old if one.get("kind") != "rehearsal")}
    others = [
        one for one in old if prompt_key(one["prompt"]) not in (corrected if one.get("kind") == "rehearsal" else latest)
    ]
    held_out = sorted(one["_id"] for one in others if _side(one["_id"]) < 2)[:64]
    watched = sorted(one["_id"] for one in others if _side(one["_id"]) == 2)[:32]
    pool = sorted(one["_id"] for one in others if _side(one["_id"]) > 2)
    wanted = round(len(latest) * replay_share / (1 - replay_share))
    replay = random.Random(seed).sample(pool, min(wanted, len(pool)))
    return SetPlan(tuple(one["_id"] for one in latest.values()), tuple(replay), tuple(watched), tuple(held_out))


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
