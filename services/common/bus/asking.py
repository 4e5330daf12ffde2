"""Questions from a gateway to any worker of a kind: one short-lived queue there, the gateway's reply queue back.

The answer is an event whose `turn` is the question's id and whose type is one of ANSWERS, so that a gateway waits for
it as it waits for a turn's events.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Self

from kombu import Queue

from services.common.bus import topology
from services.common.bus.messages import UnreadableMessage

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
