"""How long something is to last is a value with a form of its own, and no number or day of another slot."""

import pytest

from services.common.schema import parse_schema
from services.tracker.domain.details import form_of, well_formed
from services.tracker.domain.rules import RuleTracker
from services.tracker.domain.state import DONTCARE, State

SCHEMA = parse_schema(
    """
services:
  pausing:
    description: Pausing a subscription
    intents:
      pause: {description: The customer wants to pause, required: [from_date, customer_number], optional: [how_long]}
    slots:
      from_date: {description: First day of the pause, kind: date}
      customer_number: {description: Number of the customer, kind: number}
      how_long: {description: How long the pause lasts}
      adviser: {description: Who shall call back, values: [Mira, Jonas]}
      branch: {description: The shop to collect the card from, values: [North, South]}
"""
)


def values(*messages: str) -> dict[str, str]:
    state = State()
    for number, message in enumerate(messages, 1):
        state = RuleTracker().track(SCHEMA, state, "", message, number)
    return {slot: value.value for _, slot, value in state.filled()}


@pytest.mark.parametrize(
    ("message", "length"),
    [
        ("Please pause it for two months.", "two months"),
        ("for about ten weeks", "ten weeks"),
        ("Starting 3 April for 6 months, customer number 410277", "6 months"),
        ("pause of 14 days please", "14 days"),
        ("a year and not longer", "a year"),
        ("Make it 2-3 weeks", "2-3 weeks"),
        ("half a year", "half a year"),
        ("I'd say one and a half months", "one and a half months"),
        ("three or four weeks", "three or four weeks"),
        ("for the next two weeks", "two weeks"),
        ("I pay too much, pause it for a month.", "a month"),
        ("I want to save the fee for a year", "a year"),
    ],
)
def test_a_length_is_told(message: str, length: str) -> None:
    assert values(message).get("how_long") == length


@pytest.mark.parametrize(
    "message",
    [
        "I want it to begin in two weeks.",
        "I have been a customer for... well, I signed up 3 years ago.",
        "My son is 12 years old.",
        "I pay every 3 months.",
        "Do I need to give four weeks notice?",
        "How much does it cost a month?",
        "How much is that a year?",
        "It is 12 euros a month today, isn't it?",
        "You charge me 9 a week.",
        "What is the price a week exactly?",
        "I pay $5 a month.",
    ],
)
def test_other_times_are_no_length(message: str) -> None:
    assert "how_long" not in values(message)


@pytest.mark.parametrize(
    ("description", "length"), [("Length of the stay in days", "5"), ("Length of the stay", "5 days")]
)
def test_a_slot_that_names_its_unit_holds_the_number(description: str, length: str) -> None:
    document = f"services: {{stay: {{description: A stay, slots: {{stay_length: {{description: {description}}}}}}}}}"
    schema = parse_schema(document)
    slot = schema.service("stay").slot("stay_length")
    assert well_formed(slot, length)
    assert (form_of(slot) is None) == length.isdigit()


def test_a_length_that_changes_leaves_the_number_alone() -> None:
    told = values("pause customer number 410277 from April 3 for 6 months", "k. and better 4 months, 6 is too much")
    assert (told["customer_number"], told["how_long"]) == ("410277", "4 months")


def test_a_length_that_is_taken_back_is_empty() -> None:
    assert "how_long" not in values("pause it for two months", "actually forget the two months, I can't say yet")


@pytest.mark.parametrize(
    ("message", "slot"),
    [
        ("I don't mind who calls me.", "adviser"),
        ("Doesn't matter who does it", "adviser"),
        ("I don't care where I pick it up", "branch"),
    ],
)
def test_a_question_word_names_what_is_left_open(message: str, slot: str) -> None:
    assert values("Please pause my subscription.", message).get(slot) == DONTCARE
