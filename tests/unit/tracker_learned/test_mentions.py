"""What replies give slots values, and where texts say them."""

from typing import Any

import pytest

from research.tracker.mentions import Names, by_acts
from research.tracker.spoken import find_spoken
from services.tracker.learned.catalog import ServiceView, SlotView, loose


def _slot(name: str, *values: str) -> SlotView:
    return SlotView(name, name, name, values, bool(values))


VIEWS = {
    name: ServiceView(name, name, name, (), slots)
    for name, slots in {
        "hotel": (_slot("hotel-name"), _slot("hotel-area", "north", "south"), _slot("hotel-stars", "3", "4")),
        "restaurant": (_slot("restaurant-name"), _slot("restaurant-area", "north", "south")),
        "train": (_slot("train-leaveat"), _slot("train-arriveby")),
    }.items()
}


@pytest.fixture(scope="module")
def names() -> Names:
    def dialogue(service: str, name: str) -> dict[str, Any]:
        state = {service: {"slots": {f"{service}-name": [name]}}}
        return {"turns": [{"speaker": "USER", "text": "", "state": state}]}

    known = [dialogue("hotel", "rosas bed and breakfast"), dialogue("restaurant", "curry garden")]
    return Names(VIEWS, [*known, *known, dialogue("hotel", "slip of the pen")], 2)


@pytest.mark.parametrize(
    ("text", "value"), [("at 9:15 am please", "09:15"), ("by 5 pm", "17:00"), ("around 17:45", "17:45")]
)
def test_clock_times_are_found_however_they_are_said(text: str, value: str) -> None:
    assert find_spoken("train-leaveat", text, [value]) is not None


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("rosa s bed and breakfast", "rosas bed and breakfast"),
        ("sea food", "seafood"),
        ("churchill college", "churchills college"),
        ("park side pools", "the parkside pools"),
    ],
)
def test_names_are_found_in_another_spelling(said: str, value: str) -> None:
    text = f"is there {said} in town ?"
    start = text.index(said)
    assert find_spoken("attraction-name", text, [value]) == (start, start + len(said))
    assert loose(said) == loose(value)


def test_a_part_of_a_name_is_not_the_name() -> None:
    assert find_spoken("hotel-name", "the garden is nice", ["curry garden"]) is None


def test_acts_say_what_a_reply_gives_a_value_to() -> None:
    system = {
        "text": "Maaemo is nice, for how many?",
        "spans": [["R", "name", 0, 6]],
        "acts": [["R", "OFFER", "name", ["Maaemo"]], ["R", "REQUEST", "party", []]],
    }
    assert by_acts(system) == {("R", "name"): ("Maaemo", (0, 6))}


def test_a_place_is_mentioned_with_what_the_reply_says_of_it(names: Names) -> None:
    said = names.mentioned("rosa s bed and breakfast is a 4 star place in the north")
    assert {key: value for key, (value, _) in said.items()} == {
        ("hotel", "hotel-name"): "rosa s bed and breakfast",
        ("hotel", "hotel-area"): "north",
        ("hotel", "hotel-stars"): "4",
    }


def test_what_is_said_of_no_place_or_twice_is_not_mentioned(names: Names) -> None:
    assert names.mentioned("there are some in the north . which area ?") == {}
    assert set(names.mentioned("curry garden has houses in the north and south")) == {("restaurant", "restaurant-name")}


def test_a_name_that_one_dialogue_alone_has_is_a_slip(names: Names) -> None:
    assert names.mentioned("try slip of the pen") == {}


def test_a_trains_times_are_told_apart_by_the_words_before_them(names: Names) -> None:
    said = names.mentioned("tr1234 departs at 11:50 and arrives at 12:07")
    assert {key[1]: value for key, (value, _) in said.items()} == {"train-leaveat": "11:50", "train-arriveby": "12:07"}
    assert names.mentioned("your table is booked for 11:50 , you will leave by 13:00") == {}
