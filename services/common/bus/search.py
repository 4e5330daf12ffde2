"""A search from a gateway to a knowledge worker and back: one queue there, the gateway's reply queue back.

The answer is an event of type `searched` whose `turn` is the request's id, so that a gateway waits for it as it
waits for a turn's events: `passages` and `facts` (`[{id, revision, score}]`), `watermark`, and `error`, which is
empty, `watermark` (not reached in time) or `request` (unreadable).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from kombu import Queue

from services.common.bus import topology
from services.common.bus.messages import UnreadableMessage

TIMEOUT = 10.0  # seconds after which nobody waits for the answer any more


@dataclass(frozen=True)
class SearchRequest:
    """What is asked; `id` is unique, `labels` are the access labels the asker has."""

    id: str
    tenant: str
    reply_to: str
    query: str
    limit: int = 10
    min_watermark: int = 0
    labels: list[str] = field(default_factory=list)

    def encode(self) -> bytes:
        """JSON, for `Bus.publish_raw(topology.SEARCH, …)`."""
        return json.dumps(asdict(self), separators=(",", ":"), ensure_ascii=False).encode()

    @classmethod
    def decode(cls, body: bytes) -> SearchRequest:
        """Raises UnreadableMessage."""
        try:
            return cls(**json.loads(body))
        except (ValueError, TypeError) as error:
            raise UnreadableMessage(str(error)) from error


def search_queue(*, redis: bool) -> Queue:
    """Where searches wait for any knowledge worker; short-lived, since the asker is."""
    if redis:
        return Queue(topology.SEARCH, exchange=topology.DEFAULT_EXCHANGE, routing_key=topology.SEARCH)
    return Queue(
        topology.SEARCH,
        exchange=topology.TURNS_EXCHANGE,
        routing_key=topology.SEARCH,
        durable=True,  # the queue, not what waits in it
        queue_arguments={"x-message-ttl": int(TIMEOUT * 1000), "x-max-length": 10_000},
    )
