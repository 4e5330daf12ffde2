"""The runner of the turn path: one loop per queue, a pool of threads, acknowledgement after the effect.

Only the loop's thread touches the channel; handlers settle their delivery from any thread, and the loop
carries it out within ``POLL`` seconds. With nothing in hand there is nothing to settle: the loop then sleeps until the
broker has a message, and looks up every ``IDLE`` seconds.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog
from kombu import Connection, Queue
from kombu import Consumer as KombuConsumer

from services.common.bus import topology
from services.common.bus.connection import Bus
from services.common.telemetry import observe_queue

log = structlog.get_logger(__name__)
POLL = 0.02
IDLE = 0.25


@dataclass
class Delivery:
    """One message in hand: settle it exactly once with ``ack`` or ``refuse``."""

    body: bytes
    redelivered: bool
    _message: Any = field(repr=False)
    _settle: Callable[[Any, str], None] = field(repr=False)
    headers: Mapping[str, Any] = field(default_factory=dict)

    def ack(self) -> None:
        """The effect is stored; the broker may forget the message."""
        self._settle(self._message, "ack")

    def refuse(self) -> None:
        """The message can't be worked on: to the dead letters with it. Its turn is the sweep's."""
        self._settle(self._message, "refuse")

    def requeue(self, after: float = 0.0) -> None:
        """Give it back, for another worker or a later try; this thread waits `after` seconds before it does."""
        time.sleep(after)
        self._settle(self._message, "requeue")


Handler = Callable[[Delivery], None]
START_SECONDS = 30.0


class Consumer:
    """Consumes one queue until stopped; reconnects for ever, declaring the queue again each time."""

    def __init__(
        self,
        bus: Bus,
        queue_: Queue,
        handler: Handler,
        *,
        threads: int,
        prefetch: int,
        acknowledge: bool = True,
        on_connected: Callable[[], None] | None = None,
    ) -> None:
        self._bus = bus
        self._queue = queue_ if bus.declares else topology.given(queue_)
        self._handler = handler
        self._prefetch = prefetch
        self._acknowledge = acknowledge
        self._on_connected = on_connected
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=queue_.name) if threads else None
        self._settled: queue.SimpleQueue[tuple[Any, str, int]] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._in_hand = 0
        self._held = 0  # received and not yet carried out; the loop's thread alone counts it
        self._generation = 0
        self._idle = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"consume-{queue_.name}", daemon=True)
        self.connected = threading.Event()

    def start(self) -> Consumer:
        self._thread.start()
        return self

    def stop(self, drain: float = 30.0) -> bool:
        """Take no more messages, wait up to ``drain`` seconds for those in hand; True if all were settled."""
        self._stopping.set()
        with self._idle:
            drained = self._idle.wait_for(lambda: self._in_hand == 0, drain)
        self._thread.join(drain if drained else 1.0)
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        return drained

    # -- the loop's thread ----------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.is_set():
            connection = self._bus.connect(heartbeat=10)
            try:
                connection.ensure_connection(max_retries=1, timeout=5)
                self._consume(connection)
            except Exception as error:
                if not self._stopping.is_set():
                    log.warning("broker_connection_lost", queue=self._queue.name, error=repr(error))
                    self._stopping.wait(0.2)
            finally:
                self.connected.clear()
                self._generation += 1  # settlements of the lost channel's messages mean nothing now
                with suppress(Exception):
                    connection.release()

    def _consume(self, connection: Connection) -> None:
        channel = connection.channel()
        self._queue(channel).declare()
        generation = self._generation
        consumer = KombuConsumer(
            channel,
            queues=[self._queue],
            on_message=lambda message: self._receive(message, generation),
            accept=None,
            auto_declare=False,
            prefetch_count=self._prefetch,
            no_ack=not self._acknowledge,
        )
        consumer.consume()
        self.connected.set()
        if self._on_connected is not None:
            self._on_connected()
        cancelled = False
        while True:
            with suppress(TimeoutError):
                connection.drain_events(timeout=POLL if self._held else IDLE)
            if not self._bus.redis:
                connection.heartbeat_check()
            self._carry_out(generation)
            if self._stopping.is_set():
                if not cancelled:
                    consumer.cancel()
                    cancelled = True
                with self._idle:
                    if self._in_hand == 0 and self._settled.empty():
                        return

    def _receive(self, message: Any, generation: int) -> None:
        delivery = Delivery(
            body=message.body if isinstance(message.body, bytes) else str(message.body).encode(),
            redelivered=bool(message.delivery_info.get("redelivered") or message.headers.get("redelivered")),
            _message=message,
            _settle=lambda settled, how: self._settle(settled, how, generation),
            headers=message.headers or {},
        )
        observe_queue(self._queue.name, delivery.headers)
        self._held += 1
        with self._idle:
            self._in_hand += 1
        if self._pool is None:
            self._handle(delivery)
        else:
            self._pool.submit(self._handle, delivery)

    def _handle(self, delivery: Delivery) -> None:
        try:
            self._handler(delivery)
        except Exception:
            log.exception("message_refused", queue=self._queue.name)
            delivery.refuse()

    def _settle(self, message: Any, how: str, generation: int) -> None:
        self._settled.put((message, how, generation))
        with self._idle:
            self._in_hand -= 1
            self._idle.notify_all()

    def _carry_out(self, generation: int) -> None:
        while True:
            try:
                message, how, of = self._settled.get_nowait()
            except queue.Empty:
                return
            self._held -= 1
            if of != generation or not self._acknowledge:
                continue
            if how == "ack":
                message.ack()
            elif how == "requeue":
                message.requeue()
            else:
                if self._bus.redis:  # RabbitMQ moves it to the dead letters by itself
                    self._bus.publish_raw(
                        topology.DEAD, bytes(message.body, "utf-8") if isinstance(message.body, str) else message.body
                    )
                message.reject()


def start_all(*consumers: Consumer) -> bool:
    """Start them, and wait until all of them consume; False when some still try after START_SECONDS."""
    for consumer in consumers:
        consumer.start()
    connected = [consumer.connected.wait(START_SECONDS) for consumer in consumers]
    return all(connected)
