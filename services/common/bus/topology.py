"""Every queue and exchange on one page.

On RabbitMQ: turn queues are quorum queues with a delivery limit whose refused messages go to the dead
letters; events and control travel on transient queues. Redis knows none of that: there, queues are
reached by their name alone, because bindings are lost with the server's memory.

Where each service has a broker user of its own, `deploy.broker` puts all of this there beforehand and the services
declare nothing but their own transient queues.
"""

from __future__ import annotations

from copy import copy

from kombu import Exchange, Queue

TRACK = "turns.track"
GROUND = "turns.ground"
GENERATE = "turns.generate"
SEARCH = "knowledge.search"
REPLAY = "drafts.replay"
TURN_QUEUES = (TRACK, GROUND, GENERATE)
DEAD = "turns.dead"

INGEST_JOBS = "knowledge.ingest"
FEEDBACK_JOBS = "feedback.batch"
TRAINING_JOBS = "training.run"
MAINTENANCE_JOBS = "maintenance"
JOB_QUEUES = (INGEST_JOBS, FEEDBACK_JOBS, TRAINING_JOBS, MAINTENANCE_JOBS)
DEAD_JOBS = "jobs.dead"

DELIVERY_LIMIT = 20
UNREAD_SECONDS = 60  # how long events wait for a gateway that does not read them

TURNS_EXCHANGE = Exchange("antiphon.turns", type="direct", durable=True)
EVENTS_EXCHANGE = Exchange("antiphon.events", type="direct", durable=True, delivery_mode="transient")
CONTROL_EXCHANGE = Exchange("antiphon.control", type="fanout", durable=True, delivery_mode="transient")
DEAD_EXCHANGE = Exchange("antiphon.dead", type="fanout", durable=True)
DEFAULT_EXCHANGE = Exchange("", type="direct")


def is_redis(broker_url: str) -> bool:
    return broker_url.startswith(("redis://", "rediss://", "redis+socket://"))


def turn_queue(name: str, *, redis: bool) -> Queue:
    """A durable queue of turn messages; kept by a majority of RabbitMQ's nodes."""
    if redis:
        return Queue(name, exchange=DEFAULT_EXCHANGE, routing_key=name)
    return Queue(
        name,
        exchange=TURNS_EXCHANGE,
        routing_key=name,
        durable=True,
        queue_arguments={
            "x-queue-type": "quorum",
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": DEAD_EXCHANGE.name,
        },
    )


def dead_queue(*, redis: bool) -> Queue:
    """Where refused turn messages wait for a person; the turns themselves are re-sent by the sweep."""
    if redis:
        return Queue(DEAD, exchange=DEFAULT_EXCHANGE, routing_key=DEAD)
    return Queue(DEAD, exchange=DEAD_EXCHANGE, durable=True, queue_arguments={"x-max-length": 10_000})


def reply_queue(name: str, *, redis: bool) -> Queue:
    """A gateway's own queue of events; it goes with its connection."""
    if redis:
        return Queue(name, exchange=DEFAULT_EXCHANGE, routing_key=name, auto_delete=True, expires=float(UNREAD_SECONDS))
    return Queue(
        name,
        exchange=EVENTS_EXCHANGE,
        routing_key=name,
        durable=False,
        auto_delete=True,
        queue_arguments={"x-expires": UNREAD_SECONDS * 1000, "x-max-length": 100_000},
    )


def given(queue: Queue) -> Queue:
    """The queue for a user who may declare only queues that go with their consumer: all else is there already."""
    if queue.auto_delete:
        known: Exchange = copy(queue.exchange)
        known.no_declare = True
        queue.exchange = known
    else:
        queue.no_declare = True
    return queue


def control_queue(name: str) -> Queue:
    """A worker's own copy of the control fanout."""
    return Queue(name, exchange=CONTROL_EXCHANGE, durable=False, auto_delete=True, exclusive=True)
