"""This gateway's reply queue, and the watch over streams that have gone silent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog

from services.common.bus import Bus, Consumer, Delivery, start_all, topology
from services.common.bus.asking import ANSWERS
from services.common.store import Document, Store
from services.gateway.dispatch import Dispatch
from services.gateway.replay import events_of
from services.gateway.streams import Event, Hub
from services.gateway.threads import Threads

log = structlog.get_logger(__name__)
WATCH_SECONDS = 1.0


class Replies:
    """Brings events from the broker to the hub; the reply queue is made anew on every connection."""

    def __init__(
        self,
        bus: Bus,
        hub: Hub,
        dispatch: Dispatch,
        loop: asyncio.AbstractEventLoop,
        on_answer: Callable[[Event], None],
        on_lost: Callable[[], object],
    ) -> None:
        """`on_lost` is called, in a thread that may wait, where a broker without a memory of its own was away."""
        self._on_lost = on_lost if bus.redis else None
        self._hub = hub
        self._dispatch = dispatch
        self._loop = loop
        self._on_answer = on_answer
        self._connected_before = False
        queue = topology.reply_queue(dispatch.reply_to, redis=bus.redis)
        self._consumer = Consumer(
            bus, queue, self._receive, threads=0, prefetch=0, acknowledge=False, on_connected=self._connected
        )

    def start(self) -> None:
        if not start_all(self._consumer):
            log.warning("broker_away", queue=self._dispatch.reply_to)

    def stop(self) -> None:
        self._consumer.stop(drain=1.0)

    def _receive(self, delivery: Delivery) -> None:
        try:
            events = json.loads(delivery.body)
            self._loop.call_soon_threadsafe(self._deliver, events)
        except ValueError as error:
            log.warning("unreadable_events", error=str(error))
        delivery.ack()

    def _deliver(self, events: list[Any]) -> None:
        try:
            self._hub.deliver(event for event in events if event["type"] not in ANSWERS)
            for event in events:
                if event["type"] in ANSWERS:
                    self._on_answer(event)
        except (KeyError, TypeError) as error:  # one bad message must not stop the others' streams
            log.warning("unreadable_events", error=repr(error))

    def _connected(self) -> None:
        # Events of the time without a connection are lost: ask for what the open streams have missed.
        if self._connected_before:
            self._loop.call_soon_threadsafe(self._catch_up)
            if self._on_lost is not None:
                self._dispatch.later(self._on_lost)
        self._connected_before = True

    def _catch_up(self) -> None:
        for stream in self._hub.all():
            stream.want_snapshot()


class Watch:
    """Once a second: ends that no event has brought, and snapshots that nobody has sent yet."""

    def __init__(self, store: Store, threads: Threads, hub: Hub) -> None:
        self._store = store
        self._threads = threads
        self._hub = hub
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            for stream in self._hub.all():
                if stream.wants_snapshot and not stream.ended:
                    stream.want_snapshot()
            silent = self._hub.silent(WATCH_SECONDS)
            if silent:
                try:
                    await self._look_up({(stream.tenant, stream.turn) for stream in silent})
                except Exception as error:
                    log.warning("silent_streams_not_looked_up", streams=len(silent), error=repr(error))

    async def _look_up(self, turns: set[tuple[str, str]]) -> None:
        ended: list[Document] = await self._threads.run(lambda: list(self._store.turns.ended_among(sorted(turns))))
        for turn in ended:
            self._hub.deliver(events_of(turn))
