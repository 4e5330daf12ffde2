"""Which questions ask for another kind of thing, whatever words they share."""

import pytest

from services.models.scope.asked import asked_kinds, asks_another_kind
from tests.support.cpu import assert_grows_within

APART = [
    ("Where are lost things kept?", "How long are lost things kept?"),
    ("When do the Otters have the pool?", "Who trains the Otters?"),
    ("Who empties the bins?", "When are the bins emptied?"),
    ("Where's the deposit paid?", "How much is the deposit?"),
    ("Whom do I ask about the garden meter?", "What does a garden meter cost?"),
    ("keys left behind, where?", "How many days do you keep keys?"),
    ("To whom do I send the bill?", "How soon must I send the bill?"),
    ("At what time does breakfast start?", "Where is breakfast served?"),
    ("失物保存在哪里？", "失物保存多久？"),
    ("快件由谁派送？", "什么时候派送快件？"),
    ("在哪里付押金？", "押金多少钱？"),
]
NOT_APART = [
    ("Where can I get a shake?", "Do you sell smoothies?"),
    ("When I lose my card, what do I do?", "Where do I report a lost card?"),
    ("What is charged where the coaches stop?", "How much is the stop?"),
    ("If I come late, when do you give my tool away?", "How long are reserved tools held?"),
    ("Where do I see the price of a week?", "How much is a week?"),
    ("Where are lost things kept, and how long?", "How long are lost things kept?"),
    ("People who need a lift: what is it?", "Where is the lift?"),
    ("Where's the counter?", "Where can I find the counter?"),
    ("dunlashery tel?", "What is the counter's number in Dunlashery?"),
    ("在哪里可以查到价格？", "押金多少钱？"),
    ("", "Where is the lift?"),
]


@pytest.mark.parametrize(("message", "question"), APART)
def test_a_place_is_no_duration_and_a_person_no_amount(message: str, question: str) -> None:
    assert asks_another_kind(asked_kinds(message), asked_kinds(question))
    assert asks_another_kind(asked_kinds(question), asked_kinds(message))


@pytest.mark.parametrize(("message", "question"), NOT_APART)
def test_questions_that_may_mean_one_thing_are_not_held_apart(message: str, question: str) -> None:
    assert not asks_another_kind(asked_kinds(message), asked_kinds(question))


@pytest.mark.parametrize("filler", ["where ", "who, ", "when\t", "how much ", "and   ", "? ", "哪", "price"])
def test_reading_takes_time_in_proportion_to_the_length(filler: str) -> None:
    short, long = ((filler * length)[:length] for length in (20_000, 80_000))
    assert_grows_within(asked_kinds, short, long, times=12, room=0.02)
