"""Puts the fine-tune service together: `batches` makes feedback into examples, `training` trains versions."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Sequence

from celery import signals

from services.common import telemetry
from services.common.bus import Bus, topology
from services.common.bus.job_consumer import work_on_jobs
from services.common.bus.jobs import Jobs, declare_jobs, job_queue, make_celery
from services.common.runtime import Runtime
from services.common.store import Store
from services.finetune.apart import Apart, end_with_parent, train
from services.finetune.settings import FinetuneSettings


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry of ``python -m services.finetune jobs|batches|training``; ``jobs`` does both in one process."""
    parser = argparse.ArgumentParser(prog="python -m services.finetune", description=__doc__)
    parser.add_argument("part", choices=["jobs", "batches", "training"], help="what this process works on")
    parser.add_argument(
        "--once", action="store_true", help="training: work on what waits, then end (for Kubernetes Jobs)"
    )
    parser.add_argument("--tenant", help="training: whose run to work on, with --run")
    parser.add_argument("--run", help="training: the run to work on, until it or the process that asked ends")
    options = parser.parse_args(arguments)
    part = options.part
    if bool(options.tenant) != bool(options.run) or (options.run and (part != "training" or options.once)):
        parser.error("--tenant and --run go together, with training and without --once")
    if options.run:
        run_training(FinetuneSettings(), options.tenant, options.run)
        return
    if options.once:
        if part != "training":
            parser.error("--once goes with training")
        run_once(FinetuneSettings())
        return
    queues = {
        "jobs": (topology.FEEDBACK_JOBS, topology.TRAINING_JOBS),
        "batches": (topology.FEEDBACK_JOBS,),
        "training": (topology.TRAINING_JOBS,),
    }[part]
    run(FinetuneSettings(), queues)


def run_training(settings: FinetuneSettings, tenant: str, training: str) -> None:
    """Work on one run for the worker that started this process, and end with it."""
    end_with_parent()
    telemetry.configure(settings.model_copy(update={"metrics_port": 0}), "training")  # the port is the worker's
    train(settings, tenant, training)
    telemetry.shutdown()


def run_once(settings: FinetuneSettings) -> None:
    """Take one wake-up off the training queue, work on every run that nobody holds, and end."""
    from services.finetune.runs import TrainingRun

    with Runtime(settings, "training") as runtime:
        store = Store(settings, name="antiphon-training")
        store.prepare()
        bus = Bus(settings.broker_url, declares=settings.broker_declares)
        with bus.connect() as connection:
            queue = job_queue(topology.TRAINING_JOBS, redis=bus.redis, declares=bus.declares)
            queue = queue(connection.default_channel)
            queue.declare()
            message = queue.get(no_ack=False)
            if message is not None:
                message.ack()  # a training outlives every acknowledgement timeout; its lease brings it back
        runtime.ready()
        for waiting in store.trainings.waiting():
            run = store.trainings.take(waiting["tenant"], waiting["_id"], settings.train_lease_seconds)
            if run is not None:
                TrainingRun(settings, store, run).work()
        store.close()


def run(settings: FinetuneSettings, queues: tuple[str, ...]) -> None:
    """Work on the queues until SIGTERM."""
    from services.finetune import tasks
    from services.finetune.batches import Batcher
    from services.finetune.maintenance import Maintenance

    apart = Apart()
    with Runtime(settings, "finetune") as runtime:
        store = Store(settings, name="antiphon-finetune")
        store.prepare()
        jobs = Jobs(settings)
        app = make_celery(settings, "antiphon-finetune", queues)
        declare_jobs(app, settings)
        stopping = threading.Event()
        batcher = Batcher(store, tasks.claim_sender(jobs), settings.feedback_batch, settings.feedback_wait_seconds)
        bus = Bus(settings.broker_url, declares=settings.broker_declares)
        if topology.FEEDBACK_JOBS in queues:
            Maintenance(store, bus, stopping, settings.audit_days).start()
            tasks.register_batches(app, batcher)
            batcher.start()
        if topology.TRAINING_JOBS in queues:
            tasks.register_trainings(app, apart.work)
            signals.worker_shutting_down.connect(lambda **_: apart.stop(), weak=False)
            tasks.Resender(store, jobs, stopping, min(tasks.RESEND_SECONDS, settings.train_lease_seconds / 2)).start()
        try:
            work_on_jobs(app, runtime, 2)
        finally:
            stopping.set()
            if batcher.is_alive():
                batcher.stop()
            jobs.close()
            bus.close()
            store.close()
