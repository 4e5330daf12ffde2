"""Replies composed from evidence are drafts like any other: streamed, stored, accounted for, remembered."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from deploy.local.mongo import MongoServer
from services.common.bus import TurnMessage, topology
from services.common.evidence import Answer, Evidence, Piece
from services.common.store.knowledge import Statement
from tests.support.brokers import Broker
from tests.support.processes import Services
from tests.support.turns import TENANT, TurnDriver, turn_driver

UNKNOWN = Evidence("en", (Answer("fact", "unknown", 0.1),))


pytestmark = pytest.mark.parametrize("shared_broker", ["redis"], indirect=True)  # what is composed, no broker changes


@pytest.fixture(scope="module")
def driver(
    mongo_server: MongoServer, shared_database: str, shared_broker: Broker, shared_services: Services
) -> Iterator[TurnDriver]:
    """One generator for all tests; each has a session of its own."""
    shared_services.spawn("generator", engine="echo", reply_policy="quote", unknown_reply="No idea.").until_ready()
    with turn_driver(mongo_server.url, shared_database, shared_broker.url) as driver:
        yield driver


def test_evidence_is_quoted_streamed_stored_and_remembered(driver: TurnDriver) -> None:
    taught = driver.store.knowledge.teach_fact(TENANT, Statement("Basic plan", "price", "9 euros")).fact
    assert taught is not None
    piece = Piece("fact", taught.fact.id, 1, 0, 10, (), 0.9)
    evidence = Evidence("en", (Answer("fact", "answered", 0.9, (piece,), 0, 20),)).to_json()
    session = driver.session()
    turn = driver.accept(session, "How much is Basic plan?").turn
    driver.bus.publish_turn(topology.GENERATE, replace(TurnMessage.of_turn(turn), evidence=evidence))
    completed = driver.wait_for(turn["_id"], "completed")
    draft = driver.ended(turn["_id"])["drafts"][0]
    assert "9 euros" in draft["text"]
    assert driver.text_of(turn["_id"]) == draft["text"] == completed["draft"]["text"]
    assert draft["manifest"]["composed_by"] == "evidence"
    assert draft["manifest"]["evidence"] == evidence
    assert [(one["id"], one["supported"]) for one in draft["citations"]] == [(taught.fact.id, True)]
    assert not draft["handoff"]

    following = driver.send(session, "thank you for that")
    driver.wait_for(following["_id"], "completed")
    assert driver.ended(following["_id"])["drafts"][0]["manifest"]["history_draft_ids"] == [draft["id"]]


def test_what_is_not_known_is_declined_with_the_offer_of_a_human(driver: TurnDriver) -> None:
    turn = driver.accept(driver.session(), "What colour is the manager's car?").turn
    driver.bus.publish_turn(topology.GENERATE, replace(TurnMessage.of_turn(turn), evidence=UNKNOWN.to_json()))
    driver.wait_for(turn["_id"], "completed")
    draft = driver.ended(turn["_id"])["drafts"][0]
    assert draft["text"] == "No idea. Shall I put you through to a colleague?"
    assert draft["handoff"]


def test_a_turn_may_have_its_reply_written_freely(driver: TurnDriver) -> None:
    turn = driver.accept(driver.session(), "say it in your own words", settings={"reply_policy": "free"}).turn
    driver.bus.publish_turn(topology.GENERATE, replace(TurnMessage.of_turn(turn), evidence=UNKNOWN.to_json()))
    driver.wait_for(turn["_id"], "completed")
    draft = driver.ended(turn["_id"])["drafts"][0]
    assert "your own words" in draft["text"]
    assert "composed_by" not in draft["manifest"]


LOOK_UP = {"name": "look_up_car", "description": "", "parameters": '{"type": "object"}'}


def offered(driver: TurnDriver, text: str, evidence: Evidence, choice: str = "auto") -> Any:
    """The draft of a turn with a tool, which the echo engine calls where the message names a word of it."""
    turn = driver.accept(driver.session(), text, extra={"offer": {"tools": [LOOK_UP], "choice": choice}}).turn
    driver.bus.publish_turn(topology.GENERATE, replace(TurnMessage.of_turn(turn), evidence=evidence.to_json()))
    driver.wait_for(turn["_id"], "completed")
    draft = driver.ended(turn["_id"])["drafts"][0]
    assert driver.text_of(turn["_id"]) == draft["text"]
    return draft


def test_what_the_base_does_not_know_a_tool_may_answer(driver: TurnDriver) -> None:
    draft = offered(driver, "Please look up the colour of that car.", UNKNOWN)
    assert [call["name"] for call in draft["tool_calls"]] == ["look_up_car"]
    assert draft["manifest"]["tools"]["called"] == "look_up_car"
    assert "composed_by" not in draft["manifest"]
    assert not draft["handoff"]


def test_where_no_tool_is_called_what_is_not_known_is_declined_and_the_engine_s_words_are_not_heard(
    driver: TurnDriver,
) -> None:
    for _ in range(5):
        draft = offered(driver, "What colour has it? " + "And is that so? " * 20, UNKNOWN)
        assert draft["text"] == "No idea. Shall I put you through to a colleague?"
        assert (draft["finish_reason"], draft["handoff"]) == ("stop", True)
        assert draft["manifest"]["composed_by"] == "evidence"
        assert "tool_calls" not in draft


def test_what_the_base_answers_no_tool_is_called_for_unless_it_must_be(driver: TurnDriver) -> None:
    taught = driver.store.knowledge.teach_fact(TENANT, Statement("Car", "colour", "green")).fact
    assert taught is not None
    piece = Piece("fact", taught.fact.id, 1, 0, 10, (), 0.9)
    evidence = Evidence("en", (Answer("fact", "answered", 0.9, (piece,), 0, 20),))
    spoken = offered(driver, "Look up the car's colour", evidence)
    assert "green" in spoken["text"]
    assert "tool_calls" not in spoken
    called = offered(driver, "Look up the car's colour", evidence, "required")
    assert called["finish_reason"] == "tool_call"
