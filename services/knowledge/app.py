"""Puts the knowledge service together: `ground` on the turn path, `jobs` for ingest."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import structlog

from services.common.bus import Bus, Consumer, EventPublisher, start_all, topology
from services.common.bus.job_consumer import work_on_jobs
from services.common.bus.jobs import Jobs, declare_jobs, make_celery
from services.common.bus.search import search_queue
from services.common.errors import Unavailable
from services.common.memory import give_back
from services.common.runtime import Runtime
from services.common.store import Store
from services.knowledge.encoders import Encoders
from services.knowledge.indexes import Indexes
from services.knowledge.ingest import Ingester
from services.knowledge.mining import Miner
from services.knowledge.settings import KnowledgeSettings
from services.knowledge.steps import GroundStep
from services.knowledge.tasks import PROPOSE, Resender, register

log = structlog.get_logger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry of `python -m services.knowledge ground|jobs`; settings come from the environment."""
    parser = argparse.ArgumentParser(prog="python -m services.knowledge", description=__doc__)
    parser.add_argument("part", choices=["ground", "jobs"], help="what this process works on")
    part = parser.parse_args(arguments).part
    settings = KnowledgeSettings()
    if part == "ground":
        run_ground(settings)
    else:
        run_jobs(settings)


def run_ground(settings: KnowledgeSettings) -> None:
    """Follows the knowledge log, grounds turns and answers searches until SIGTERM."""
    with Runtime(settings, "knowledge-ground", ends_when_hung=True) as runtime:
        store = Store(settings, name="antiphon-knowledge")
        store.prepare()
        bus = Bus(settings.broker_url, declares=settings.broker_declares)
        searches = search_queue(redis=bus.redis)
        bus.declare([searches])
        events = EventPublisher(bus)
        encoders = Encoders(settings, threads=1)  # one query keeps one core; several run beside each other
        snapshots = settings.cache_dir / "knowledge" / settings.mongo_database
        indexes = Indexes(store, encoders.name, encoders.dimensions, settings.exact_vectors, snapshots)
        indexes.start()
        indexes.connected.wait(30)
        loader = _load_when_needed(indexes, encoders)
        jobs = Jobs(settings)
        sender = ThreadPoolExecutor(1, thread_name_prefix="propose")
        step = GroundStep(
            store,
            bus,
            events,
            indexes,
            encoders.encode,
            encoders.encode_properties,
            settings,
            partial(_propose, sender, jobs),
            encoders.evidence,
        )
        turns = topology.turn_queue(topology.GROUND, redis=bus.redis)
        consumers = [
            Consumer(
                bus,
                turns,
                step.take_turn,
                threads=settings.ground_threads,
                prefetch=8 * settings.ground_threads,
            ),
            Consumer(bus, searches, step.answer_search, threads=1, prefetch=4),
        ]
        start_all(*consumers)
        runtime.ready()
        runtime.wait()
        for consumer in consumers:
            consumer.stop(settings.drain_seconds)
        indexes.stop()
        loader.join()
        sender.shutdown()
        jobs.close()
        events.close()
        bus.close()
        store.close()


def _load_when_needed(indexes: Indexes, encoders: Encoders) -> threading.Thread:
    """Loads the encoders now where somebody has knowledge, else when the first of it comes, on the thread answered."""

    def load() -> None:
        if indexes.wait_for_knowledge():
            encoders.load()
            give_back()

    if indexes.has_knowledge():
        encoders.load()
    loader = threading.Thread(target=load, name="load-encoders", daemon=True)
    loader.start()
    return loader


def _propose(sender: ThreadPoolExecutor, jobs: Jobs, tenant: str, turn: str) -> None:
    """Has a turn mined, on another thread; what a lost job would have found is only a proposal."""

    def send() -> None:
        try:
            jobs.send(topology.INGEST_JOBS, PROPOSE, tenant=tenant, turn=turn)
        except Unavailable as error:
            log.warning("proposal_not_sent", tenant=tenant, turn=turn, error=str(error))

    sender.submit(send)


def run_jobs(settings: KnowledgeSettings) -> None:
    """Works on ingest jobs until SIGTERM."""
    with Runtime(settings, "knowledge-jobs") as runtime:
        store = Store(settings, name="antiphon-knowledge-jobs")
        store.prepare()
        jobs = Jobs(settings)
        app = make_celery(settings, "antiphon-knowledge", (topology.INGEST_JOBS,))
        declare_jobs(app, settings)
        encoders = Encoders(settings, threads=2)
        encoders.properties()  # before the first job: one that waits for torch looks like one without progress
        register(app, Ingester(store, encoders), Miner(store, encoders.encode_properties))
        stopping = threading.Event()
        Resender(store, jobs, settings.ingest_resend_seconds, stopping).start()
        try:
            work_on_jobs(app, runtime, settings.ingest_threads)
        finally:
            stopping.set()
            jobs.close()
            store.close()
