"""Questions to any worker of a kind: one short-lived queue there, the asker's reply queue back.

The answer is an event whose `turn` is the question's id and whose type is one of ANSWERS, so that a gateway waits for
it as it waits for a turn's events. A process without a gateway's reply queue asks by an `Asker`.
"""

from __future__ import annotations

import json
import queue
import threading
from dataclasses import asdict, dataclass
from typing import Any, Self

import structlog
from kombu import Queue

from services.common.bus import topology
from services.common.bus.connection import Bus
from services.common.bus.consumer import Consumer, Delivery, start_all
from services.common.bus.messages import UnreadableMessage
from services.common.errors import Unavailable

log = structlog.get_logger(__name__)

ANSWERS = frozenset({"searched", "replayed"})


@dataclass(frozen=True)
class Question:
    """What every question says: its unique id, whose data it is about, and the queue that the answer goes to."""

    id: str
    tenant: str
    reply_to: str

    def encode(self) -> bytes:
        """JSON, for `Bus.publish_raw`."""
        return json.dumps(asdict(self), separators=(",", ":"), ensure_ascii=False).encode()

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Raises UnreadableMessage."""
        try:
            return cls(**json.loads(body))
        except (ValueError, TypeError) as error:
            raise UnreadableMessage(str(error)) from error


def question_queue(name: str, seconds: float, *, redis: bool, longest: int = 10_000) -> Queue:
    """Where questions wait for any worker of a kind, for so many seconds: as long as somebody waits for the answer.

    Beyond `longest` of them the oldest goes. Redis knows neither limit.
    """
    if redis:
        return Queue(name, exchange=topology.DEFAULT_EXCHANGE, routing_key=name)
    return Queue(
        name,
        exchange=topology.TURNS_EXCHANGE,
        routing_key=name,
        durable=True,  # the queue, not what waits in it
        queue_arguments={"x-message-ttl": int(seconds * 1000), "x-max-length": longest},
    )


class Asker:
    """Asks from threads that may wait, over a reply queue of its own, which is there while it is entered."""

    def __init__(self, bus: Bus, name: str) -> None:
        """`name` is the reply queue's, nobody else's."""
        self.name = name
        self._bus = bus
        self._waiting: dict[str, queue.SimpleQueue[dict[str, Any]]] = {}
        self._lock = threading.Lock()
        replies = topology.reply_queue(name, redis=bus.redis)
        self._consumer = Consumer(bus, replies, self._receive, threads=0, prefetch=0, acknowledge=False)

    def __enter__(self) -> Asker:
        start_all(self._consumer)
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.stop(drain=1.0)

    def ask(self, to: str, question: Question, seconds: float, silence: str) -> dict[str, Any]:
        """The answer's event. Raises Unavailable, with `silence` as its message where no answer comes in time."""
        answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        with self._lock:
            self._waiting[question.id] = answers
        try:
            self._bus.publish_raw(to, question.encode())
            return answers.get(timeout=seconds)
        except queue.Empty:
            raise Unavailable(silence) from None
        finally:
            with self._lock:
                self._waiting.pop(question.id, None)

    def _receive(self, delivery: Delivery) -> None:
        try:
            for event in json.loads(delivery.body):
                with self._lock:
                    answers = self._waiting.get(event["turn"])
                if answers is not None and event["type"] in ANSWERS:
                    answers.put(event)
        except (ValueError, KeyError, TypeError) as error:
            log.warning("unreadable_events", error=repr(error))
        delivery.ack()
