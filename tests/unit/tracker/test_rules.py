"""The rule tracker on small conversations: what a user says is found, kept, changed and taken back."""

from functools import reduce

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.common.schema import Schema, parse_schema
from services.tracker.domain.rules import RuleTracker
from services.tracker.domain.state import COPIED, DONTCARE, SYSTEM, SlotValue, State

SCHEMA = parse_schema(
    """
services:
  restaurant:
    description: find and book restaurants
    intents:
      find: find a restaurant to eat at
      book: reserve a table at a restaurant
    slots:
      cuisine: {description: kind of food served, values: [italian, indian, {value: chinese, aliases: [dim sum]}]}
      price: {description: price range, values: [cheap, moderate, expensive]}
      city: {description: city of the restaurant, kind: name}
      restaurant_name: {description: name of the restaurant, kind: name}
      party_size: {description: number of people, kind: number}
      date: {description: day of the booking, kind: date}
      time: {description: time of the booking, kind: time}
      terrace: {description: whether it has an outdoor terrace, kind: boolean, values: [yes, no]}
      phone: {description: phone number of the restaurant}
  taxi:
    description: order a taxi ride
    intents: {ride: order a taxi}
    slots:
      departure: {description: where the taxi leaves from, kind: name}
      destination: {description: where the taxi goes to, kind: name}
      pickup_time: {description: time of the pickup, kind: time}
"""
)
TRACKER = RuleTracker()


def after(*turns: tuple[str, str], schema: Schema = SCHEMA, state: State | None = None) -> State:
    """The state after (system, user) exchanges."""
    numbered = enumerate(turns, 1)
    return reduce(
        lambda before, turn: TRACKER.track(schema, before, turn[1][0], turn[1][1], turn[0]), numbered, state or State()
    )


def slots(state: State, service: str = "restaurant") -> dict[str, str]:
    return {name: value.value for name, value in state.service(service).slots.items()}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I want some Indian food", {"cuisine": "indian"}),
        ("Dim sum please, in San Jose", {"cuisine": "chinese", "city": "San Jose"}),
        ("something moderately priced", {"price": "moderate"}),
        ("a budget place", {"price": "cheap"}),
        ("a table for two people on March 3rd at 7 pm", {"party_size": "two", "date": "March 3rd", "time": "7 pm"}),
        ("book for 5 people next Friday, half past six in the evening", {"party_size": "5", "date": "next Friday"}),
        ("I need a restaurant with a terrace", {"terrace": "yes"}),
        ("a restaurant without a terrace", {"terrace": "no"}),
        ("nothing to see here", {}),
    ],
)
def test_what_is_said_is_found(text: str, found: dict[str, str]) -> None:
    assert found.items() <= slots(after(("", text))).items()


def test_spans_are_code_points_of_the_user_text() -> None:
    text = "🍛🍛 I'd like café-style Indian food in Zürich, for 4 people"
    state = after(("", text))
    for value in state.service("restaurant").slots.values():
        assert value.span is not None
        assert text[slice(*value.span)].lower() == value.value.lower()
    assert {e.text for e in state.entities} >= {"4", "Zürich"}


def test_values_are_kept_until_they_change() -> None:
    state = after(("", "Indian food in San Jose"), ("Which day?", "Friday"), ("Anything else?", "Italian instead"))
    assert slots(state) == {"cuisine": "italian", "city": "San Jose", "date": "Friday"}
    assert state.service("restaurant").slots["city"].turn == 1


def test_an_answer_goes_to_the_slot_that_was_asked() -> None:
    assert slots(after(("", "find me a restaurant"), ("In which city?", "fremont, please")))["city"] == "fremont"
    assert slots(after(("", "a restaurant"), ("How many people are coming?", "5")))["party_size"] == "5"
    assert slots(after(("", "a restaurant"), ("Do you want a terrace?", "Yes please")))["terrace"] == "yes"
    assert slots(after(("", "a restaurant"), ("Do you want a terrace?", "No")))["terrace"] == "no"


def test_dontcare_is_a_value() -> None:
    state = after(("", "a restaurant in Oslo"), ("What price range do you prefer?", "I don't care"))
    assert slots(state)["price"] == DONTCARE


def test_a_value_can_be_taken_back() -> None:
    state = after(("", "cheap indian food"), ("", "Forget the price range"))
    assert slots(state) == {"cuisine": "indian"}
    assert slots(after(("", "indian food"), ("", "not indian"))) == {}


def test_what_is_negated_is_not_wanted() -> None:
    assert "cuisine" not in slots(after(("", "anything but not italian")))


def test_an_offer_is_filled_only_when_it_is_accepted() -> None:
    offer = "There is a nice restaurant called Bella Vista in Oslo."
    passed = after(("", "an italian restaurant in Oslo"), (offer, "Do you have another one?"))
    taken = after(("", "an italian restaurant in Oslo"), (offer, "That sounds good."))
    assert "restaurant_name" not in slots(passed)
    assert slots(taken)["restaurant_name"] == "Bella Vista"
    assert taken.service("restaurant").slots["restaurant_name"].origin == SYSTEM


def test_an_offer_stays_open_while_the_user_asks_about_it() -> None:
    state = after(
        ("", "an italian restaurant in Oslo"),
        ("There is a nice restaurant called Bella Vista.", "What is their phone number?"),
        ("It is 555 0199.", "Great, that works for me."),
    )
    assert slots(state)["restaurant_name"] == "Bella Vista"


def test_a_confirmation_takes_what_was_read_back_except_what_is_corrected() -> None:
    read_back = "Please confirm: a table for 4 people on March 3rd at 7 pm. Is that correct?"
    yes = after(("", "book a table"), (read_back, "Yes, that's right"))
    no = after(("", "book a table"), (read_back, "No, make it for 6 people"))
    assert slots(yes) == {"party_size": "4", "date": "March 3rd", "time": "7 pm"}
    assert slots(no) == {"party_size": "6", "date": "March 3rd", "time": "7 pm"}


def test_questions_are_requests_and_no_values() -> None:
    state = after(("", "a restaurant in Oslo"), ("Bella Vista is nice.", "What's the phone number? Is it expensive?"))
    assert "phone" in state.service("restaurant").requested
    assert "price" not in slots(state)
    again = after(("", "Friday please"), state=state)
    assert again.service("restaurant").requested == ()


def test_intents_follow_the_words() -> None:
    assert after(("", "find a restaurant")).service("restaurant").intent == "find"
    assert after(("", "find a restaurant"), ("", "reserve a table")).service("restaurant").intent == "book"


def test_the_dialogue_turns_to_another_service_and_takes_the_place_along() -> None:
    state = after(
        ("", "a restaurant in Oslo"),
        ("Bella Vista is nice.", "Good. I also need a taxi to the airport from Karl Johan Street at 6:30 pm."),
    )
    assert slots(state, "taxi")["pickup_time"] == "6:30 pm"
    assert slots(state, "taxi")["departure"] == "Karl Johan Street"
    assert slots(state) == {"city": "Oslo"} | {k: v for k, v in slots(state).items() if k != "city"}
    assert list(state.services)[-1] == "taxi"
    there = after(("", "a restaurant in Oslo"), ("Anything else?", "Please order a taxi to get there."))
    assert there.service("taxi").slots["destination"].origin == COPIED


def test_both_directions_of_a_journey_are_told_apart() -> None:
    state = after(("", "I need a taxi from Oslo to Bergen"))
    assert slots(state, "taxi") == {"departure": "Oslo", "destination": "Bergen"}


def test_a_corrected_value_is_kept_like_any_other() -> None:
    before = State().with_slot("restaurant", "cuisine", SlotValue("italian", "correction", None, 1))
    state = after(("Which day?", "Friday"), state=before)
    assert slots(state) == {"cuisine": "italian", "date": "Friday"}
    assert state.service("restaurant").slots["cuisine"].origin == "correction"


def test_what_the_schema_does_not_have_is_dropped() -> None:
    before = State().with_slot("restaurant", "gone", SlotValue("x")).with_slot("zoo", "animal", SlotValue("cat"))
    assert after(("", "hello"), state=before).to_json()["services"].get("zoo") is None
    assert slots(after(("", "hello"), state=before)) == {}


def test_chinese_is_matched_by_gazetteer_and_numbers() -> None:
    schema = parse_schema(
        """
services:
  酒店:
    intents: {预订: 预订酒店}
    slots:
      区域: {values: [市中心, 海淀]}
      人数: {kind: number, description: 人数}
      日期: {kind: date}
      时间: {kind: time}
"""
    )
    state = after(("请问几个人？人数？", "三个人，明天下午三点半到，想住海淀"), schema=schema)
    assert slots(state, "酒店")["区域"] == "海淀"
    assert slots(state, "酒店")["日期"] == "明天"
    assert slots(state, "酒店")["时间"] == "下午三点半"


def test_several_values_gather_where_the_slot_takes_several() -> None:
    schema = parse_schema("services: {pizza: {slots: {topping: {values: [ham, olives, corn], multi: true}}}}")
    assert slots(after(("", "ham and olives, please"), schema=schema), "pizza") == {"topping": "ham | olives"}


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=80), st.text(max_size=80)), max_size=4))
def test_any_text_gives_a_state_that_survives_json(turns: list[tuple[str, str]]) -> None:
    state = after(*turns)
    assert State.from_json(state.to_json()) == state
    last = turns[-1][1] if turns else ""
    for _, _, value in state.filled():
        if value.span is not None and value.turn == len(turns):
            assert 0 <= value.span[0] < value.span[1] <= len(last)


_WORDS = st.sampled_from(
    "indian cheap for two people on friday at 7 pm in Oslo not forget the price yes no taxi to Bergen from ?".split()
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(_WORDS, max_size=9).map(" ".join), max_size=4))
def test_tracking_is_a_function_of_its_arguments(texts: list[str]) -> None:
    turns = [("How many people?", text) for text in texts]
    assert after(*turns) == after(*turns)
