"""Ingest, teach, ground and search with real processes, on both brokers."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from services.common.bus import Bus, Consumer, Delivery, TurnMessage, topology
from services.common.bus.jobs import Jobs
from services.common.bus.search import SearchRequest
from services.common.ids import new_id
from services.common.store import Store
from services.common.store.knowledge import Statement, Upload
from services.knowledge.settings import KnowledgeSettings
from tests.support.brokers import Broker
from tests.support.processes import Services
from tests.support.waiting import wait_until

RETURNS = (
    b"# Returns\n\n## Shoes\nShoes may be returned within 30 days, unworn.\n\n## Books\nBooks may not be returned.\n"
)


@dataclass
class Platform:
    """The gateway's and the generator's side of the knowledge service."""

    store: Store
    bus: Bus
    jobs: Jobs
    generate: list[TurnMessage]
    events: list[dict[str, Any]]

    def ingest(self, tenant: str, upload: Upload) -> dict[str, Any]:
        source, created = self.store.knowledge.accept_document(tenant, upload)
        if created:
            self.jobs.send(topology.INGEST_JOBS, "knowledge.ingest", tenant=tenant, ingestion=source["_id"])
        return source

    def turn(self, tenant: str, text: str, min_watermark: int = 0) -> TurnMessage:
        """Sends a turn to the ground step and returns it as it reaches the generator."""
        turn, session = new_id("turn"), new_id("ses")
        self.store.connection.scoped("turns", tenant).insert_one(
            {"_id": turn, "session": session, "n": 1, "text": text, "status": "active", "at": datetime.now(UTC)}
        )
        message = TurnMessage(tenant, session, turn, 1, reply_to="gw-test", min_watermark=min_watermark)
        self.bus.publish_turn(topology.GROUND, message)
        (grounded,) = wait_until(lambda: [one for one in self.generate if one.turn == turn], 20, text)
        return grounded

    def texts(self, message: TurnMessage) -> list[str]:
        found = self.store.knowledge.read_grounding(message.tenant, message.passages, message.facts)
        return [one.text for one in found]

    def search(self, tenant: str, query: str, min_watermark: int = 0) -> dict[str, Any]:
        request = SearchRequest(new_id("search"), tenant, "gw-test", query, min_watermark=min_watermark)
        self.bus.publish_raw(topology.SEARCH, request.encode())
        (answer,) = wait_until(lambda: [one for one in self.events if one["turn"] == request.id], 20, query)
        assert answer["type"] == "searched"
        return answer


@pytest.fixture
def platform(store: Store, settings: KnowledgeSettings, broker: Broker, services: Services) -> Iterator[Platform]:
    processes = [services.spawn("knowledge", part, ground_wait_seconds=8) for part in ("ground", "jobs")]
    for process in processes:
        process.until_ready()
    bus = Bus(broker.url)
    made = Platform(store, bus, Jobs(settings.model_copy(update={"broker_url": broker.url})), [], [])

    def take(delivery: Delivery) -> None:
        made.generate.append(TurnMessage.decode(delivery.body))
        delivery.ack()

    def hear(delivery: Delivery) -> None:
        made.events.extend(json.loads(delivery.body))
        delivery.ack()

    consumers = [
        Consumer(bus, topology.turn_queue(topology.GENERATE, redis=bus.redis), take, threads=1, prefetch=8).start(),
        Consumer(bus, topology.reply_queue("gw-test", redis=bus.redis), hear, threads=1, prefetch=8).start(),
    ]
    for consumer in consumers:
        assert consumer.connected.wait(20)
    yield made
    for consumer in consumers:
        consumer.stop(2)
    made.jobs.close()
    bus.close()


def test_a_document_is_found_and_its_changes_follow(platform: Platform) -> None:
    assert platform.turn("acme", "Can I return shoes?").passages == []
    source = platform.ingest("acme", Upload("returns.md", RETURNS, "text/markdown", title="Policies"))
    grounded = platform.turn("acme", "Can I return shoes?", source["watermark"])
    assert "within 30 days" in platform.texts(grounded)[0]
    (event,) = wait_until(lambda: [one for one in platform.events if one["turn"] == grounded.turn])
    assert (event["type"], event["passages"]) == ("grounding", grounded.passages)
    wait_until(lambda: platform.store.knowledge.get_ingestion("acme", source["_id"])["status"] == "done", 30)
    vectors = platform.store.connection.scoped("vectors", "acme")
    assert vectors.count({}) == 2

    changed = platform.ingest(
        "acme", Upload("returns.md", RETURNS.replace(b"30 days", b"60 days"), "text/markdown", title="Policies")
    )
    texts = platform.texts(platform.turn("acme", "Can I return shoes?", changed["watermark"]))
    assert "within 60 days" in texts[0]
    assert not any("30 days" in text for text in texts)
    wait_until(lambda: platform.store.knowledge.get_ingestion("acme", changed["_id"])["status"] == "done", 30)
    assert vectors.count({}) == 3, "only the changed passage was embedded"

    watermark, passages = platform.store.knowledge.delete_document("acme", changed["document"])
    assert passages == 2
    assert platform.turn("acme", "Can I return shoes?", watermark).passages == []
    assert platform.search("other", "return shoes")["passages"] == []


def test_a_taught_fact_is_in_the_next_turn_and_the_old_value_is_not(platform: Platform) -> None:
    for price in ("9 €", "12 €", "15 €"):
        taught = platform.store.knowledge.teach_fact("acme", Statement("Basic plan", "price", price))
        grounded = platform.turn("acme", "What does the basic plan cost?", taught.watermark)
        assert platform.texts(grounded) == [f"The price of Basic plan is {price}."]
    found = platform.search("acme", "price of the basic plan", taught.watermark)
    assert [one["revision"] for one in found["facts"]] == [3]
    assert found["watermark"] == taught.watermark
    assert platform.search("acme", "anything", taught.watermark + 1)["error"] == "watermark"


def test_without_a_watermark_a_taught_fact_is_found_soon(platform: Platform) -> None:
    platform.store.knowledge.teach_fact("acme", Statement("Basic plan", "price", "9 €"))
    wait_until(lambda: platform.search("acme", "basic plan")["facts"], 5)


def test_a_document_that_cannot_be_read_fails_with_a_reason(platform: Platform) -> None:
    source = platform.ingest("acme", Upload("broken.txt", b"\xff\xfe broken", "text/plain"))
    state = wait_until(
        lambda: (one := platform.store.knowledge.get_ingestion("acme", source["_id"]))["status"] == "failed" and one
    )
    assert "UTF-8" in state["reason"]
    assert platform.search("acme", "broken", source["watermark"])["error"] == ""


def test_what_is_said_about_a_known_thing_waits_in_quarantine(platform: Platform) -> None:
    taught = platform.store.knowledge.teach_fact("acme", Statement("Basic plan", "price", "9 €"))
    platform.turn("acme", "Actually, the Basic plan now costs 12 €.", taught.watermark)
    (candidate,) = wait_until(lambda: platform.store.knowledge.list_candidates("acme"), 40)
    assert (candidate["entity"], candidate["slot"], candidate["value"]) == ("Basic plan", "price", "12 €")
    assert "9 €" in candidate["question"]
    record = {"_id": "feedback_1", "turn": "turn_1", "claims": ["The Basic plan is available in Austria."]}
    platform.store.connection.scoped("feedback", "acme").insert_one(record)
    platform.jobs.send(topology.INGEST_JOBS, "knowledge.mine", tenant="acme", feedback=["feedback_1", "feedback_2"])
    found = wait_until(lambda: len(both := platform.store.knowledge.list_candidates("acme")) == 2 and both, 40)
    assert found[0]["provenance"]["feedback"] == "feedback_1"
    assert [view.fact.value for view in platform.store.knowledge.list_facts("acme")] == ["9 €"]
