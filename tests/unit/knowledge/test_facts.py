"""Which facts hold follows from what was said, not from the order in which it arrived."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.common.facts import FactRevision, Staleness, fact_id, is_stale, resolve
from services.common.names import key

START = datetime(2026, 1, 1, tzinfo=UTC)


def said(revision: int, value: str, operation: str = "assert", **more: Any) -> FactRevision:
    time = START + timedelta(days=revision)
    return FactRevision(
        **{
            "id": fact_id("Basic plan", "price"),
            "revision": revision,
            "entity": "Basic plan",
            "slot": "price",
            "value": value,
            "operation": operation,
            "valid_from": time,
            "recorded_at": time,
            **more,
        }
    )


def values(revisions: list[FactRevision], **when: Any) -> list[str]:
    return [fact.value for fact in resolve(revisions, **when).current]


def test_names_are_compared_by_what_people_mean() -> None:
    assert fact_id("The Basic Plan", "Price") == fact_id("basic plan", "price")
    assert fact_id("Basic plan's", "opening_hours") == fact_id("basic plan", "opening hours")
    assert fact_id("Basic plan", "price") != fact_id("Basic plan", "seats")
    assert key("退款 政策") == "退款 政策"


def test_the_newer_value_supersedes() -> None:
    resolution = resolve([said(1, "9 €"), said(2, "12 €")])
    assert [fact.value for fact in resolution.current] == ["12 €"]
    assert resolution.superseded_by == {1: 2}


def test_authority_comes_before_time() -> None:
    assert values([said(1, "9 €", authority=2), said(2, "12 €", authority=1)]) == ["9 €"]


def test_a_retraction_leaves_nothing_and_an_old_value_does_not_come_back() -> None:
    assert values([said(1, "9 €"), said(2, "12 €"), said(3, "", "retract")]) == []
    assert values([said(1, "9 €"), said(2, "12 €"), said(3, "12 €", "retract")]) == []
    assert values([said(1, "9 €"), said(2, "12 €"), said(3, "9 €", "retract")]) == ["12 €"]


def test_said_again_after_a_retraction_it_holds() -> None:
    assert values([said(1, "9 €"), said(2, "", "retract"), said(3, "9 €")]) == ["9 €"]


def test_a_lower_authority_cannot_retract() -> None:
    assert values([said(1, "9 €", authority=2), said(2, "", "retract", authority=1)]) == ["9 €"]


def test_several_values_hold_where_the_slot_is_multi_valued() -> None:
    revisions = [said(1, "red", multi=True), said(2, "blue", multi=True), said(3, "Red", multi=True)]
    assert values(revisions) == ["blue", "Red"]
    assert values([*revisions, said(4, "blue", "retract", multi=True)]) == ["Red"]
    assert values([*revisions, said(4, "", "retract", multi=True)]) == []


def test_an_undo_takes_one_statement_back_and_can_itself_be_undone() -> None:
    revisions = [said(1, "9 €"), said(2, "12 €"), said(3, "", "undo", undoes=2)]
    assert values(revisions) == ["9 €"]
    assert values([*revisions, said(4, "", "undo", undoes=3)]) == ["12 €"]
    assert values([said(1, "9 €"), said(2, "", "retract"), said(3, "", "undo", undoes=2)]) == ["9 €"]


def test_what_held_at_another_time_can_be_asked() -> None:
    revisions = [said(1, "9 €"), said(5, "7 €", valid_to=START + timedelta(days=8)), said(20, "12 €")]
    assert values(revisions, at=START + timedelta(days=2)) == ["9 €"]
    assert values(revisions, at=START + timedelta(days=6)) == ["7 €"]
    assert values(revisions, at=START + timedelta(days=9)) == ["9 €"]
    assert values(revisions, at=START + timedelta(days=30)) == ["12 €"]


def test_what_was_known_at_another_time_can_be_asked() -> None:
    late = said(3, "8 €", valid_from=START)  # recorded on the third day about the first
    revisions = [said(2, "9 €"), late]
    assert values(revisions) == ["9 €"]
    assert values([late]) == ["8 €"]
    assert values([late], known_at=START + timedelta(days=1)) == []


@pytest.mark.parametrize("seed", range(20))
def test_the_order_of_arrival_does_not_matter(seed: int) -> None:
    shuffle = random.Random(seed)
    revisions = [
        said(
            number,
            shuffle.choice(["a", "b", ""]),
            shuffle.choice(["assert", "assert", "retract", "undo"]),
            undoes=max(1, number - 1),
            authority=shuffle.randint(0, 1),
        )
        for number in range(1, 9)
    ]
    expected = resolve(revisions)
    for _ in range(5):
        shuffle.shuffle(revisions)
        assert resolve(revisions) == expected


def test_a_fact_is_stale_when_what_it_was_derived_from_changed() -> None:
    derived = said(1, "108 €", depends_on=(("fact_a", 2),))
    held = {"fact_a": [said(2, "9 €")], "fact_b": [said(1, "c", depends_on=(("fact_a", 1),))]}
    assert not is_stale(derived, lambda fact: held[fact])
    assert is_stale(derived, lambda _: [said(3, "12 €")])
    assert is_stale(derived, lambda _: [])
    assert is_stale(said(1, "x", depends_on=(("fact_b", 1),)), lambda fact: held[fact]), "derived from what is stale"
    circle = said(1, "y", depends_on=((derived.id, 1),))
    assert not is_stale(circle, lambda _: [circle])


def test_what_was_recorded_holds_at_present_though_its_writer_s_clock_was_ahead() -> None:
    ahead = datetime.now(UTC) + timedelta(minutes=10)
    assert values([said(1, "9 €", valid_from=ahead, recorded_at=ahead)]) == ["9 €"]
    assert values([said(1, "9 €", valid_from=ahead, recorded_at=ahead, dated=True)]) == []


def lattice(layers: int, width: int) -> dict[str, FactRevision]:
    """Layers of facts, each derived from all of the layer before: as many ways to the bottom as width ** layers."""
    facts: dict[str, FactRevision] = {}
    below: tuple[tuple[str, int], ...] = ()
    for layer in range(layers):
        names = [f"fact_{layer}_{number}" for number in range(width)]
        facts |= {name: said(1, "x", id=name, depends_on=below) for name in names}
        below = tuple((name, 1) for name in names)
    return facts


@pytest.mark.parametrize("broken", [False, True])
def test_what_many_derived_facts_rest_on_is_looked_at_once(broken: bool) -> None:
    looks: dict[int, int] = {}
    for layers in (12, 24, 48):
        facts = lattice(layers, 3)
        asked = 0

        def current(fact: str, facts: dict[str, FactRevision] = facts) -> list[FactRevision]:
            nonlocal asked
            asked += 1
            return [] if broken and fact == "fact_0_2" else [facts[fact]]

        staleness = Staleness(current)
        found = {name: staleness.of(fact) for name, fact in reversed(facts.items())}
        assert all(stale is (broken and not name.startswith("fact_0_")) for name, stale in found.items())
        looks[layers] = asked
    assert looks[48] <= 2.2 * looks[24] <= 5 * looks[12]


def test_one_that_rests_on_itself_is_stale_by_what_else_it_rests_on() -> None:
    held = {
        "a": [said(1, "x", id="a", depends_on=(("b", 1),))],
        "b": [said(1, "x", id="b", depends_on=(("a", 1), ("gone", 1)))],
        "gone": [],
    }
    staleness = Staleness(lambda fact: held[fact])
    assert staleness.of(held["a"][0])
    assert staleness.of(held["b"][0])


@pytest.mark.parametrize(
    ("entity", "slot", "value", "sentence"),
    [
        ("Basic plan", "price", "9 euros", "The price of Basic plan is 9 euros."),
        ("家庭套餐", "试用期", "两个月", "家庭套餐的试用期是两个月。"),
        ("Pro", "价格", "49 元", "Pro的价格是49 元。"),
        ("家庭套餐", "price", "29 euros", "The price of 家庭套餐 is 29 euros."),
    ],
)
def test_a_fact_is_told_in_the_language_of_its_slot(entity: str, slot: str, value: str, sentence: str) -> None:
    fact = FactRevision(id=fact_id(entity, slot), revision=1, entity=entity, slot=slot, value=value)
    assert fact.prompt_text == sentence
    assert FactRevision(fact.id, 1, entity, slot, value, span="In its own words.").prompt_text == "In its own words."
