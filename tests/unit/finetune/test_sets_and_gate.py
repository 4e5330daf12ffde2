"""Which examples make a set, and which versions pass the gate."""

from datetime import UTC, datetime, timedelta

import pytest

from services.finetune.domain.gate import judge, passed
from services.finetune.domain.sets import NothingToLearn, plan_set
from services.finetune.training.judging import says

START = datetime(2026, 1, 1, tzinfo=UTC)


def _examples(prefix: str, count: int) -> list[dict[str, object]]:
    return [
        {"_id": f"{prefix}{i:03d}", "prompt": f"{prefix} question {i}", "created_at": START + timedelta(seconds=i)}
        for i in range(count)
    ]


def test_replay_has_its_share_and_held_out_examples_are_never_trained_on() -> None:
    plan = plan_set(_examples("new", 20), _examples("old", 100), replay_share=0.5, seed=1)
    assert len(plan.new) == 20
    assert len(plan.replay) == 20
    assert plan.held_out
    assert plan.watched
    assert len({*plan.replay, *plan.watched, *plan.held_out}) == 20 + len(plan.watched) + len(plan.held_out)


def test_what_is_held_out_once_is_held_out_always() -> None:
    first = plan_set(_examples("new", 5), _examples("old", 60), replay_share=0.3, seed=1)
    later = plan_set(_examples("new", 9), _examples("old", 100), replay_share=0.6, seed=2)
    assert not set(first.held_out) & set(later.replay)


def test_the_latest_answer_to_a_question_wins() -> None:
    twice = [
        {"_id": "a", "prompt": "q", "created_at": START},
        {"_id": "b", "prompt": "q", "created_at": START + timedelta(hours=1)},
    ]
    assert plan_set(twice, [], replay_share=0.3, seed=0).new == ("b",)


def test_nothing_new_is_nothing_to_learn() -> None:
    with pytest.raises(NothingToLearn):
        plan_set([], _examples("old", 3), replay_share=0.3, seed=0)


@pytest.mark.parametrize(
    ("new", "old", "good"),
    [((3.0, 1.0), (2.0, 2.03), True), ((3.0, 1.0), (2.0, 2.05), False), ((3.0, 3.1), (2.0, 2.0), False)],
)
def test_a_version_must_have_learned_and_not_forgotten(
    new: tuple[float, float], old: tuple[float, float], good: bool
) -> None:
    measures = judge(new_loss=new, old_loss=old, new_right=(0, 1), old_same=1, new_items=5, old_items=5)
    assert passed(measures) is good


def test_a_reply_says_the_answer_in_its_words_or_nearly() -> None:
    assert says("Of course: we open at nine, every day.", "We open at nine")
    assert not says("We open at eight.", "We open at nine")
    assert not says("", "nine")
