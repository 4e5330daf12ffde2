"""The way to the broker: one object per process that publishes from any thread and opens consumers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from kombu import Connection, Producer, Queue
from kombu.pools import ProducerPool

from services.common.bus import topology
from services.common.bus.messages import TurnMessage
from services.common.errors import Unavailable

PUBLISH_DEADLINE = 5.0


class Bus:
    """Publishes turn messages with confirms and everything else without.

    A publish is under a deadline, because a broker with a memory or disk alarm lets it hang. Losing a
    turn message costs time and not the turn: the sweep re-sends it.
    """

    def __init__(self, broker_url: str, *, producers: int = 16) -> None:
        self.url = broker_url
        self.redis = topology.is_redis(broker_url)
        self._confirmed = ProducerPool(self._pool(confirm=True), limit=producers)
        self._transient = ProducerPool(self._pool(confirm=False), limit=4)
        self._declared = threading.local()

    def _pool(self, *, confirm: bool) -> Any:
        return self.connect(confirm=confirm).Pool(limit=None)

    def connect(self, *, confirm: bool = False) -> Connection:
        """A fresh connection; not shared between threads."""
        options: dict[str, Any]
        if self.redis:
            # Unacknowledged turns are the sweep's business; the transport's own redelivery stays out of it.
            options = {"visibility_timeout": 3600, "socket_keepalive": True, "socket_timeout": 10}
        else:
            options = {"confirm_publish": confirm, "read_timeout": 30, "write_timeout": 10}
        return Connection(self.url, transport_options=options, heartbeat=0 if self.redis else 20, connect_timeout=5)

    def declare(self, queues: Iterable[Queue] = ()) -> None:
        """Declare the turn queues, the dead letters and ``queues``; safe to repeat."""
        with self.connect() as connection:
            connection.ensure_connection(max_retries=10, interval_start=0.2, interval_max=2)
            channel = connection.default_channel
            for queue in (*self.turn_queues(), topology.dead_queue(redis=self.redis), *queues):
                queue(channel).declare()
            if not self.redis:
                topology.EVENTS_EXCHANGE(channel).declare()
                topology.CONTROL_EXCHANGE(channel).declare()

    def turn_queues(self) -> list[Queue]:
        return [topology.turn_queue(name, redis=self.redis) for name in topology.TURN_QUEUES]

    def publish_turn(self, queue: str, message: TurnMessage) -> None:
        """Put a turn on a step's queue; returns once the broker has it. Raises Unavailable."""
        exchange = "" if self.redis else topology.TURNS_EXCHANGE.name
        self._publish(self._confirmed, message.encode(), exchange, queue, persistent=True)

    def publish_events(self, reply_to: str, events: list[dict[str, Any]]) -> None:
        """Send events to a gateway's reply queue; nobody waits for them, a lost one is asked for again."""
        body = json.dumps(events, separators=(",", ":"), ensure_ascii=False).encode()
        exchange = "" if self.redis else topology.EVENTS_EXCHANGE.name
        self._publish(self._transient, body, exchange, reply_to, persistent=False)

    def publish_control(self, command: dict[str, Any]) -> None:
        """Tell every generator something (``cancel``, ``attach``); a lost one costs a renewal interval."""
        body = json.dumps(command, separators=(",", ":")).encode()
        self._publish(self._transient, body, topology.CONTROL_EXCHANGE, "", persistent=False)

    def publish_raw(self, queue: str, body: bytes, *, persistent: bool = False) -> None:
        """Put bytes on a plain queue by its name, through the default exchange."""
        self._publish(self._confirmed if persistent else self._transient, body, "", queue, persistent=persistent)

    def _publish(self, pool: Any, body: bytes, exchange: Any, routing_key: str, *, persistent: bool) -> None:
        declare = [exchange] if exchange is topology.CONTROL_EXCHANGE else []
        try:
            with pool.acquire(block=True, timeout=PUBLISH_DEADLINE) as producer:
                try:
                    self._send(producer, body, exchange, routing_key, persistent, declare)
                except Exception as error:
                    # The pool would hand the broken connection to the next caller.
                    connection = producer.connection
                    recoverable = (*connection.recoverable_connection_errors, *connection.recoverable_channel_errors)
                    if not isinstance(error, recoverable):
                        raise
                    self._reset(producer)
                    self._send(producer, body, exchange, routing_key, persistent, declare)
        except Exception as error:
            raise Unavailable(f"the broker did not take the message: {error}") from error

    @staticmethod
    def _send(
        producer: Producer, body: bytes, exchange: Any, routing_key: str, persistent: bool, declare: list[Any]
    ) -> None:
        producer.publish(
            body,
            exchange=exchange,
            routing_key=routing_key,
            declare=declare,
            content_type="application/json",
            content_encoding="utf-8",
            serializer=None,
            delivery_mode=2 if persistent else 1,
            retry=False,
            timeout=PUBLISH_DEADLINE,
            confirm_timeout=PUBLISH_DEADLINE,
        )

    @staticmethod
    def _reset(producer: Producer) -> None:
        connection = producer.connection
        with suppress(Exception):
            producer.channel = None
        with suppress(Exception):
            connection.collapse()
        connection.ensure_connection(max_retries=3, interval_start=0, interval_step=0.2, timeout=PUBLISH_DEADLINE)
        producer.revive(connection.default_channel)

    def close(self) -> None:
        for pool in (self._confirmed, self._transient):
            with suppress(Exception):
                pool.force_close_all()
            with suppress(Exception):
                pool.connections.force_close_all()
