"""Jobs: the one place that knows Celery. JSON only, acknowledged after the effect, refused ones kept.

Jobs are idempotent: delivery is at least once, and each job's own document says how far it came.
"""

from __future__ import annotations

from typing import Any

from celery import Celery
from kombu import Exchange, Queue

from services.common.bus import topology
from services.common.bus.connection import PUBLISH_DEADLINE
from services.common.errors import Unavailable
from services.common.settings import CommonSettings

_JOBS = Exchange("antiphon.jobs", type="direct", durable=True)
_DEAD = Exchange("antiphon.jobs.dead", type="fanout", durable=True)
# A server that hangs would hold the sending thread for ever without a timeout.
_REDIS_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_connect_timeout": PUBLISH_DEADLINE,
    "socket_timeout": PUBLISH_DEADLINE,
}


def job_queue(name: str, *, redis: bool, declares: bool = True) -> Queue:
    """A durable queue of jobs; on RabbitMQ a quorum queue with a delivery limit and dead letters.

    ``declares`` False: it is there already, and nobody tries to make it.
    """
    if redis:
        return Queue(name, exchange=_JOBS, routing_key=name)
    arguments = {
        "x-queue-type": "quorum",
        "x-delivery-limit": topology.DELIVERY_LIMIT,
        "x-dead-letter-exchange": _DEAD.name,
    }
    return Queue(
        name,
        exchange=_JOBS,
        routing_key=name,
        durable=True,
        queue_arguments=arguments,
        no_declare=not declares,
    )


def dead_job_queue() -> Queue:
    """Where RabbitMQ keeps refused jobs for a person."""
    return Queue(topology.DEAD_JOBS, exchange=_DEAD, durable=True)


def make_celery(settings: CommonSettings, name: str, queues: tuple[str, ...] = topology.JOB_QUEUES) -> Celery:
    """A Celery application that sends to every job queue and works on ``queues``."""
    redis = topology.is_redis(settings.broker_url)
    app = Celery(name, broker=settings.broker_url, set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        result_serializer="json",
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        task_acks_late=True,
        task_acks_on_failure_or_timeout=False,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        worker_enable_remote_control=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_detect_quorum_queues=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options=_REDIS_OPTIONS if redis else {"confirm_publish": True},
        worker_consumer="services.common.bus.job_consumer:JobConsumer",
        task_queues=[job_queue(queue, redis=redis, declares=settings.broker_declares) for queue in topology.JOB_QUEUES],
        task_default_queue=topology.MAINTENANCE_JOBS,
        task_default_exchange=_JOBS.name,
        task_default_routing_key=topology.MAINTENANCE_JOBS,
        task_create_missing_queues=False,
    )
    app.amqp.queues.select(queues)
    return app


def declare_jobs(app: Celery, settings: CommonSettings) -> None:
    """Declare the job queues and their dead letters, so that nothing sent early is lost."""
    if not settings.broker_declares:
        return
    redis = topology.is_redis(settings.broker_url)
    with app.connection_for_write() as connection:
        channel = connection.default_channel
        for name in topology.JOB_QUEUES:
            job_queue(name, redis=redis)(channel).declare()
        if not redis:
            dead_job_queue()(channel).declare()


class Jobs:
    """Sends jobs by name; what a job needs it reads from MongoDB by the ids it is given."""

    def __init__(self, settings: CommonSettings) -> None:
        self._settings = settings
        self._app = make_celery(settings, "antiphon-sender")
        self._redis = topology.is_redis(settings.broker_url)

    def declare(self) -> None:
        declare_jobs(self._app, self._settings)

    def send(self, queue: str, name: str, **ids: Any) -> None:
        """Put a job on its queue. Raises Unavailable; the job's document lets a sweep send it again."""
        # On RabbitMQ through the jobs' exchange: a right to write to the default one is a right to write to any queue.
        exchange = {} if self._redis else {"exchange": _JOBS.name, "routing_key": queue}
        try:
            self._app.send_task(
                name,
                kwargs=ids,
                **exchange,
                queue=job_queue(queue, redis=self._redis, declares=self._settings.broker_declares),
                retry=True,
                retry_policy={"max_retries": 2, "interval_start": 0.1, "interval_step": 0.2},
            )
        except Exception as error:
            raise Unavailable(f"the broker did not take the job: {error!r}") from error

    def close(self) -> None:
        self._app.close()
