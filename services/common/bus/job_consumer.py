"""Celery's consumer without delayed delivery, which would declare 28 levels of queues that no job of ours uses."""

from __future__ import annotations

from celery.worker.consumer import Consumer

_DELAYED = "celery.worker.consumer.delayed_delivery:DelayedDelivery"


class JobConsumer(Consumer):  # type: ignore[misc]  # Celery has no types
    """What `worker_consumer` names."""

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc]
        """The steps of a worker's start."""

        default_steps = [step for step in Consumer.Blueprint.default_steps if step != _DELAYED]  # noqa: RUF012
