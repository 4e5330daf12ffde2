"""Which examples make a set, and which versions pass the gate."""

from datetime import UTC, datetime, timedelta

import pytest

from services.finetune.domain.gate import judge, judge_head, passed
from services.finetune.domain.sets import NothingToLearn, plan_commented, plan_set
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


def test_a_head_never_learns_from_a_prompt_that_judges_it() -> None:
    new, old, rehearsals = _examples("new", 40), _examples("old", 40), _examples("general", 10)
    again = [{**one, "_id": f"again{one['_id']}"} for one in new]  # another correction of the same reply
    first, later = plan_commented(new, old, rehearsals), plan_commented(again, new, rehearsals)
    prompts = {one["_id"]: one["prompt"] for one in (*new, *old, *again, *rehearsals)}
    for plan in (first, later):
        learned = {prompts[one] for one in (*plan.new, *plan.replay)}
        assert plan.held_out
        assert not learned & {prompts[one] for one in plan.held_out}
    assert not {prompts[one] for one in later.new} & {prompts[one] for one in first.held_out}


@pytest.mark.parametrize(
    ("edits", "rules", "drift", "good"),
    [
        ((3.0, 2.0, 2.5), (2.0, 2.03), 0.1, True),
        ((3.0, 3.1, 3.2), (2.0, 2.0), 0.1, False),  # not closer to people's edits
        ((3.0, 2.0, 1.9), (2.0, 2.0), 0.1, False),  # it listens to no feedback
        ((3.0, 2.0, 2.5), (2.0, 2.1), 0.1, False),  # it has unlearned other feedback
        ((3.0, 2.0, 2.5), (2.0, 2.0), 0.2, False),  # it moves what nobody asked about
    ],
)
def test_a_head_must_listen_and_leave_the_rest(
    edits: tuple[float, float, float], rules: tuple[float, float], drift: float, good: bool
) -> None:
    assert passed(judge_head(edits=edits, rules=rules, drift=(0.0, drift), edits_items=9, rules_items=9)) is good


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
