"""The track step on real brokers and a real mongod, with tracker and echo generator in processes of their own."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from deploy.local.mongo import MongoServer
from services.common.bus import Consumer, Delivery, EventPublisher, TurnMessage, topology
from services.common.ids import new_id
from services.common.schema import Schema, parse_schema
from services.common.store import Request
from services.common.store.sessions import Sessions
from services.common.store.turns import Exchange
from services.common.tools.calls import call_text, results_text
from services.common.work_budget import WorkBudget
from services.tracker.domain.rules import RuleTracker
from services.tracker.domain.state import State
from services.tracker.steps import TrackStep
from tests.support.brokers import Broker
from tests.support.processes import Services
from tests.support.turns import TENANT, TurnDriver, turn_driver
from tests.support.waiting import wait_until

FOOD = parse_schema(
    """
services:
  - name: restaurant
    description: find and book restaurants
    intents:
      - {name: find, description: find a restaurant}
      - {name: book, description: book a table, required: [party_size, day]}
    slots:
      - {name: cuisine, description: kind of food, values: [italian, indian]}
      - {name: party_size, description: number of people, kind: number}
      - {name: day, description: day of the booking, kind: date}
"""
)


class Ground:
    """Stands where knowledge stands: keeps what the tracker passes on and lets it go to the generator."""

    def __init__(self, driver: TurnDriver) -> None:
        self.seen: list[TurnMessage] = []
        self._driver = driver
        queue = topology.turn_queue(topology.GROUND, redis=driver.bus.redis)
        self._consumer = Consumer(driver.bus, queue, self._take, threads=1, prefetch=4).start()
        assert self._consumer.connected.wait(20)

    def _take(self, delivery: Delivery) -> None:
        message = TurnMessage.decode(delivery.body)
        self.seen.append(message)
        self._driver.bus.publish_turn(topology.GENERATE, message)
        delivery.ack()

    def of(self, turn: dict[str, Any], round_number: int = 0) -> list[TurnMessage]:
        return [m for m in self.seen if m.turn == turn["_id"] and m.round == round_number]

    def close(self) -> None:
        self._consumer.stop(5)


@pytest.fixture(scope="module")
def driver(mongo_server: MongoServer, shared_database: str, shared_broker: Broker) -> Iterator[TurnDriver]:
    with turn_driver(mongo_server.url, shared_database, shared_broker.url) as driver:
        yield driver


@pytest.fixture(scope="module")
def ground(driver: TurnDriver) -> Iterator[Ground]:
    ground = Ground(driver)
    yield ground
    ground.close()


@pytest.fixture(scope="module")
def schema(driver: TurnDriver) -> str:
    stored = driver.store.schemas.put(TENANT, "food", FOOD.to_json(), "digest")
    return f"food@{stored['revision']}"


@pytest.fixture(scope="module", autouse=True)
def workers(driver: TurnDriver, shared_services: Services) -> None:
    """A tracker by rules and an echo generator."""
    tracker = shared_services.spawn("tracker", tracker="rules")
    shared_services.spawn("generator", engine="echo").until_ready()
    tracker.until_ready()


def talk(driver: TurnDriver, session: str, text: str, schema: str | None) -> dict[str, Any]:
    """A turn from message to its end; answers its document."""
    turn = driver.send(session, text, topology.TRACK, schema=schema)
    driver.wait_for(turn["_id"], "completed")
    return driver.ended(turn["_id"])


def revise(driver: TurnDriver, turn: dict[str, Any], feedback: dict[str, Any] | None) -> dict[str, Any]:
    accepted = driver.store.rounds.reopen_for_revision(
        TENANT,
        turn["_id"],
        request=Request("ReviseTurn", new_id("request"), ""),
        expected_round=turn["round"],
        feedback=feedback,
        reply_to=driver.reply_to,
        max_rounds=5,
    )
    driver.bus.publish_turn(topology.TRACK, TurnMessage.of_turn(accepted.turn))
    number = turn["round"] + 1
    wait_until(
        lambda: [
            e for e in driver.events if e["turn"] == turn["_id"] and e["type"] == "completed" and e["round"] == number
        ],
        30,
    )
    return driver.ended(turn["_id"])


def slots(turn: dict[str, Any]) -> dict[str, str]:
    found = turn["state"]["services"]["restaurant"]["slots"]
    return {name: value["value"] for name, value in found.items()}


def test_the_state_follows_the_turns_and_is_told_and_stored(driver: TurnDriver, ground: Ground, schema: str) -> None:
    session = driver.session()
    first = talk(driver, session, "I would like some indian food.", schema)
    second = talk(driver, session, "Book a table for 4 people on Friday.", schema)
    assert slots(first) == {"cuisine": "indian"}
    assert slots(second) == {"cuisine": "indian", "party_size": "4", "day": "Friday"}
    told = driver.wait_for(second["_id"], "state")["state"]["services"]["restaurant"]["slots"]
    assert told["party_size"]["span"] == [17, 18]
    assert told["cuisine"]["turn"] == 1
    assert ground.of(second)[0].state == second["state"]


def test_a_correction_holds_for_the_turns_after_it(driver: TurnDriver, ground: Ground, schema: str) -> None:
    session = driver.session()
    talk(driver, session, "I would like some indian food.", schema)
    sessions: Sessions = driver.store.sessions
    fix = {"after_n": 1, "service": "restaurant", "slot": "cuisine", "value": "italian", "by": "ann"}
    sessions.correct_state(TENANT, session, Request("CorrectState", new_id("request"), ""), 0, [fix])
    second = talk(driver, session, "Book a table for 4 people.", schema)
    assert slots(second) == {"cuisine": "italian", "party_size": "4"}
    assert second["state"]["services"]["restaurant"]["slots"]["cuisine"]["origin"] == "correction"
    assert second["state"]["base_revision"] == 1
    third = talk(driver, session, "I changed my mind: indian food please.", schema)
    assert slots(third)["cuisine"] == "indian"
    fewer = {"after_n": 3, "service": "restaurant", "slot": "party_size", "value": "2", "by": "ann"}
    sessions.correct_state(TENANT, session, Request("CorrectState", new_id("request"), ""), 1, [fewer])
    revised = revise(driver, third, {"comment": "shorter", "constraints": []})
    assert slots(revised) == {"cuisine": "indian", "party_size": "2"}
    assert revised["state"]["base_revision"] == 2


def test_what_a_session_is_seeded_with_reaches_the_state(driver: TurnDriver, ground: Ground, schema: str) -> None:
    session = driver.session()
    history = [
        ("I would like some indian food.", "For which day?"),
        ("Friday, please.", "A table on Friday. Is that right?"),
        ("No, not Friday, Saturday.", "Saturday then. How many of you will there be?"),
    ]
    exchanges = [Exchange(text, reply) for text, reply in history]
    driver.store.turns.seed(TENANT, driver.store.sessions.get(TENANT, session), exchanges)
    turn = talk(driver, session, "We are 4 people.", schema)
    assert slots(turn) == {"cuisine": "indian", "day": "Saturday", "party_size": "4"}


def test_what_tools_were_asked_and_answered_elsewhere_is_no_wish(
    driver: TurnDriver, ground: Ground, schema: str
) -> None:
    call = {"id": "call_1", "name": "find", "arguments": '{"day": "Friday", "cuisine": "thai"}'}
    results = [{"call_id": "call_1", "output": "A table on Saturday for 7 people."}]
    exchanges = [
        Exchange("I would like some indian food.", call_text("find", call["arguments"]), [call]),
        Exchange(results_text(results), "Here you are.", (), results),
    ]
    session = driver.session()
    driver.store.turns.seed(TENANT, driver.store.sessions.get(TENANT, session), exchanges)
    turn = talk(driver, session, "We are 4 people.", schema)
    assert slots(turn) == {"cuisine": "indian", "party_size": "4"}


def test_a_booking_is_led_until_it_is_ready(driver: TurnDriver, ground: Ground, schema: str) -> None:
    session = driver.session()
    first = talk(driver, session, "I want to book a table.", schema)
    assert first["state"]["lead"]["text"] == "What is the number of people?"
    second = talk(driver, session, "Book a table for 4 people on Friday.", schema)
    ready = driver.wait_for(second["_id"], "ready")["ready"]
    assert (ready["intent"], ready["values"]) == ("book", {"party_size": "4", "day": "Friday"})
    assert not ready["confirmed"]
    third = talk(driver, session, "Yes, please.", schema)
    assert driver.wait_for(third["_id"], "ready")["ready"]["confirmed"]
    assert third["state"]["lead"]["act"] == "ready"


def test_a_turn_without_a_schema_passes_through(driver: TurnDriver, ground: Ground) -> None:
    turn = talk(driver, driver.session(), "hello there", None)
    assert turn.get("state") is None
    assert ground.of(turn)[0].state is None


def test_feedback_is_understood_and_skips_knowledge_unless_it_is_about_facts(
    driver: TurnDriver, ground: Ground, schema: str
) -> None:
    turn = talk(driver, driver.session(), "A table for 4 people on Friday, some indian food.", schema)
    shorter = revise(driver, turn, {"comment": "At most 20 words and don't mention Friday.", "constraints": []})
    kinds = [(c["kind"], c["value"], c["max"]) for c in shorter["understood"]["1"]["constraints"]]
    assert kinds == [("length", "", 20), ("must_not_include", "Friday", None)]
    assert ground.of(turn, 1) == []
    moved = revise(driver, shorter, {"comment": "It's Saturday, not Friday.", "constraints": []})
    assert [c["value"] for c in moved["understood"]["2"]["constraints"]] == ["Friday => Saturday"]
    assert len(ground.of(turn, 2)) == 1
    assert slots(moved)["day"] == "Saturday"
    again = revise(driver, moved, None)
    assert again["status"] == "completed"
    assert slots(again)["day"] == "Saturday"


def test_messages_twice_unreadable_or_of_ended_turns_do_no_harm(
    driver: TurnDriver, ground: Ground, schema: str
) -> None:
    session = driver.session()
    turn = driver.accept(session, "some indian food", schema=schema).turn
    driver.bus.publish_raw(topology.TRACK, b"{nonsense")
    for _ in range(3):
        driver.bus.publish_turn(topology.TRACK, TurnMessage.of_turn(turn))
    driver.wait_for(turn["_id"], "completed")
    ended = driver.ended(turn["_id"])
    assert ended["attempt"] == 1
    driver.bus.publish_turn(topology.TRACK, TurnMessage.of_turn(turn))
    later = talk(driver, session, "for 4 people", schema)
    assert slots(later) == {"cuisine": "indian", "party_size": "4"}
    assert {m.state["services"]["restaurant"]["slots"]["cuisine"]["value"] for m in ground.of(turn) if m.state} == {
        "indian"
    }


def test_an_unknown_schema_costs_the_state_and_not_the_reply(driver: TurnDriver, ground: Ground) -> None:
    turn = talk(driver, driver.session(), "some indian food", "gone@7")
    assert turn["status"] == "completed"
    assert turn.get("state") is None


class Endless(RuleTracker):
    """Tracks by rules; a message "endless" computes for ever."""

    def track(self, schema: Schema, previous: State, system_text: str, user_text: str, turn: int) -> State:
        while user_text == "endless":
            pass
        return super().track(schema, previous, system_text, user_text, turn)


def test_a_message_that_takes_too_much_computing_goes_on_unread_and_says_so(
    driver: TurnDriver, ground: Ground, schema: str
) -> None:
    session = driver.session()
    talk(driver, session, "I would like some indian food.", schema)
    events = EventPublisher(driver.bus)
    step = TrackStep(driver.store, driver.bus, events, Endless(), budget=WorkBudget(0.2))
    turn = driver.accept(session, "endless", schema=schema).turn
    tracked = step.track(TurnMessage.of_turn(turn))
    assert tracked is not None
    assert tracked.state is None
    assert tracked.understood == {"skipped": ["state"]}
    assert driver.wait_for(turn["_id"], "understood")["understood"]["skipped"] == ["state"]
    driver.bus.publish_turn(topology.GENERATE, tracked)
    driver.wait_for(turn["_id"], "completed")
    assert driver.ended(turn["_id"])["understood"]["0"] == {"skipped": ["state"]}
    third = talk(driver, session, "Book a table for 4 people.", schema)
    assert slots(third) == {"cuisine": "indian", "party_size": "4"}, "the state goes on from the turn before"
    events.close()


def test_a_message_that_trackers_die_of_goes_on_unread_at_its_fourth_delivery(
    driver: TurnDriver, ground: Ground, schema: str
) -> None:
    turn = driver.accept(driver.session(), "I would like some indian food.", schema=schema).turn
    step = TrackStep(driver.store, driver.bus, EventPublisher(driver.bus), RuleTracker())
    again = replace(TurnMessage.of_turn(turn), again=True)
    seen = [step.tracked(again, redelivered=False) for _ in range(4)]
    assert all(one is not None and one.state is not None for one in seen[:3])
    assert seen[3] == replace(again, understood={"skipped": ["state"]})


def test_the_arguments_of_a_call_are_no_offers_of_the_assistants(
    driver: TurnDriver, ground: Ground, schema: str
) -> None:
    session = driver.session()
    first = talk(driver, session, "I would like some indian food.", schema)
    call = {"id": "call_1", "name": "find", "arguments": '{"day": "Friday"}'}
    turns = driver.store.connection.database["turns"]
    text = call_text("find", "Shall it be Friday?")
    turns.update_one({"_id": first["_id"]}, {"$set": {"drafts.0.text": text, "drafts.0.tool_calls": [call]}})
    turn = talk(driver, session, "Yes, and we are 4 people.", schema)
    assert slots(turn) == {"cuisine": "indian", "party_size": "4"}


def test_what_a_reply_quotes_is_no_offer_of_the_assistants(driver: TurnDriver, ground: Ground, schema: str) -> None:
    session = driver.session()
    first = talk(driver, session, "I would like some indian food.", schema)
    quotation = "Shall it be Friday?"
    fields = {"text": quotation, "manifest.composed_by": "evidence", "citations": [{"start": 0, "end": len(quotation)}]}
    turns = driver.store.connection.database["turns"]
    turns.update_one({"_id": first["_id"]}, {"$set": {f"drafts.0.{name}": value for name, value in fields.items()}})
    turn = talk(driver, session, "Yes, and we are 4 people.", schema)
    assert slots(turn) == {"cuisine": "indian", "party_size": "4"}
