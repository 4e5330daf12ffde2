"""The generate step on real brokers and a real mongod, with the echo engine in a process of its own."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.local.mongo import MongoServer
from services.common.bus import TurnMessage, topology
from services.common.store.knowledge import Statement
from tests.support.brokers import Broker
from tests.support.processes import Services
from tests.support.tiny_model import make_state_projector, make_tiny_model
from tests.support.turns import TENANT, TurnDriver, turn_driver
from tests.support.waiting import wait_until

STORY = "a long story, my name is Zoltan " * 300  # the echo engine says it again, 50 words a second


@pytest.fixture(scope="module")
def driver(
    mongo_server: MongoServer, shared_database: str, shared_broker: Broker, shared_services: Services
) -> Iterator[TurnDriver]:
    """One generator for all tests; each has sessions of its own."""
    shared_services.spawn("generator", engine="echo", echo_step_ms=20, renew_seconds=0.5).until_ready()
    with turn_driver(mongo_server.url, shared_database, shared_broker.url) as driver:
        yield driver


@pytest.fixture
def lone_driver(mongo: MongoServer, database: str, broker: Broker) -> Iterator[TurnDriver]:
    """For a test that starts generators of its own, and kills them."""
    with turn_driver(mongo.url, database, broker.url) as driver:
        yield driver


def test_a_turn_is_streamed_stored_and_accounted_for(driver: TurnDriver) -> None:
    session = driver.session()
    turn = driver.send(session, "where is my parcel today")
    completed = driver.wait_for(turn["_id"], "completed")
    ended = driver.ended(turn["_id"])
    assert driver.text_of(turn["_id"]) == ended["drafts"][0]["text"] == completed["draft"]["text"]
    assert "parcel" in ended["drafts"][0]["text"]
    assert ended["status"] == "completed"
    manifest = ended["drafts"][0]["manifest"]
    assert manifest["version_id"] == "echo"
    assert manifest["engine"] == "echo"
    assert ended["attempt"] == 1


def test_what_a_reply_cites_is_held_against_its_notes(driver: TurnDriver) -> None:
    # The engine repeats its notes, as they are numbered, and the message.
    fact = driver.store.knowledge.teach_fact(TENANT, Statement("Basic plan", "price", "9 euros")).fact
    assert fact is not None
    reference = {"id": fact.fact.id, "revision": 1, "score": 1.0}
    turn = driver.accept(driver.session(), "The price of Basic plan is 12 euros [1].").turn
    gone = {"id": "fact_gone", "revision": 1, "score": 0.5}
    driver.bus.publish_turn(topology.GENERATE, replace(TurnMessage.of_turn(turn), facts=[reference, gone]))
    driver.wait_for(turn["_id"], "completed")
    draft = driver.ended(turn["_id"])["drafts"][0]
    assert draft["manifest"]["facts"] == [{**reference, "mark": "1"}]
    assert [(one["id"], one["supported"]) for one in draft["citations"]] == [
        (fact.fact.id, True),
        (fact.fact.id, False),
    ]
    uses = driver.store.knowledge.used_by(TENANT, "fact", fact.fact.id)  # by the turn on the other broker as well
    assert [use.turn for use in uses].count(turn["_id"]) == 1


def test_waiting_turns_of_a_session_run_one_after_the_other(driver: TurnDriver) -> None:
    session = driver.session()
    turns = [driver.send(session, f"message number {number}") for number in range(4)]
    # Without a tracker the promoted turns stand on its queue; pass them on as it would.
    for turn in turns[1:]:
        wait_until(lambda t=turn: driver.store.turns.get(TENANT, t["_id"])["status"] != "waiting", 60)
        driver.bus.publish_turn(topology.GENERATE, TurnMessage.of_turn(driver.store.turns.get(TENANT, turn["_id"])))
        driver.wait_for(turn["_id"], "completed")
    ended = [driver.ended(turn["_id"]) for turn in turns]
    assert [turn["n"] for turn in ended] == [1, 2, 3, 4]
    assert all(turn["status"] == "completed" for turn in ended)
    assert ended[3]["drafts"][0]["manifest"]["history_draft_ids"] == [t["drafts"][0]["id"] for t in ended[:3]]
    ends = [turn["ended_at"] for turn in ended]
    assert ends == sorted(ends)


def test_a_message_that_comes_twice_makes_one_draft(driver: TurnDriver) -> None:
    session = driver.session()
    turn = driver.send(session, "hello " * 20)
    for _ in range(3):
        driver.bus.publish_turn(topology.GENERATE, TurnMessage.of_turn(turn))
    driver.wait_for(turn["_id"], "completed")
    other = driver.send(driver.session(), "a later turn passes through the same queue")
    driver.wait_for(other["_id"], "completed")
    ended = driver.ended(turn["_id"])
    assert ended["attempt"] == 1
    assert len([e for e in driver.events if e["turn"] == turn["_id"] and e["type"] == "completed"]) == 1


def test_a_cancelled_turn_stops_and_keeps_its_partial_text(driver: TurnDriver) -> None:
    turn = driver.send(driver.session(), STORY)
    driver.wait_for(turn["_id"], "delta")
    assert driver.store.turns.cancel_turn(TENANT, turn["_id"]) is not None
    driver.bus.publish_control({"op": "cancel", "turn": turn["_id"]})
    kept = wait_until(
        lambda: t if (t := driver.store.turns.get(TENANT, turn["_id"]))["drafts"][0].get("text") else None, 10
    )
    assert kept["status"] == "cancelled"
    assert kept["drafts"][0]["text"].startswith(driver.text_of(turn["_id"])[:10])
    assert len(kept["drafts"][0]["text"].split()) < 1000


@pytest.mark.parametrize("command", ["first", "last", "lost"])
@pytest.mark.parametrize("words", [0, 2, 12])
def test_an_interrupted_turn_enters_history_with_what_it_said(driver: TurnDriver, words: int, command: str) -> None:
    session = driver.session(policy="interrupt")
    turn = driver.send(session, STORY, policy="interrupt")
    wait_until(lambda: driver.store.turns.get(TENANT, turn["_id"])["attempt"] == 1, 60)
    wait_until(lambda: len(driver.text_of(turn["_id"]).split()) >= words, 60)
    accepted = driver.accept(session, "what is my name", policy="interrupt", settings={"max_tokens": 8})
    assert [one["_id"] for one in accepted.cancelled] == [turn["_id"]]
    if command == "first":
        driver.bus.publish_control({"op": "cancel", "turn": turn["_id"]})
    driver.bus.publish_turn(topology.GENERATE, TurnMessage.of_turn(accepted.turn))
    if command == "last":
        driver.bus.publish_control({"op": "cancel", "turn": turn["_id"]})
    driver.wait_for(accepted.turn["_id"], "completed")
    draft = driver.ended(accepted.turn["_id"])["drafts"][0]
    assert draft["manifest"]["history_draft_ids"] == [turn["drafts"][0]["id"]]
    kept = driver.store.turns.get(TENANT, turn["_id"])["drafts"][0]
    assert kept["finish_reason"] == "cancelled", "the next turn was written before the words of this one were stored"
    assert kept["text"].startswith(driver.text_of(turn["_id"]))


def test_a_message_interrupted_before_any_worker_took_it_enters_history(driver: TurnDriver) -> None:
    session = driver.session(policy="interrupt")
    first = driver.accept(session, "my name is Zoltan", policy="interrupt").turn
    second = driver.accept(session, "what is my name", policy="interrupt").turn
    driver.bus.publish_turn(topology.GENERATE, TurnMessage.of_turn(second))
    driver.wait_for(second["_id"], "completed")
    manifest = driver.ended(second["_id"])["drafts"][0]["manifest"]
    assert manifest["history_draft_ids"] == [first["drafts"][0]["id"]]


def test_a_turn_does_not_wait_for_the_words_of_a_dead_worker_more_than_once(
    lone_driver: TurnDriver, services: Services
) -> None:
    worker = services.spawn("generator", engine="echo", echo_step_ms=20)
    worker.until_ready()
    session = lone_driver.session(policy="interrupt")
    turn = lone_driver.send(session, STORY, policy="interrupt")
    lone_driver.wait_for(turn["_id"], "delta")
    worker.kill()
    services.spawn("generator", engine="echo", renew_seconds=0.5).until_ready()
    for text in ("and now", "and then"):
        accepted = lone_driver.accept(session, text, policy="interrupt").turn
        lone_driver.bus.publish_turn(topology.GENERATE, TurnMessage.of_turn(accepted))
        lone_driver.wait_for(accepted["_id"], "completed")
        ids = lone_driver.ended(accepted["_id"])["drafts"][0]["manifest"]["history_draft_ids"]
        assert ids[0] == turn["drafts"][0]["id"]


def test_a_lost_cancel_costs_one_renewal(driver: TurnDriver) -> None:
    turn = driver.send(driver.session(), STORY)
    driver.wait_for(turn["_id"], "delta")
    assert driver.store.turns.cancel_turn(TENANT, turn["_id"]) is not None
    kept = wait_until(
        lambda: t if (t := driver.store.turns.get(TENANT, turn["_id"]))["drafts"][0].get("text") else None, 10
    )
    assert kept["status"] == "cancelled"


def test_another_gateway_gets_all_text_so_far(driver: TurnDriver) -> None:
    turn = driver.accept(driver.session(), "one two three " * 20).turn
    driver.store.turns.set_reply_to(TENANT, turn["_id"], "events.of_a_dead_gateway")
    message = TurnMessage.of_turn(turn)
    driver.bus.publish_turn(topology.GENERATE, message)
    wait_until(lambda: driver.store.turns.get(TENANT, turn["_id"])["attempt"] == 1, 60)
    driver.store.turns.set_reply_to(TENANT, turn["_id"], driver.reply_to)
    driver.bus.publish_control({"op": "attach", "turn": turn["_id"], "reply_to": driver.reply_to})
    completed = driver.wait_for(turn["_id"], "completed")
    assert driver.text_of(turn["_id"]) == completed["draft"]["text"]


def test_an_unreadable_message_goes_to_the_dead_letters(driver: TurnDriver) -> None:
    driver.bus.publish_raw(topology.GENERATE, b"\xff\xfe not json", persistent=True)
    turn = driver.send(driver.session(), "still alive")
    driver.wait_for(turn["_id"], "completed")

    def dead() -> bool:
        with driver.bus.connect() as connection:
            message = topology.dead_queue(redis=driver.bus.redis)(connection.default_channel).get(no_ack=True)
            return message is not None

    wait_until(dead, 60)


@pytest.mark.parametrize("broker", ["redis"], indirect=True)
def test_the_state_enters_as_vectors_and_the_manifest_names_what_made_them(
    lone_driver: TurnDriver, services: Services, tmp_path: Path
) -> None:
    cache = Path.home() / ".cache" / "antiphon"
    model = make_tiny_model(tmp_path / "model", cache, spread=0.3)
    projector, name = make_state_projector(tmp_path / "state.safetensors", model, cache)
    services.spawn(
        "generator", model=model, cache_dir=cache, state_vectors="instead", state_projector=projector, reply_tokens=12
    ).until_ready()

    def reply(area: str) -> tuple[str, dict[str, Any]]:
        turn = lone_driver.accept(lone_driver.session(), "where is it").turn
        slots = {"area": {"value": area}} if area else {}
        state = {"services": {"hotel": {"slots": slots}}, "base_revision": 0}
        lone_driver.bus.publish_turn(topology.GENERATE, replace(TurnMessage.of_turn(turn), state=state))
        lone_driver.wait_for(turn["_id"], "completed")
        draft = lone_driver.ended(turn["_id"])["drafts"][0]
        return draft["text"], draft["manifest"]

    (centre, manifest), (again, _), (north, _), (plain, without) = map(reply, ("centre", "centre", "north", ""))
    assert centre == again
    assert len({centre, north, plain}) == 3
    assert manifest["state_projector"] == name
    assert without["state_projector"] == ""
    assert manifest["prompt_hash"] != without["prompt_hash"]
