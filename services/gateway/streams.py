"""What one client has seen of one turn, and what it is to see next: the arithmetic of positions.

A stream stands at ``(round, attempt, offset)``. A delta that begins at offset o is dropped where its attempt is
lower, announced by ``restarted`` where it is higher, trimmed where it overlaps, and a gap where o lies beyond:
then a snapshot is asked for, which is a delta at offset 0 holding all text so far. No transport here.

The attempt alone does not tell two writers apart: taking a turn is written without waiting for a majority, so that a
database that dies may forget it and the next worker take the turn under the same number. A position therefore names its
writer, too, and at the end the text that was shown is held against the text that was stored.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

Event = dict[str, Any]

SNAPSHOTS = frozenset({"queued", "understood", "state", "ready", "grounding"})
ENDS = frozenset({"completed", "cancelled", "failed"})
TAKEN_OVER = "TAKEN_OVER"
ASK_AGAIN = 0.25  # seconds between two requests for a snapshot of one stream


@dataclass(slots=True)
class Outgoing:
    """One event for the client; the position is where the stream stands after it."""

    kind: str
    round: int
    attempt: int
    offset: int
    payload: Event = field(default_factory=dict)
    writer: str = ""


class Stream:
    """One client's view of one turn. Only the event loop touches it.

    Until ``begin`` is called events are held back: the stream is subscribed before the turn is read.
    """

    def __init__(self, tenant: str, turn: str, backlog: int, ask: Callable[[Stream], None]) -> None:
        self.tenant = tenant
        self.turn = turn
        self.round = self.attempt = self.offset = 0
        self.writer = ""  # not known yet
        self.ended = False
        self.silent_since = time.monotonic()
        self.wants_snapshot = False
        self._backlog = backlog
        self._ask = ask
        self._asked = 0.0
        self._held: list[Event] | None = []
        self._waiting: deque[Outgoing] = deque()
        self._waiting_text = 0
        self._past_writers: set[str] = set()
        self._shown: dict[str, Event] = {}
        self._said: list[str] | None = []  # what the client has of the attempt; None: not from its beginning
        self._wake: asyncio.Future[None] | None = None

    @property
    def text(self) -> str:
        """The text of the present attempt that was streamed; empty where the client began in the middle of it."""
        return "".join(self._said or ())

    # -- what comes in --------------------------------------------------------------------------

    def begin(self, round_number: int, attempt: int = 0, offset: int = 0, writer: str = "") -> None:
        """Set where the client stands and let the held events in."""
        self.round, self.attempt, self.offset, self.writer = round_number, attempt, offset, writer
        self._said = None if offset else []
        held, self._held = self._held or [], None
        for event in held:
            self.take(event)

    def take(self, event: Event) -> None:
        """Let an event in; what the client is not to see is dropped here."""
        if self._held is not None:
            self._held.append(event)
            return
        if self.ended or event["round"] < self.round:
            return
        kind = event["type"]
        self.silent_since = time.monotonic()
        if kind == "delta" and self._goes_on(event):
            self._delta(event["round"], event["attempt"], event["offset"], event["text"])
        elif kind in SNAPSHOTS:
            self._snapshot(kind, event)
        elif kind == "held":
            self._hold(event)
        elif kind in ENDS:
            self._end(kind, event)

    def _goes_on(self, event: Event) -> bool:
        """Whether the event's writer is the one that is followed now; one whose attempt another began anew is not."""
        writer, place = event.get("writer") or "", (event["round"], event["attempt"])
        if writer in self._past_writers or place < (self.round, self.attempt):
            return False
        anew = place == (self.round, self.attempt) and bool(writer and self.writer) and writer != self.writer
        if anew:
            self._past_writers.add(self.writer)
        if anew or place > (self.round, self.attempt):
            self._restart(*place)
        self.writer = writer or self.writer
        return True

    def _delta(self, round_number: int, attempt: int, offset: int, text: str, *, last: bool = False) -> None:
        if offset > self.offset:
            self.want_snapshot()
            return
        self.wants_snapshot = False
        fresh = text[self.offset - offset :] if offset < self.offset else text
        if not fresh:
            return
        self.offset += len(fresh)
        if self._said is not None:
            self._said.append(fresh)
        self._waiting_text += len(fresh)
        newest = self._waiting[-1] if self._waiting else None
        if newest is not None and newest.kind == "delta":
            newest.payload["text"] += fresh
            newest.offset = self.offset
        else:
            self._put(Outgoing("delta", self.round, self.attempt, self.offset, {"text": fresh}))
        if self._waiting_text > self._backlog and not last:
            self._fall_behind()

    def _snapshot(self, kind: str, event: Event) -> None:
        if event["round"] > self.round:
            self._restart(event["round"], 0)
        payload = {name: value for name, value in event.items() if name not in ("turn", "attempt", "offset")}
        if self._shown.get(kind) != payload:
            self._shown[kind] = payload
            self._put(Outgoing(kind, self.round, self.attempt, self.offset, payload))

    def _hold(self, event: Event) -> None:
        """A person has taken over: what the bot has said of the rounds before is void."""
        if event["round"] > self.round:
            self._restart(event["round"], 0, TAKEN_OVER)

    def _end(self, kind: str, event: Event) -> None:
        place = (event["round"], event["attempt"])
        if kind == "completed":
            text = event["draft"].get("text") or ""
            if event["draft"].get("author") == "human" and place > (self.round, self.attempt):
                self._restart(*place, TAKEN_OVER)
            self._goes_on(event)
            if self.offset > len(text) or (self._said is not None and not text.startswith(self.text)):
                self._restart(self.round, self.attempt)
            self._delta(self.round, self.attempt, 0, text, last=True)
        elif place[0] > self.round:
            self._restart(*place)
        if kind == "cancelled" and event.get("draft"):
            known = event["draft"].get("text") or ""
            event = {**event, "draft": {**event["draft"], "text": max(known, self.text, key=len)}}
        self._put(Outgoing(kind, self.round, self.attempt, self.offset, event))
        self.ended = True

    def _restart(self, round_number: int, attempt: int, why: str = "") -> None:
        """Stand at the start of another attempt; say so where the client has seen one before."""
        seen = self.attempt > 0 or self.offset > 0 or round_number > self.round
        reason = why or ("REVISED" if round_number > self.round else "WORKER_LOST")
        self.round, self.attempt, self.offset, self.writer = round_number, attempt, 0, ""
        self._said = []
        self._drop_deltas()
        if seen:
            self._put(Outgoing("restarted", round_number, attempt, 0, {"reason": reason}))

    # -- what goes out --------------------------------------------------------------------------

    def _put(self, item: Outgoing) -> None:
        item.writer = self.writer
        self._waiting.append(item)
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def put(self, kind: str, payload: Event | None = None) -> None:
        """Say something at the present position that no worker has said."""
        self._put(Outgoing(kind, self.round, self.attempt, self.offset, payload or {}))

    async def next(self) -> Outgoing:
        """The next event for the client, when there is one."""
        while not self._waiting:
            if self.wants_snapshot:
                self.want_snapshot()
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake
        item = self._waiting.popleft()
        if item.kind == "delta":
            self._waiting_text -= len(item.payload["text"])
        return item

    def want_snapshot(self) -> None:
        """Ask for all text so far, unless the client still has to read or it was asked for just now."""
        self.wants_snapshot = True
        if not self._waiting and time.monotonic() - self._asked > ASK_AGAIN:
            self._asked = time.monotonic()
            self._ask(self)

    def _fall_behind(self) -> None:
        """The client reads too slowly: forget its deltas, it gets a snapshot once it has read the rest."""
        self.offset -= self._waiting_text
        if self._said is not None:
            self._said = [self.text[: self.offset]]
        self._drop_deltas()
        for item in self._waiting:  # what stays must not claim text that was not sent
            item.offset = min(item.offset, self.offset)
        self.wants_snapshot = True

    def _drop_deltas(self) -> None:
        self._waiting = deque(item for item in self._waiting if item.kind != "delta")
        self._waiting_text = 0


class Hub:
    """All streams of this gateway by turn. Only the event loop touches it."""

    def __init__(self, backlog: int, ask: Callable[[Stream], None]) -> None:
        self._backlog = backlog
        self._ask = ask
        self._streams: dict[str, list[Stream]] = {}

    def open(self, tenant: str, turn: str) -> Stream:
        """Subscribe to a turn; its events are held until the stream begins."""
        stream = Stream(tenant, turn, self._backlog, self._ask)
        self._streams.setdefault(turn, []).append(stream)
        return stream

    def close(self, stream: Stream) -> None:
        """The client has its end, or is gone."""
        left = [other for other in self._streams.get(stream.turn, ()) if other is not stream]
        if left:
            self._streams[stream.turn] = left
        else:
            self._streams.pop(stream.turn, None)

    def deliver(self, events: Iterable[Event]) -> None:
        """Let the events of one message in, each to the streams of its turn."""
        for event in events:
            for stream in self._streams.get(event["turn"], ()):
                stream.take(event)

    def text_of(self, turn: str) -> str:
        """The longest text that a stream of the turn has of it."""
        return max((stream.text for stream in self._streams.get(turn, ())), key=len, default="")

    def __len__(self) -> int:
        return sum(len(streams) for streams in self._streams.values())

    def all(self) -> list[Stream]:
        return [stream for streams in self._streams.values() for stream in streams]

    def silent(self, seconds: float) -> list[Stream]:
        """Streams that have heard nothing for so long and have not ended."""
        since = time.monotonic() - seconds
        return [stream for stream in self.all() if not stream.ended and stream.silent_since < since]
