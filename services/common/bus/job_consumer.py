"""A process that works on jobs: Celery's worker, started and ended as every other service is."""

from __future__ import annotations

from typing import Any

from celery import Celery, signals
from celery.worker import state
from celery.worker.consumer import Consumer

from services.common.runtime import Runtime

# Workers tell each other nothing: events would need an exchange of their own, which nobody reads.
_WORKER = ("worker", "--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING")
_DELAYED = "celery.worker.consumer.delayed_delivery:DelayedDelivery"


class JobConsumer(Consumer):  # type: ignore[misc]  # Celery has no types
    """Celery's consumer (``worker_consumer`` names it) without delayed delivery, which would declare 28 levels of
    queues that no job of ours uses."""

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc]
        """The steps of a worker's start."""

        default_steps = [step for step in Consumer.Blueprint.default_steps if step != _DELAYED]  # noqa: RUF012


def work_on_jobs(app: Celery, runtime: Runtime, threads: int) -> None:
    """Work on the application's queues until SIGTERM, then finish what is in work and return.

    The service is ready once it consumes. Celery takes SIGTERM over while it starts; one that came before is heeded
    as soon as it has.
    """

    def ready(**_: Any) -> None:
        runtime.ready()
        if runtime.stopping.is_set():
            state.should_stop = 0

    signals.worker_ready.connect(ready, weak=False)
    try:
        app.worker_main([*_WORKER, "--pool", "threads", "--concurrency", str(threads)])
    except SystemExit as end:
        if end.code:
            raise
