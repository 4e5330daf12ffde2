"""Replies composed from evidence are drafts like any other: streamed, stored, accounted for, remembered."""

from collections.abc import Iterator
from dataclasses import replace

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
