"""The thing that a message is about fills the slot for it, in the words of the message, whatever the trade."""

import pytest

from services.common.schema import parse_schema
from services.tracker.domain.rules import RuleTracker
from services.tracker.domain.state import State

SCHEMA = parse_schema(
    """
services:
  hiring:
    description: Hiring gear for a party
    intents:
      hire: {description: The customer wants to hire something, required: [item, day, shop]}
    slots:
      item: {description: The thing that is hired}
      day: {description: Day of the hire, kind: date}
      shop: {description: Where it is fetched, values: [Harbour, Mill]}
  complaints:
    description: Reporting what is damaged or gone
    intents:
      report: {description: Something hired was damaged or stolen, required: [damaged_item, contract_number]}
    slots:
      damaged_item: {description: The thing concerned}
      contract_number: {description: Number of the contract, kind: number}
"""
)


def values(*messages: tuple[str, str]) -> dict[str, str]:
    state = State()
    for number, (reply, message) in enumerate(messages, 1):
        state = RuleTracker().track(SCHEMA, state, reply, message, number)
    return {slot: value.value for _, slot, value in state.filled()}


@pytest.mark.parametrize(
    ("message", "thing"),
    [
        ("I'd like to hire a chocolate fountain for Saturday.", "chocolate fountain"),
        ("need a bouncy castle", "bouncy castle"),
        ("Please reserve the 40 kg ice machine at Harbour", "40 kg ice machine"),
        ("Hello, we want to rent two patio heaters next Friday", "patio heaters"),
        ("Could I book your popcorn cart?", "popcorn cart"),
        ("I am looking for a smoke machine, please", "smoke machine"),
        ("Can we take the round table on Monday?", "round table"),
        ("We have a garden party on Saturday and need a marquee", "marquee"),
        ("After that I'd like a sander", "sander"),
    ],
)
def test_what_is_wished_for_is_the_thing(message: str, thing: str) -> None:
    assert values(("", message)).get("item") == thing


@pytest.mark.parametrize(
    "message",
    [
        "I'd like to make a booking.",
        "I need some help please",
        "I want to hire something for Saturday",
        "What does the popcorn cart cost?",
        "I would like it on Friday",
        "We don't want the big tent.",
        "My order hasn't arrived.",
        "I can pick it up after work.",
        "I'd prefer the morning.",
        "I need three hours.",
    ],
)
def test_what_names_no_thing_or_does_not_wish_for_it_fills_none(message: str) -> None:
    assert "item" not in values(("", message))


@pytest.mark.parametrize(
    ("message", "thing"),
    [
        ("I have to report that your karaoke set broke.", "karaoke set"),
        ("Sorry to report damage, my son broke the uplight.", "uplight"),
        ("My complaint: your dog smashed our vase", "vase"),
        ("The generator was stolen from our site, contract 5570318.", "generator"),
        ("My complaint: the guy at the door says the tent pole is cracked", "tent pole"),
        ("There is damage: one of your chairs has been smashed", "chairs"),
    ],
)
def test_what_something_happened_to_is_the_thing_concerned(message: str, thing: str) -> None:
    assert values(("", message)).get("damaged_item") == thing


def test_a_day_that_was_asked_for_stays_with_the_form_that_asked() -> None:
    told = values(
        ("", "I'd like to hire a tent."), ("What is the day of the hire?", "I'd report to you on Friday 12 June.")
    )
    assert told["day"] == "Friday 12 June"


def test_manners_and_questions_leave_the_thing_as_it_is() -> None:
    said = ["I want to hire a tent.", "Thanks for your patience.", "What does a permit cost?"]
    assert values(*(("", message) for message in said))["item"] == "tent"
