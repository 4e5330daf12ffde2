"""Ingest, teach, ground and search with real processes, on both brokers; each test is a tenant of its own."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from deploy.local.mongo import MongoServer
from services.common.bus import Bus, Consumer, Delivery, TurnMessage, topology
from services.common.bus.jobs import Jobs
from services.common.bus.search import SearchRequest
from services.common.ids import new_id
from services.common.settings import CommonSettings
from services.common.store import Store
from services.common.store.knowledge import Statement, Upload
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
    tenant: str = ""

    def ingest(self, upload: Upload) -> dict[str, Any]:
        source, created = self.store.knowledge.accept_document(self.tenant, upload)
        if created:
            self.jobs.send(topology.INGEST_JOBS, "knowledge.ingest", tenant=self.tenant, ingestion=source["_id"])
        return source

    def turn(self, text: str, min_watermark: int = 0) -> TurnMessage:
        """Sends a turn to the ground step and returns it as it reaches the generator."""
        turn, session = new_id("turn"), new_id("ses")
        self.store.connection.scoped("turns", self.tenant).insert_one(
            {"_id": turn, "session": session, "n": 1, "text": text, "status": "active", "at": datetime.now(UTC)}
        )
        message = TurnMessage(self.tenant, session, turn, 1, reply_to="gw-test", min_watermark=min_watermark)
        self.bus.publish_turn(topology.GROUND, message)
        (grounded,) = wait_until(lambda: [one for one in self.generate if one.turn == turn], 60, text)
        return grounded

    def texts(self, message: TurnMessage) -> list[str]:
        found = self.store.knowledge.read_grounding(message.tenant, message.passages, message.facts)
        return [one.text for one in found]

    def search(self, query: str, min_watermark: int = 0, *, weigh: bool = False) -> dict[str, Any]:
        request = SearchRequest(new_id("search"), self.tenant, "gw-test", query, 10, min_watermark, weigh=weigh)
        self.bus.publish_raw(topology.SEARCH, request.encode())
        (answer,) = wait_until(lambda: [one for one in self.events if one["turn"] == request.id], 60, query)
        assert answer["type"] == "searched"
        return answer


@pytest.fixture(scope="module")
def running(
    mongo_server: MongoServer, shared_database: str, shared_broker: Broker, shared_services: Services
) -> Iterator[Platform]:
    processes = [shared_services.spawn("knowledge", part, ground_wait_seconds=8) for part in ("ground", "jobs")]
    settings = CommonSettings(mongo_url=mongo_server.url, mongo_database=shared_database, broker_url=shared_broker.url)
    store, bus = Store(settings), Bus(shared_broker.url)
    store.prepare()
    for process in processes:
        process.until_ready()
    made = Platform(store, bus, Jobs(settings), [], [])

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
    store.close()


@pytest.fixture
def platform(running: Platform) -> Platform:
    """Service, broker and database are the file's, the tenant is the test's own."""
    return replace(running, tenant=new_id("tenant"))


def test_a_document_is_found_and_its_changes_follow(platform: Platform) -> None:
    assert platform.turn("Can I return shoes?").passages == []
    source = platform.ingest(Upload("returns.md", RETURNS, "text/markdown", title="Policies"))
    grounded = platform.turn("Can I return shoes?", source["watermark"])
    assert "within 30 days" in platform.texts(grounded)[0]
    (event,) = wait_until(lambda: [one for one in platform.events if one["turn"] == grounded.turn])
    assert (event["type"], event["passages"]) == ("grounding", grounded.passages)
    wait_until(lambda: platform.store.knowledge.get_ingestion(platform.tenant, source["_id"])["status"] == "done", 30)
    vectors = platform.store.connection.scoped("vectors", platform.tenant)
    assert vectors.count({}) == 2

    changed = platform.ingest(
        Upload("returns.md", RETURNS.replace(b"30 days", b"60 days"), "text/markdown", title="Policies")
    )
    texts = platform.texts(platform.turn("Can I return shoes?", changed["watermark"]))
    assert "within 60 days" in texts[0]
    assert not any("30 days" in text for text in texts)
    wait_until(lambda: platform.store.knowledge.get_ingestion(platform.tenant, changed["_id"])["status"] == "done", 30)
    assert vectors.count({}) == 3, "only the changed passage was embedded"

    watermark, passages = platform.store.knowledge.delete_document(platform.tenant, changed["document"])
    assert passages == 2
    assert platform.turn("Can I return shoes?", watermark).passages == []
    assert replace(platform, tenant="other").search("return shoes")["passages"] == []


def test_a_comment_is_looked_up_beside_what_its_turn_asked(platform: Platform) -> None:
    source = platform.ingest(Upload("returns.md", RETURNS, "text/markdown", title="Policies"))
    grounded = platform.turn("Can I return shoes?", source["watermark"])
    grounding = {"passages": grounded.passages, "facts": [], "evidence": grounded.evidence}
    feedback = {"round": 1, "feedback": {"comment": "And can I return books?"}}
    platform.store.connection.scoped("turns", platform.tenant).update_one(
        {"_id": grounded.turn}, {"$set": {"grounding": grounding, "drafts": [{"round": 0}, feedback]}}
    )
    message = replace(grounded, kind="revision", round=1, passages=[], facts=[], evidence=None)
    platform.bus.publish_turn(topology.GROUND, message)
    (revised,) = wait_until(lambda: [one for one in platform.generate if one.turn == grounded.turn and one.round], 60)
    assert revised.evidence is not None
    assert revised.evidence["answers"] == (grounded.evidence or {})["answers"]
    assert [answer["verdict"] for answer in revised.evidence["comment"]] == ["answered"]
    (piece,) = revised.evidence["comment"][0]["pieces"]
    passage = platform.store.knowledge.read_passages(platform.tenant, [piece["id"]])[piece["id"]]
    assert "Books" in passage["text"]
    assert {one["id"] for one in grounded.passages} <= {one["id"] for one in revised.passages}


def test_a_taught_fact_is_in_the_next_turn_and_the_old_value_is_not(platform: Platform) -> None:
    for price in ("9 €", "12 €", "15 €"):
        taught = platform.store.knowledge.teach_fact(platform.tenant, Statement("Basic plan", "price", price))
        grounded = platform.turn("What does the basic plan cost?", taught.watermark)
        assert platform.texts(grounded) == [f"The price of Basic plan is {price}."]
    (note,) = platform.store.knowledge.read_grounding(platform.tenant, [], grounded.facts)
    assert note.outdated == ("9 €", "12 €")
    found = platform.search("price of the basic plan", taught.watermark)
    assert [one["revision"] for one in found["facts"]] == [3]
    assert found["watermark"] == taught.watermark
    assert platform.search("anything", taught.watermark + 1)["error"] == "watermark"
    for question in ("What does the Basic plan cost?", "Who wrote the last song?", "Hello there!"):
        weighed = platform.search(question, taught.watermark, weigh=True)
        assert weighed["evidence"] == platform.turn(question, taught.watermark).evidence
    assert replace(platform, tenant=new_id("tenant")).search("Who is there?", weigh=True)["evidence"] is None


def test_without_a_watermark_a_taught_fact_is_found_soon(platform: Platform) -> None:
    platform.store.knowledge.teach_fact(platform.tenant, Statement("Basic plan", "price", "9 €"))
    wait_until(lambda: platform.search("basic plan")["facts"], 60)


def test_a_document_that_cannot_be_read_fails_with_a_reason(platform: Platform) -> None:
    source = platform.ingest(Upload("broken.txt", b"\xff\xfe broken", "text/plain"))
    state = wait_until(
        lambda: (
            (one := platform.store.knowledge.get_ingestion(platform.tenant, source["_id"]))["status"] == "failed"
            and one
        )
    )
    assert "UTF-8" in state["reason"]
    assert platform.search("broken", source["watermark"])["error"] == ""


def test_what_is_said_about_a_known_thing_waits_in_quarantine(platform: Platform) -> None:
    taught = platform.store.knowledge.teach_fact(platform.tenant, Statement("Basic plan", "price", "9 €"))
    platform.turn("Actually, the Basic plan now costs 12 €.", taught.watermark)
    (candidate,) = wait_until(lambda: platform.store.knowledge.list_candidates(platform.tenant), 40)
    assert (candidate["entity"], candidate["slot"], candidate["value"]) == ("Basic plan", "price", "12 €")
    assert "9 €" in candidate["question"]
    given, gone = new_id("feedback"), new_id("feedback")
    record = {"_id": given, "turn": "turn_1", "claims": ["The Basic plan is available in Austria."]}
    platform.store.connection.scoped("feedback", platform.tenant).insert_one(record)
    platform.jobs.send(topology.INGEST_JOBS, "knowledge.mine", tenant=platform.tenant, feedback=[given, gone])
    found = wait_until(lambda: len(both := platform.store.knowledge.list_candidates(platform.tenant)) == 2 and both, 40)
    assert found[0]["provenance"]["feedback"] == given
    assert [view.fact.value for view in platform.store.knowledge.list_facts(platform.tenant)] == ["9 €"]
