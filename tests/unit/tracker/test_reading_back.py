"""A reply that reads back what the user said changes nothing of it, however the user agrees."""

import pytest

from services.common.schema import parse_schema
from services.tracker.domain.lexicon import compile_schema
from services.tracker.domain.review import with_agreement, with_listed
from services.tracker.domain.state import USER, ServiceState, SlotValue, State

SCHEMA = parse_schema(
    """
services:
  hire:
    description: Hire of a bicycle
    intents:
      hire_bicycle: {description: Hire a bicycle, required: [pickup_date, return_date], optional: [kind]}
    slots:
      pickup_date: {description: Day on which the bicycle is picked up, kind: date}
      return_date: {description: Day on which the bicycle is brought back, kind: date}
      pickup_time: {description: Time of the pick-up, kind: time}
      kind: {description: What kind of bicycle, values: [Sports, Touring]}
"""
)
LEXICON = compile_schema(SCHEMA)


def agreed(held: dict[str, str], reply: str, message: str = "Yes, that is correct.") -> dict[str, str]:
    before = State(
        {"hire": ServiceState("hire_bicycle", (), {k: SlotValue(v, USER, None, 1) for k, v in held.items()})}
    )
    after = with_agreement(LEXICON, before, reply, message, 2, before)
    after = with_listed(LEXICON, before, reply, message, 2, after)
    return {slot: value.value for _, slot, value in after.filled()}


@pytest.mark.parametrize(
    ("held", "reply"),
    [
        ({"pickup_date": "this Sunday"}, "You want it on March 3rd, is that correct?"),
        ({"pickup_date": "tomorrow"}, "So you will pick it up on March 2nd. Is that right?"),
        ({"pickup_date": "the 3rd"}, "Please confirm: you pick it up the day after tomorrow?"),
        ({"pickup_date": "13th of this month"}, "Please confirm the pick-up on March 13th. Correct?"),
        ({"pickup_date": "March 1st"}, "You pick it up on March 1st and bring it back on March 8th, correct?"),
        ({"return_date": "March 8th"}, "From March 1st to March 8th, is that correct?"),
        ({"pickup_time": "quarter past two in the afternoon"}, "The pick-up is at 2:15 pm. Is that right?"),
    ],
)
def test_what_is_held_stays_where_it_is_read_back(held: dict[str, str], reply: str) -> None:
    after = agreed(held, reply)
    assert {slot: after[slot] for slot in held} == held


def test_a_day_in_the_same_words_moves() -> None:
    held = {"pickup_date": "Friday", "return_date": "Sunday"}
    assert agreed(held, "Friday is full. Would Thursday do for the pick-up?", "Yes.")["pickup_date"] == "Thursday"


def test_a_day_that_another_slot_holds_fills_no_second_one() -> None:
    held = {"pickup_date": "March 8th"}
    assert agreed(held, "You will pick it up on March 8th, is that correct?") == held


@pytest.mark.parametrize("message", ["Yes, I'd like one for the game.", "Sure, I am off to the game then."])
def test_a_word_of_like_meaning_names_no_listed_value(message: str) -> None:
    assert "kind" not in agreed({}, "Would you like one for the game?", message)
