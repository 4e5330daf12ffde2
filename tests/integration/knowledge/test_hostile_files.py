"""A hundred files that no parser should have to meet, given to a running worker: each refused, the worker as before."""

from __future__ import annotations

from itertools import islice

import pytest

from services.common.bus import topology
from services.common.bus.jobs import Jobs
from services.common.store import Store
from services.common.store.knowledge import Upload
from services.common.store.knowledge.ingesting import OPEN
from services.knowledge.settings import KnowledgeSettings
from tests.support.brokers import Broker
from tests.support.hostile_files import hostile
from tests.support.processes import Services
from tests.support.waiting import wait_until

FILES = 100


@pytest.mark.parametrize("broker", ["redis"], indirect=True)  # what the parsers do is the same on any broker
def test_a_hundred_hostile_files_are_refused_with_a_reason_and_the_worker_lives(
    store: Store, settings: KnowledgeSettings, broker: Broker, services: Services
) -> None:
    worker = services.spawn("knowledge", "jobs").until_ready()
    pid = worker.pid
    jobs = Jobs(settings.model_copy(update={"broker_url": broker.url}))

    def ingest(name: str, kind: str, content: bytes) -> str:
        source, created = store.knowledge.accept_document("acme", Upload(name, content, kind))
        assert created
        jobs.send(topology.INGEST_JOBS, "knowledge.ingest", tenant="acme", ingestion=source["_id"])
        return str(source["_id"])

    given = [ingest(f"file-{n}", *file) for n, file in enumerate(islice(hostile(), FILES))]
    good = ingest("good.txt", "text/plain", b"Shoes may be returned within thirty days.")
    wait_until(lambda: store.knowledge.get_ingestion("acme", good)["status"] == "done", 500, "the good file")
    wait_until(lambda: all(store.knowledge.get_ingestion("acme", one)["status"] not in OPEN for one in given), 60)
    ended = [store.knowledge.get_ingestion("acme", one) for one in given]
    assert [(one["uri"], one["status"]) for one in ended if one["status"] != "failed"] == []
    assert all(one["reason"] for one in ended), "each with a reason"
    passages = store.connection.scoped("passages", "acme")
    assert {one["uri"] for one in passages.find({})} == {"good.txt"}, "nothing of them can be found"
    assert (worker.running(), worker.pid) == (True, pid)
    jobs.close()
