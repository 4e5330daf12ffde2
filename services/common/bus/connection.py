"""The way to the broker: one object per process that publishes from any thread and opens consumers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import structlog
from kombu import Connection, Producer, Queue

from services.common.bus import topology
from services.common.bus.messages import TurnMessage
from services.common.errors import Unavailable
from services.common.telemetry import message_headers

log = structlog.get_logger(__name__)
PUBLISH_DEADLINE = 5.0


class Bus:
    """Publishes turn messages with confirms and everything else without.

    Each publishing thread keeps a connection of its own, since none may be shared. A publish is under a
    deadline, because a broker with a memory or disk alarm lets it hang. Losing a turn message costs time
    and not the turn: the sweep re-sends it.
    """

    def __init__(self, broker_url: str, *, declares: bool = True) -> None:
        """``declares`` False: the broker has queues and exchanges already, and this user may make none."""
        self.url = broker_url
        self.declares = declares
        self.redis = topology.is_redis(broker_url)
        self._mine = threading.local()
        self._open: list[Connection] = []
        self._lock = threading.Lock()

    def connect(self, *, confirm: bool = False, heartbeat: float = 0) -> Connection:
        """A fresh connection; not shared between threads."""
        options: dict[str, Any]
        if self.redis:
            # Unacknowledged turns are the sweep's business; the transport's own redelivery stays out of it.
            options = {
                "visibility_timeout": 3600,
                "socket_keepalive": True,
                "socket_connect_timeout": PUBLISH_DEADLINE,
                "socket_timeout": PUBLISH_DEADLINE,  # a server that hangs would hold the publishing thread for ever
            }
        else:
            options = {"confirm_publish": confirm}
        return Connection(
            self.url,
            transport_options=options,
            heartbeat=0 if self.redis else heartbeat,
            connect_timeout=PUBLISH_DEADLINE,
        )

    def declare(self, queues: Iterable[Queue] = ()) -> None:
        """Declare the turn queues, the dead letters and ``queues``; safe to repeat.

        Where nothing is declared, raises kombu's NotFound unless the turns' exchange is there.
        """
        with self.connect() as connection:
            connection.ensure_connection(max_retries=20, interval_start=0.2, interval_max=2)
            channel = connection.default_channel
            if not self.declares:
                topology.TURNS_EXCHANGE(channel).declare(passive=True)
                return
            for queue in (*self.turn_queues(), topology.dead_queue(redis=self.redis), *queues):
                queue(channel).declare()
            topology.CONTROL_EXCHANGE(channel).declare()
            if not self.redis:
                topology.EVENTS_EXCHANGE(channel).declare()

    def drop_dead(self, words: Iterable[str]) -> int:
        """Drop the dead letters that hold one of these words, such as an erased session's id, and answer how many.

        On Redis its append-only file is written anew, so that it forgets what is gone from its queues. Raises
        Unavailable.
        """
        wanted = [word.encode() for word in words]
        dropped = 0
        try:
            with self.connect() as connection:
                channel = connection.default_channel
                queue = topology.dead_queue(redis=self.redis)(channel)
                others = []
                while (message := queue.get()) is not None:
                    body = message.body if isinstance(message.body, bytes) else str(message.body).encode()
                    if any(word in body for word in wanted):
                        message.ack()
                        dropped += 1
                    else:
                        others.append(message)
                for message in others:
                    message.requeue()
                if self.redis:
                    with suppress(Exception):  # one is under way, or the server keeps no file
                        channel.client.bgrewriteaof()
        except Exception as error:
            raise Unavailable(f"the dead letters could not be searched: {error!r}") from error
        return dropped

    def turn_queues(self) -> list[Queue]:
        return [topology.turn_queue(name, redis=self.redis) for name in topology.TURN_QUEUES]

    def publish_turn(self, queue: str, message: TurnMessage) -> None:
        """Put a turn on a step's queue; returns once the broker has it. Raises Unavailable."""
        exchange = "" if self.redis else topology.TURNS_EXCHANGE.name
        self._publish(message.encode(), exchange, queue, persistent=True, headers=message_headers(message.trace))

    def publish_events(self, reply_to: str, events: list[dict[str, Any]]) -> None:
        """Send events to a gateway's reply queue; nobody waits for them, a lost one is asked for again."""
        body = json.dumps(events, separators=(",", ":"), ensure_ascii=False).encode()
        exchange = "" if self.redis else topology.EVENTS_EXCHANGE.name
        self._publish(body, exchange, reply_to, persistent=False)

    def keep_replies(self, names: Iterable[str]) -> None:
        """Let what gateways have not read go after a while: a Redis list, unlike a queue of RabbitMQ, outlives its
        reader. A broker that is away is no matter: what it holds then came with a time to live, or comes again."""
        if not self.redis:
            return
        try:
            client = self._producer(False).channel.client
            for name in names:
                client.expire(name, topology.UNREAD_SECONDS)
        except Exception as error:
            self._drop(False)
            log.info("replies_without_expiry", error=repr(error))

    def publish_control(self, command: dict[str, Any]) -> None:
        """Tell every generator something (``cancel``, ``attach``); a lost one costs a renewal interval."""
        body = json.dumps(command, separators=(",", ":")).encode()
        self._publish(body, topology.CONTROL_EXCHANGE.name, "", persistent=False)

    def publish_raw(self, queue: str, body: bytes, *, persistent: bool = False) -> None:
        """Put bytes on a queue by its name."""
        exchange = "" if self.redis else topology.TURNS_EXCHANGE.name
        self._publish(body, exchange, queue, persistent=persistent)

    def _publish(
        self,
        body: bytes,
        exchange: str,
        routing_key: str,
        *,
        persistent: bool,
        headers: dict[str, Any] | None = None,
    ) -> None:
        try:
            producer = self._producer(persistent)
            try:
                self._send(producer, body, exchange, routing_key, persistent, headers)
            except Exception:
                # Most often a connection that the broker closed while it was idle; a second failure is news.
                self._drop(persistent)
                self._send(self._producer(persistent), body, exchange, routing_key, persistent, headers)
        except Exception as error:
            self._drop(persistent)
            raise Unavailable(f"the broker did not take the message: {error!r}") from error

    def _producer(self, confirm: bool) -> Producer:
        producers: dict[bool, Producer] = self._mine.__dict__.setdefault("producers", {})
        if confirm not in producers:
            connection = self.connect(confirm=confirm)
            producer = Producer(connection.default_channel, auto_declare=False)
            if self.redis:
                topology.CONTROL_EXCHANGE(connection.default_channel).declare()
            producers[confirm] = producer
            with self._lock:
                self._open.append(connection)
        return producers[confirm]

    def _drop(self, confirm: bool) -> None:
        producer = self._mine.__dict__.get("producers", {}).pop(confirm, None)
        if producer is not None:
            connection = producer.connection
            with self._lock:
                self._open = [other for other in self._open if other is not connection]
            with suppress(Exception):
                connection.collect(1.0)

    @staticmethod
    def _send(
        producer: Producer,
        body: bytes,
        exchange: str,
        routing_key: str,
        persistent: bool,
        headers: dict[str, Any] | None,
    ) -> None:
        producer.publish(
            body,
            exchange=exchange,
            routing_key=routing_key,
            content_type="application/json",
            content_encoding="utf-8",
            headers=headers,
            delivery_mode=2 if persistent else 1,
            timeout=PUBLISH_DEADLINE,
            confirm_timeout=PUBLISH_DEADLINE if persistent else None,
        )

    def close(self) -> None:
        """Close every thread's connection; call it when no thread publishes any more."""
        with self._lock:
            connections, self._open = self._open, []
        for connection in connections:
            with suppress(Exception):
                connection.close()
