"""A gateway's half of a turn, for tests of the steps behind it: accept, publish, collect events."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from services.common.bus import Bus, Consumer, Delivery, TurnMessage, topology
from services.common.ids import new_id
from services.common.settings import CommonSettings
from services.common.store import Accepted, NewTurn, Request, Store, TurnLimits
from tests.support.waiting import wait_until

TENANT = "tenant_a"


class TurnDriver:
    """Talks to workers over real queues as a gateway would, keeping every event it hears."""

    def __init__(self, mongo_url: str, database: str, broker_url: str) -> None:
        self.settings = CommonSettings(mongo_url=mongo_url, mongo_database=database, broker_url=broker_url)
        self.store = Store(self.settings)
        self.store.prepare()
        self.bus = Bus(broker_url)
        self.bus.declare()
        self.reply_to = f"events.{new_id('test')}"
        self.events: list[dict[str, Any]] = []
        self._heard = threading.Condition()
        self._consumer = Consumer(
            self.bus,
            topology.reply_queue(self.reply_to, redis=self.bus.redis),
            self._hear,
            threads=0,
            prefetch=0,
            acknowledge=False,
        ).start()
        assert self._consumer.connected.wait(20)

    def _hear(self, delivery: Delivery) -> None:
        with self._heard:
            self.events += json.loads(delivery.body)
            self._heard.notify_all()
        delivery.ack()

    def session(self, **fields: Any) -> str:
        request = Request("CreateSession", new_id("request"), "")
        return str(
            self.store.sessions.create(TENANT, request, {"user": "user_1", "policy": "enqueue", **fields})["_id"]
        )

    def accept(self, session: str, text: str, **fields: Any) -> Accepted:
        """Accept a turn without publishing it."""
        request = Request("SendTurn", new_id("request"), text)
        new = NewTurn(session=session, text=text, request=request, reply_to=self.reply_to, **fields)
        return self.store.turns.accept_turn(TENANT, new, TurnLimits())

    def send(self, session: str, text: str, queue: str = topology.GENERATE, **fields: Any) -> dict[str, Any]:
        """Accept a turn and publish it to ``queue``; answers its document."""
        turn = self.accept(session, text, **fields).turn
        if turn["status"] == "active":
            self.bus.publish_turn(queue, TurnMessage.of_turn(turn))
        return turn

    def wait_for(self, turn: str, kind: str, timeout: float = 30.0) -> dict[str, Any]:
        """The first event of a kind of a turn."""

        def found() -> dict[str, Any] | None:
            return next((e for e in self.events if e["turn"] == turn and e["type"] == kind), None)

        with self._heard:
            assert self._heard.wait_for(lambda: found() is not None, timeout), f"no {kind} of {turn}: {self.events}"
        event = found()
        assert event is not None
        return event

    def text_of(self, turn: str) -> str:
        """The text that the deltas of the highest attempt add up to; fails on a gap."""
        deltas = [e for e in self.events if e["turn"] == turn and e["type"] == "delta"]
        highest = max((e["attempt"] for e in deltas), default=0)
        text = ""
        for delta in deltas:
            if delta["attempt"] == highest:
                assert delta["offset"] <= len(text), f"gap at {delta['offset']}"
                text = text[: delta["offset"]] + delta["text"] + text[delta["offset"] + len(delta["text"]) :]
        return text

    def ended(self, turn: str, timeout: float = 30.0) -> dict[str, Any]:
        """The turn's document once it has ended."""
        return wait_until(
            lambda: t if not (t := self.store.turns.get(TENANT, turn)).get("open") else None,
            timeout,
            f"{turn} did not end",
        )

    def close(self) -> None:
        self._consumer.stop(5)
        self.bus.close()
        self.store.close()


@contextmanager
def turn_driver(mongo_url: str, database: str, broker_url: str) -> Iterator[TurnDriver]:
    driver = TurnDriver(mongo_url, database, broker_url)
    try:
        yield driver
    finally:
        driver.close()
