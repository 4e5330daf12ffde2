"""Revisions of quoted replies: by rule and from evidence where that does all that was asked, and never worse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from deploy.local.mongo import MongoServer
from services.common.bus import TurnMessage, topology
from services.common.evidence import Answer, Evidence, Piece
from services.common.ids import new_id
from services.common.store import Request
from services.common.store.knowledge import Statement
from services.tracker.domain.feedback import Feedback, read_feedback
from tests.support.brokers import Broker
from tests.support.processes import Services
from tests.support.turns import TENANT, TurnDriver, turn_driver

QUESTION = "How much is Basic plan?"


pytestmark = pytest.mark.parametrize("shared_broker", ["redis"], indirect=True)  # what is composed, no broker changes


@pytest.fixture(scope="module")
def driver(
    mongo_server: MongoServer, shared_database: str, shared_broker: Broker, shared_services: Services
) -> Iterator[TurnDriver]:
    """One generator for all tests; each has a session of its own."""
    shared_services.spawn("generator", engine="echo", reply_policy="quote").until_ready()
    with turn_driver(mongo_server.url, shared_database, shared_broker.url) as driver:
        yield driver


def taught(driver: TurnDriver, entity: str, name: str, value: str) -> Piece:
    fact = driver.store.knowledge.teach_fact(TENANT, Statement(entity, name, value)).fact
    assert fact is not None
    return Piece("fact", fact.fact.id, 1, 0, 10, (), 0.9)


@pytest.fixture(scope="module")
def price(driver: TurnDriver) -> Piece:
    return taught(driver, "Basic plan", "price", "9 euros")


def grounding(piece: Piece, *others: Piece) -> dict[str, Any]:
    evidence = Evidence("en", (Answer("fact", "answered", 0.9, (piece,), 0, len(QUESTION)),)).to_json()
    facts = [{"id": one.id, "revision": one.revision, "score": 1.0} for one in (piece, *others)]
    return {"evidence": evidence, "facts": facts}


def answered(driver: TurnDriver, piece: Piece) -> dict[str, Any]:
    turn = driver.accept(driver.session(), QUESTION).turn
    driver.bus.publish_turn(topology.GENERATE, replace(TurnMessage.of_turn(turn), **grounding(piece)))
    return driver.ended(turn["_id"])


def revised(driver: TurnDriver, turn: dict[str, Any], comment: str, **message: Any) -> dict[str, Any]:
    """The draft of another round of the turn, with the comment as the tracker reads it."""
    accepted = driver.store.rounds.reopen_for_revision(
        TENANT,
        turn["_id"],
        request=Request("ReviseTurn", new_id("request"), ""),
        expected_round=None,
        feedback={"comment": comment},
        reply_to=driver.reply_to,
        max_rounds=5,
    ).turn
    before = turn["drafts"][-1]["text"]
    understood = read_feedback(Feedback(None, comment), before, QUESTION).to_json()
    sent = replace(TurnMessage.of_turn(accepted), understood=understood, **message)
    driver.bus.publish_turn(topology.GENERATE, sent)
    draft: dict[str, Any] = driver.ended(turn["_id"])["drafts"][-1]
    return draft


def test_a_quoted_reply_is_revised_by_rule_and_says_what_it_met(driver: TurnDriver, price: Piece) -> None:
    turn = answered(driver, price)
    draft = revised(driver, turn, "End with 'Ask me anything.'")
    assert draft["text"] == f"{turn['drafts'][0]['text']} Ask me anything."
    assert draft["manifest"]["composed_by"] == "revision"
    assert [check["met"] for check in draft["checks"]] == [True]
    assert draft["manifest"]["feedback_ids"] == [draft["id"]]


def test_a_phrase_is_brought_in_by_the_fact_that_has_it(driver: TurnDriver, price: Piece) -> None:
    deposit = taught(driver, "Basic plan", "deposit", "25 euros")
    turn = answered(driver, price)
    draft = revised(driver, turn, "mention the deposit", **grounding(price, deposit))
    assert draft["text"].startswith(turn["drafts"][0]["text"])
    assert "25 euros" in draft["text"]
    assert deposit.id in [citation["id"] for citation in draft["citations"]]


def test_what_nobody_can_do_leaves_the_reply_and_is_told_unmet(driver: TurnDriver, price: Piece) -> None:
    turn = answered(driver, price)
    draft = revised(driver, turn, "Auf Deutsch bitte")
    assert draft["text"] == turn["drafts"][0]["text"]
    assert [check["met"] for check in draft["checks"]] == [False]


def test_words_that_no_source_has_are_not_glued_on(driver: TurnDriver, price: Piece) -> None:
    turn = answered(driver, price)
    draft = revised(driver, turn, "mention 'unicorns'")
    assert draft["text"] == turn["drafts"][0]["text"]
    assert [check["met"] for check in draft["checks"]] == [False]
