"""Puts the knowledge service together: `ground` on the turn path, `jobs` for ingest."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import structlog
import torch

from services.common.bus import Bus, Consumer, EventPublisher, start_all, topology
from services.common.bus.job_consumer import work_on_jobs
from services.common.bus.jobs import Jobs, declare_jobs, make_celery
from services.common.bus.search import search_queue
from services.common.errors import Unavailable
from services.common.runtime import Runtime
from services.common.store import Store
from services.knowledge.evidence.model import AnswerModels
from services.knowledge.evidence.reading import UnitReader
from services.knowledge.evidence.step import EvidenceStep
from services.knowledge.indexes import Indexes
from services.knowledge.ingest import Ingester
from services.knowledge.mining import Miner
from services.knowledge.settings import KnowledgeSettings
from services.knowledge.steps import GroundStep
from services.knowledge.tasks import PROPOSE, Resender, register
from services.models.evidence_reader import READER, EvidenceReader
from services.models.sentence_encoder import BUNDLED, PROPERTIES, SentenceEncoder

log = structlog.get_logger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry of `python -m services.knowledge ground|jobs`; settings come from the environment."""
    parser = argparse.ArgumentParser(prog="python -m services.knowledge", description=__doc__)
    parser.add_argument("part", choices=["ground", "jobs"], help="what this process works on")
    part = parser.parse_args(arguments).part
    settings = KnowledgeSettings()
    torch.set_num_threads(1)  # one query keeps one core; several run beside each other
    if part == "ground":
        run_ground(settings)
    else:
        run_jobs(settings)


def load_encoder(settings: KnowledgeSettings) -> SentenceEncoder:
    """The sentence encoder that the settings name."""
    return SentenceEncoder.load(settings.sentence_encoder, settings.sentence_precision)


def load_property_encoder(settings: KnowledgeSettings, encoder: SentenceEncoder) -> SentenceEncoder:
    """The encoder of what statements say, which shares what it can with the texts' `encoder`."""
    bundled = settings.sentence_encoder == BUNDLED
    published = encoder if bundled else SentenceEncoder.load(precision=settings.sentence_precision)
    return published.tuned(PROPERTIES)


def load_evidence_step(settings: KnowledgeSettings, encoder: SentenceEncoder) -> EvidenceStep:
    """The evidence step over the texts' encoder, with the trained reader where the encoder is the bundled one."""
    reader = EvidenceReader.load(encoder) if settings.sentence_encoder == BUNDLED and READER.is_file() else None
    return EvidenceStep(UnitReader(encoder, reader), AnswerModels.load(with_reader=reader is not None))


def run_ground(settings: KnowledgeSettings) -> None:
    """Follows the knowledge log, grounds turns and answers searches until SIGTERM."""
    with Runtime(settings, "knowledge-ground", ends_when_hung=True) as runtime:
        store = Store(settings, name="antiphon-knowledge")
        store.prepare()
        bus = Bus(settings.broker_url, declares=settings.broker_declares)
        searches = search_queue(redis=bus.redis)
        bus.declare([searches])
        events = EventPublisher(bus)
        encoder = load_encoder(settings)
        snapshots = settings.cache_dir / "knowledge" / settings.mongo_database
        indexes = Indexes(store, encoder.name, encoder.dimensions, settings.exact_vectors, snapshots)
        indexes.start()
        indexes.connected.wait(30)
        jobs = Jobs(settings)
        sender = ThreadPoolExecutor(1, thread_name_prefix="propose")
        properties = load_property_encoder(settings, encoder)
        step = GroundStep(
            store,
            bus,
            events,
            indexes,
            encoder.encode,
            properties.encode,
            settings,
            partial(_propose, sender, jobs),
            load_evidence_step(settings, encoder),
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
        sender.shutdown()
        jobs.close()
        events.close()
        bus.close()
        store.close()


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
        torch.set_num_threads(2)
        store = Store(settings, name="antiphon-knowledge-jobs")
        store.prepare()
        jobs = Jobs(settings)
        app = make_celery(settings, "antiphon-knowledge", (topology.INGEST_JOBS,))
        declare_jobs(app, settings)
        encoder = load_encoder(settings)
        register(app, Ingester(store, encoder), Miner(store, load_property_encoder(settings, encoder).encode))
        stopping = threading.Event()
        Resender(store, jobs, settings.ingest_resend_seconds, stopping).start()
        try:
            work_on_jobs(app, runtime, settings.ingest_threads)
        finally:
            stopping.set()
            jobs.close()
            store.close()
