"""What was said last about a prompt is what a training learns, in whatever order the words were stored."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from services.common.last_words import last_words, moment
from services.finetune.domain.sets import NothingToLearn, plan_set

START = datetime(2026, 3, 1, tzinfo=UTC)


def _at(hour: float) -> datetime:
    return START + timedelta(hours=hour)


def _example(answer: str, prompt: str = "When does the pool open?", **hours: float) -> dict[str, Any]:
    """An example with the hours at which it was said, unsaid and trained."""
    words = {name: moment(_at(hour), "x") for name, hour in hours.items() if name in ("said", "unsaid")}
    marks = {name: _at(hour) for name, hour in hours.items() if name in ("trained", "fused")}
    kind = "correction" if "said" in hours else "rejection"
    return {"_id": answer, "prompt": prompt, "answer": answer, "kind": kind, "created_at": START, **words, **marks}


VARIATIONS = [
    ("the later of two answers", [_example("six", said=1), _example("seven", said=2)], ["seven"], []),
    ("an answer said again", [_example("six", said=3), _example("seven", said=2)], ["six"], []),
    ("an approval taken back", [_example("six", said=1, unsaid=2)], [], []),
    ("a rejection taken back", [_example("six", said=3, unsaid=2)], ["six"], []),
    ("a rejected edit brings nothing back", [_example("six", said=1), _example("seven", said=2, unsaid=3)], [], []),
    ("another answer rejected", [_example("six", said=1), _example("seven", unsaid=3)], ["six"], []),
    ("only ever rejected", [_example("six", unsaid=3)], [], []),
    ("learned and unchanged", [_example("six", said=1, trained=2)], [], ["six"]),
    ("learned, said again", [_example("six", said=3, trained=2)], [], ["six"]),
    ("learned, rejected", [_example("six", said=1, unsaid=3, trained=2)], [], []),
    ("learned, rejected, approved again", [_example("six", said=4, unsaid=3, trained=2)], ["six"], []),
    ("learned, corrected", [_example("six", said=1, trained=2), _example("seven", said=3)], ["seven"], []),
    (
        "both learned",
        [_example("six", said=1, trained=2), _example("seven", said=3, trained=4)],
        [],
        ["seven"],
    ),
    (
        "back to the first after both were learned",
        [_example("six", said=5, trained=2), _example("seven", said=3, trained=4)],
        ["six"],
        [],
    ),
    (
        "one prompt in two spellings",
        [_example("six", "The  café opens?", said=1), _example("seven", "the cafe\u0301 opens?", said=2)],
        ["seven"],
        [],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("story", "examples", "new", "learned"), VARIATIONS, ids=[one[0] for one in VARIATIONS])
def test_the_last_word_about_a_prompt_counts(
    story: str, examples: list[dict[str, Any]], new: list[str], learned: list[str]
) -> None:
    for order in permutations(examples):
        found = last_words(order, "trained")
        assert ([one["_id"] for one in found[0]], [one["_id"] for one in found[1]]) == (new, learned), story


def test_kinds_of_training_learn_apart() -> None:
    assert [one["_id"] for one in last_words([_example("six", said=1, trained=2)], "fused")[0]] == ["six"]


def test_an_example_of_an_older_release_is_learned_where_it_says_so() -> None:
    old = {"_id": "a", "prompt": "q", "kind": "correction", "created_at": START, "trained": True}
    assert last_words([old], "trained") == ([], [old])


def test_a_set_holds_no_answer_that_was_taken_back() -> None:
    taken_back = [_example("six", said=1, unsaid=2)]
    with pytest.raises(NothingToLearn):
        plan_set(taken_back, [], [])
    kept = _example("At noon.", "When does the bar open?", said=1)
    assert plan_set([*taken_back, kept], [], []).new == ("At noon.",)


def test_the_base_models_own_reply_is_not_replayed_against_a_correction_learned_before() -> None:
    learned = [
        {"_id": f"c{i}", "prompt": f"Q{i}", "kind": "correction", "created_at": START, "said": "1"} for i in range(40)
    ]
    own = [{"_id": f"r{i}", "prompt": f"Q{i}", "kind": "rehearsal", "created_at": START} for i in range(60)]
    plan = plan_set([_example("six", said=1)], learned, own)
    used = {*plan.replay, *plan.watched, *plan.held_out}
    assert used == {one["_id"] for one in learned} | {f"r{i}" for i in range(40, 60)}
