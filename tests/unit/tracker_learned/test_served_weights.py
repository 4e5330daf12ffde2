"""What the committed weights make of the demonstration's schema, which they were not trained on."""

import pytest
import torch

from services.common.schema import Schema, parse_schema
from services.tracker.domain.state import State
from services.tracker.learned.tracker import LearnedTracker
from tests.support.processes import REPOSITORY

GREETING = "Hello, how can I help?"


@pytest.fixture(scope="module")
def schema() -> Schema:
    return parse_schema((REPOSITORY / "services" / "cli" / "demo" / "en" / "schema.yaml").read_text())


@pytest.fixture(scope="module")
def tracker() -> LearnedTracker:
    torch.set_num_threads(1)
    return LearnedTracker.load()


@pytest.mark.parametrize("before", ["", GREETING], ids=["first words", "after a greeting"])
@pytest.mark.parametrize(
    ("said", "intent", "understood"),
    [
        ("I would like the Family plan", "order_plan", {"plan": "Family"}),
        ("I want the Pro plan", "order_plan", {"plan": "Pro"}),
        ("Family, please", "order_plan", {"plan": "Family"}),
        ("We'd like the Pro plan, we have fibre at home", "order_plan", {"plan": "Pro", "connection": "fibre"}),
        ("Please book a visit for Friday at 3 pm", "book_visit", {"visit_day": "Friday", "visit_time": "3 pm"}),
    ],
)
def test_a_wish_is_understood(
    tracker: LearnedTracker, schema: Schema, before: str, said: str, intent: str, understood: dict[str, str]
) -> None:
    order = tracker.track(schema, State(), before, said, 1).service("order")
    assert {slot: held.value for slot, held in order.slots.items()} == understood
    assert order.intent == intent


def test_what_is_said_in_passing_after_a_greeting_is_heard(tracker: LearnedTracker, schema: Schema) -> None:
    """Of a session's first words the served weights hear the plan alone (research/eval/RESULTS.md)."""
    said = "We have cable at home and want the Family plan"
    order = tracker.track(schema, State(), GREETING, said, 1).service("order")
    assert {slot: held.value for slot, held in order.slots.items()} == {"plan": "Family", "connection": "cable"}


@pytest.mark.parametrize(
    "said", ["hello", "How much does the Family plan cost?", "What are your opening hours?", "The router blinks red"]
)
def test_what_is_no_wish_fills_nothing(tracker: LearnedTracker, schema: Schema, said: str) -> None:
    assert not tracker.track(schema, State(), GREETING, said, 1).service("order").slots


def test_a_question_about_a_listed_value_orders_nothing(tracker: LearnedTracker, schema: Schema) -> None:
    order = tracker.track(schema, State(), "", "Hello! How much does the Family plan cost?", 1).service("order")
    assert order.intent is None
    assert not order.slots


def test_who_asks_for_something_else_has_another_intent(tracker: LearnedTracker, schema: Schema) -> None:
    state = tracker.track(schema, State(), "", "I would like the Family plan", 1)
    reply = "The Family plan costs 29 euros a month."
    order = tracker.track(schema, state, reply, "Please book a technician's visit on Friday.", 2).service("order")
    assert order.intent == "book_visit"
    assert {slot: held.value for slot, held in order.slots.items()} == {"plan": "Family", "visit_day": "Friday"}
