"""Events on their way to gateways: batched by a thread, so that no step and no decode waits for a socket.

Every event names its turn and position. What each type adds:

| type | payload | sent by |
|---|---|---|
| understood | `understood`: what the feedback asks, `{"constraints": [Constraint JSON], …}` | tracker |
| state | `state`: State JSON after the user's message (a snapshot) | tracker |
| ready | `ready`: the `lead` of an intent that has all it requires (a snapshot) | tracker |
| grounding | `passages`, `facts`: `[{id, revision, …}]` (a snapshot) | knowledge |
| delta | `writer` (the holder); `text`, standing at `offset`; at offset 0 maybe all so far (a snapshot) | generator |
| completed | `writer`; `draft`: the draft as stored, with usage and manifest | generator |
| held | a person answers from here: what the bot has said of the rounds before is void | gateway, generator |
| cancelled | `reason` | gateway |
| failed | `reason`, `message` | gateway (sweep), generator |
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

import structlog

from services.common.bus.connection import Bus
from services.common.errors import Unavailable

log = structlog.get_logger(__name__)
Event = dict[str, Any]
KEEP_SECONDS = 1.0  # what was sent to a gateway is given its time to live so long after, at the latest


def event(turn: str, kind: str, round_number: int, attempt: int = 0, offset: int = 0, **payload: Any) -> Event:
    """An event at position ``{round, attempt, offset}``; offsets count code points of the draft's text."""
    return {"turn": turn, "type": kind, "round": round_number, "attempt": attempt, "offset": offset, **payload}


def viewers_of(turn: Mapping[str, Any]) -> tuple[str, ...]:
    """The gateways that follow a turn: all its events go to each of them."""
    viewers = turn.get("viewers") or ([turn["reply_to"]] if turn.get("reply_to") else [])
    return tuple(viewers)


class EventPublisher:
    """Sends what was put, one message per gateway and wake-up; order per gateway is kept.

    Everything that piled up while the last message was on its way goes into the next one, so that the
    batch grows with the load by itself. Events are dropped, and logged, while the broker is away.
    """

    LIMIT = 100_000

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._waiting: deque[tuple[str, Event]] = deque(maxlen=self.LIMIT)
        self._wake = threading.Condition()
        self._stopping = False
        self._sending = False
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)
        self._thread.start()

    def put(self, reply_to: str, *events: Event) -> None:
        """Queue events for a gateway; an empty ``reply_to`` means that nobody listens."""
        if not reply_to:
            return
        with self._wake:
            self._waiting.extend((reply_to, one) for one in events)
            self._wake.notify()

    def put_all(self, viewers: Iterable[str], *events: Event) -> None:
        """Queue the same events for several gateways."""
        for viewer in viewers:
            self.put(viewer, *events)

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until everything put so far was sent."""
        with self._wake:
            return self._wake.wait_for(lambda: not self._waiting and not self._sending, timeout)

    def close(self) -> None:
        self.flush()
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        self._thread.join(5)

    def _run(self) -> None:
        sent, kept_at = set[str](), time.monotonic()
        while True:
            if sent and time.monotonic() - kept_at >= KEEP_SECONDS:
                self._bus.keep_replies(sent)
                sent, kept_at = set(), time.monotonic()
            with self._wake:
                self._sending = False
                self._wake.notify_all()
                patience = KEEP_SECONDS if sent else None
                if not self._wake.wait_for(lambda: self._waiting or self._stopping, patience):
                    continue
                if not self._waiting:
                    self._bus.keep_replies(sent)
                    return
                batch, self._sending = list(self._waiting), True
                self._waiting.clear()
            by_gateway: dict[str, list[Event]] = {}
            for reply_to, one in batch:
                by_gateway.setdefault(reply_to, []).append(one)
            sent.update(by_gateway)
            for reply_to, events in by_gateway.items():
                try:
                    self._bus.publish_events(reply_to, events)
                except Unavailable as error:
                    log.warning("events_lost", events=len(events), error=str(error))
                except Exception:
                    log.exception("events_lost", events=len(events))
