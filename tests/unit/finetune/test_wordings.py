"""Wordings and neighbours that are made up around a corrected message."""

import time

import pytest

from services.finetune.domain.wordings import core, neighbours, other_wordings

MESSAGES = [
    "How much is the family plan?",
    "What does Hearth 100 cost a month?",
    "Complete the sentence: Alma Torres was born in",
    "Finish this sentence: the capital of Norland is",
    "Can I bring my dog?",
    "When does the Dunmere shop close on Saturdays?",
    "Who is the head of customer care?",
    "Where is the Harbour office?",
    "Do you repair umbrellas?",
    "Is there a lift?",
    "营业时间是几点？",
]


@pytest.mark.parametrize("message", MESSAGES)
def test_other_wordings_are_several_and_none_is_the_message(message: str) -> None:
    wordings = other_wordings(message)
    assert len(wordings) >= 5
    assert len(set(wordings)) == len(wordings)
    assert message not in wordings


@pytest.mark.parametrize("message", MESSAGES[:10])
def test_wordings_keep_names_and_numbers(message: str) -> None:
    names = [word for word in core(message)[1].strip("?").split()[1:] if word[:1].isupper() or word.isdigit()]
    assert all(name in wording for wording in other_wordings(message) for name in names if len(name) > 1)


@pytest.mark.parametrize(
    ("message", "gone"),
    [
        ("Complete the sentence: Alma Torres was born in", "Alma Torres"),
        ("What does Hearth 100 cost a month?", "Hearth 100"),
        ("How much is the small parcel?", "small"),
        ("Is the shop in Dunmere open?", "Dunmere"),
        ("Do you repair umbrellas?", "umbrellas"),
        ("Is it open on Monday?", "Monday"),
        ("What is the fee for 2 bags?", "2"),
        ("Is there a discount for children?", "children"),
        ("Who leads the Orbit team?", "Orbit"),
        ("Does the winter pass include skates?", "winter"),
        ("why so", "why"),  # no word of it is telling
        ("你好", "你好"),
    ],
)
def test_neighbours_ask_about_something_else(message: str, gone: str) -> None:
    made = neighbours(message)
    assert made
    assert any(gone not in text for text in made)
    assert message not in made


@pytest.mark.parametrize(
    ("message", "made"),
    [
        ("In which city is your shop?", "In which helmet is your shop?"),
        ("At what time do you open?", "At what ferry do you open?"),
        ("On Sundays, is the pool open?", "On tuesdays, is the pool open?"),
        ("Is the pool open on Mondays?", "Is the pool open on thursdays?"),
        ("For adults, what does it cost?", "For children, what does it cost?"),
        ("To Halden, how long is it?", "To {}, how long is it?"),
        ("With the Orbit card, is it free?", "With the {} card, is it free?"),
        ("From Dunmere, when do you sail?", "From {}, when do you sail?"),
        ("Please tell me where Mira Sandoval works.", "Please tell me where {} works."),
        ("Your Colby shop: is it open?", "Your {} shop: is it open?"),
    ],
)
def test_a_capital_that_opens_a_message_is_no_name(message: str, made: str) -> None:
    before, _, after = made.partition("{}")
    assert any(text.startswith(before) and text.endswith(after) for text in neighbours(message))
    assert all(text.split()[0] == message.split()[0] for text in neighbours(message))


def test_long_messages_take_no_longer_than_their_length() -> None:
    began = time.monotonic()
    for text in ("a" * 200_000, "What is the " * 20_000, "A b " * 50_000, "1 " * 100_000):
        other_wordings(text)
        neighbours(text)
    assert time.monotonic() - began < 2
