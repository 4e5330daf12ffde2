"""Which examples make a set, and which versions pass the gate."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.finetune.domain.behaviour import Behaviour, Share
from services.finetune.domain.gate import Limits, judge, judge_head, passed
from services.finetune.domain.sets import NothingToLearn, plan_commented, plan_set
from services.finetune.training.judging import says

START = datetime(2026, 1, 1, tzinfo=UTC)


def _examples(prefix: str, count: int) -> list[dict[str, object]]:
    return [
        {"_id": f"{prefix}{i:03d}", "prompt": f"{prefix} question {i}", "created_at": START + timedelta(seconds=i)}
        for i in range(count)
    ]


def test_a_set_holds_what_is_new_and_all_that_was_learned_before() -> None:
    plan = plan_set(_examples("new", 20), _examples("old", 100), _examples("general", 90))
    assert len(plan.new) == 20
    assert len(plan.replay) == 100
    assert len(plan.held_out) == 64
    assert not {*plan.new, *plan.replay} & {*plan.held_out}


def test_a_new_answer_takes_the_place_of_the_one_learned_before() -> None:
    old = {"_id": "before", "prompt": "New  question 1", "created_at": START}
    plan = plan_set(_examples("new", 3), [old], [])
    assert plan.replay == ()


def test_the_latest_answer_to_a_question_wins() -> None:
    twice = [
        {"_id": "a", "prompt": "q", "created_at": START},
        {"_id": "b", "prompt": "q", "created_at": START + timedelta(hours=1)},
    ]
    assert plan_set(twice, [], []).new == ("b",)


def test_nothing_new_is_nothing_to_learn() -> None:
    with pytest.raises(NothingToLearn):
        plan_set([], _examples("old", 3), [])


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


GOOD = Behaviour(
    corrected=Share(20, 20),
    paraphrases=Share(30, 40),
    neighbours_same=Share(39, 40),
    old_same=Share(64, 64),
    earlier=Share(10, 10),
    degenerate=Share(0, 40),
    perplexity=9.0,
)


@pytest.mark.parametrize(
    ("changed", "missed"),
    [
        ({}, set()),
        ({"corrected": Share(17, 20)}, {"corrected"}),
        ({"paraphrases": Share(20, 40)}, {"paraphrases"}),
        ({"neighbours_same": Share(0, 40)}, {"neighbours_same"}),
        ({"old_same": Share(3, 64)}, {"old_same"}),  # whatever the losses say
        ({"old_same": Share(62, 64)}, {"old_same"}),
        ({"neighbours_same": Share(0, 0)}, {"neighbours_same"}),  # nobody looked
        ({"old_same": Share(0, 0)}, {"old_same"}),
        ({"neighbours_same": Share(0, 0), "old_same": Share(0, 0)}, {"neighbours_same", "old_same"}),
        ({"earlier": Share(5, 10)}, {"earlier_corrected"}),
        ({"degenerate": Share(4, 40)}, {"degenerate"}),
        ({"perplexity": 9.2}, {"perplexity"}),
        ({"earlier": Share(0, 0)}, set()),  # nothing was learned before
    ],
)
def test_the_gate_judges_what_a_version_does(changed: dict[str, Any], missed: set[str]) -> None:
    measures = judge(replace(GOOD, **changed), GOOD, (3.0, 0.1), Limits())
    assert {measure.name for measure in measures if not measure.passed} == missed
    assert passed(measures) is (not missed)


def test_a_limit_of_nothing_needs_nobody_to_look() -> None:
    unseen = replace(GOOD, neighbours_same=Share(0, 0), old_same=Share(0, 0))
    assert passed(judge(unseen, GOOD, (3.0, 0.1), Limits(neighbours=0, old=0)))


def test_a_share_is_told_with_how_surely_it_is_known() -> None:
    few, many = Share(3, 3).interval, Share(300, 300).interval
    assert few[0] < 0.5 < 0.95 < many[0]
    assert Share(0, 0).interval == (0.0, 1.0)


def test_a_reply_says_the_answer_in_its_words_or_nearly() -> None:
    assert says("Of course: we open at nine, every day.", "We open at nine")
    assert not says("We open at eight.", "We open at nine")
    assert not says("", "nine")
