"""Following one turn over broken streams: which events count, what to ask for next. No I/O; both clients share it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from antiphon.errors import TurnNotCompleted
from antiphon.v1 import conversation_pb2 as pb
from antiphon.v1.common_pb2 import Position
from antiphon.v1.conversation_pb2 import Draft, TurnEvent

StreamRequest = (
    pb.SendTurnRequest | pb.ReviseTurnRequest | pb.EditTurnRequest | pb.RetryTurnRequest | pb.AttachTurnRequest
)

ENDS = ("completed", "cancelled", "failed")
_SNAPSHOTS = ("queued", "understood", "state", "grounding")


class StreamResponse(Protocol):
    """What the five streams answer: an event in an envelope."""

    @property
    def event(self) -> TurnEvent: ...


@dataclass(frozen=True, slots=True)
class StreamCall:
    """A call to make: the method's name in ConversationService, and the request."""

    method: str
    request: StreamRequest


class Follower:
    """Bookkeeping of one turn's stream.

    Whatever gateways send, after whatever breaks, what ``take`` lets through obeys the contract: one ``accepted``
    first, no text twice, none missing, none of a lower attempt after one of a higher, ``restarted`` in between, and
    deltas (since the last ``restarted``) that add up to the completed draft's text.
    """

    def __init__(self, method: str, request: StreamRequest, turn_id: str = "", position: Position | None = None):
        self.turn_id = turn_id
        self.end: TurnEvent | None = None
        self._first = StreamCall(method, request)
        self._waits = request.wait_for_completion
        self._accepted = False
        self._broken = False
        self._rewound = False
        self._snapshots: dict[str, bytes] = {}
        # The writing that is followed, and its text from code point _base on.
        self._writing = (position.round, position.attempt) if position else None
        self._writer = position.writer if position else ""
        self._base = position.offset if position else 0
        self._text = ""

    @property
    def following(self) -> bool:
        """True once the turn is accepted, so that the next call attaches and has no effect of its own."""
        return bool(self.turn_id)

    @property
    def broken(self) -> bool:
        """True when something was left out: the call is given up and ``next_call`` asks for it."""
        return self._broken

    @property
    def text(self) -> str:
        """The draft's text so far, from the position that was attached to."""
        return self._text

    @property
    def position(self) -> Position | None:
        """Where AttachTurn goes on; None before the stream has begun."""
        if self._writing is None:
            return None
        return Position(round=self._writing[0], attempt=self._writing[1], offset=self._offset, writer=self._writer)

    @property
    def _offset(self) -> int:
        return self._base + len(self._text)

    def draft(self) -> Draft:
        """The completed draft. Raises TurnNotCompleted where the turn ended otherwise."""
        assert self.end is not None, "the stream has not ended"
        if self.end.WhichOneof("event") != "completed":
            raise TurnNotCompleted(self.end)
        return self.end.completed.draft

    def next_call(self) -> StreamCall:
        """The call to begin or to go on with."""
        self._broken = False
        if not self.following:
            return self._first
        request = pb.AttachTurnRequest(turn_id=self.turn_id, wait_for_completion=self._waits)
        if (position := self.position) is not None:
            request.position.CopyFrom(position)
        return StreamCall("AttachTurn", request)

    def rewind(self) -> bool:
        """Attach from the beginning next time, once: the gateways no longer know the position they had given.

        So it is after the database has lost a write that was not promised. False: the position was the caller's.
        """
        if not self._accepted or self._rewound:
            return False
        self._rewound = True
        self._writing = None
        return True

    def take(self, event: TurnEvent) -> list[TurnEvent]:
        """The events that a reader should see for this one: itself, less, nothing, or with one put before it."""
        self.turn_id = event.turn_id or self.turn_id
        kind = event.WhichOneof("event")
        writing = (event.position.round, event.position.attempt)
        if self._writing is not None and writing[0] < self._writing[0]:
            return []
        if kind == "accepted":
            return self._take_accepted(event, writing)
        if kind in _SNAPSHOTS:
            return self._take_snapshot(event, kind)
        if kind == "delta":
            return self._take_delta(event, writing)
        if kind == "restarted":
            return self._take_restarted(event, writing)
        if kind in ENDS:
            return self._take_end(event)
        return [event]  # of a newer contract; its reader may know it

    def _take_accepted(self, event: TurnEvent, writing: tuple[int, int]) -> list[TurnEvent]:
        told = self._begin(event.turn_id, writing) if self._writing is None else []
        if self._accepted:
            return told
        self._accepted = True
        return [event]

    def _take_snapshot(self, event: TurnEvent, kind: str) -> list[TurnEvent]:
        content = getattr(event, kind).SerializeToString(deterministic=True)
        if self._snapshots.get(kind) == content:
            return []
        self._snapshots[kind] = content
        return [event]

    def _take_delta(self, event: TurnEvent, writing: tuple[int, int]) -> list[TurnEvent]:
        if self._writing is not None and writing < self._writing:
            return []
        told = self._begin(event.turn_id, writing)
        text = event.delta.text
        start = event.position.offset - len(text)
        if start > self._offset:
            self._broken = True
            return told
        fresh = text[self._offset - start :]
        self._writer = event.position.writer or self._writer
        if not fresh:
            return told
        self._text += fresh
        if fresh != text:
            event = TurnEvent(turn_id=event.turn_id, position=event.position, delta=pb.TurnDelta(text=fresh))
        return [*told, event]

    def _begin(self, turn_id: str, writing: tuple[int, int]) -> list[TurnEvent]:
        """Change to ``writing`` if it is another one; announced only where there is text that becomes void."""
        if self._writing == writing:
            return []
        void = self._offset > 0
        self._writing, self._writer, self._base, self._text = writing, "", 0, ""
        return [self._restarted(turn_id)] if void else []

    def _restarted(self, turn_id: str) -> TurnEvent:
        restarted = pb.TurnRestarted(reason="WORKER_LOST")
        return TurnEvent(turn_id=turn_id, position=self.position, restarted=restarted)

    def _take_restarted(self, event: TurnEvent, writing: tuple[int, int]) -> list[TurnEvent]:
        kept = event.position.offset
        # Within one attempt another writer begins anew where a database lost that the first had taken the turn.
        again = self._writing == writing and kept < self._offset
        if self._writing is not None and writing <= self._writing and not again:
            return []
        self._writer = event.position.writer
        if kept > self._offset:  # it goes on from text that was never seen here
            self._writing, self._base, self._text = writing, 0, ""
            self._broken = True
            return [self._restarted(event.turn_id)]
        self._writing = writing
        self._text = self._text[: max(0, kept - self._base)]
        self._base = min(self._base, kept)
        return [event]

    def _take_end(self, event: TurnEvent) -> list[TurnEvent]:
        self.end = event
        told: list[TurnEvent] = []
        if event.WhichOneof("event") == "completed" and not self._waits:
            told = self._complete(event)
        return [*told, event]

    def _complete(self, event: TurnEvent) -> list[TurnEvent]:
        """What was left out of the stream before the end, so that the text adds up to the draft's."""
        whole = event.completed.draft.text
        told: list[TurnEvent] = []
        self._writing = (event.position.round, event.position.attempt)
        if len(whole) < self._base or not whole[self._base :].startswith(self._text):
            self._base, self._text = 0, ""
            told.append(self._restarted(event.turn_id))
        missing = whole[self._offset :]
        if missing:
            self._text += missing
            told.append(TurnEvent(turn_id=event.turn_id, position=self.position, delta=pb.TurnDelta(text=missing)))
        return told
