"""What follows a write: turns onto their queue, ends to the streams that wait for them, commands to the engines.

Everything here may be lost without harm: the sweep re-sends turns, silent streams are looked up, a cancelled
engine stops at its next renewal. So a broker that is away is logged and no caller hears of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial

import structlog

from services.common import metrics
from services.common.bus import Bus, TurnMessage, topology
from services.common.bus.events import Event, viewers_of
from services.common.errors import Unavailable
from services.common.store import Accepted, Document, Settled, Store
from services.gateway.replay import end_of
from services.gateway.streams import Hub
from services.gateway.threads import Threads

log = structlog.get_logger(__name__)


class Dispatch:
    """Called from any thread, after the write that each call follows. None waits for the broker: what is sent is
    given to the threads that talk to it."""

    def __init__(
        self, store: Store, bus: Bus, threads: Threads, hub: Hub, reply_to: str, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._store = store
        self._bus = bus
        self._threads = threads
        self._hub = hub
        self._loop = loop
        self.reply_to = reply_to

    def turns(self, turns: Iterable[Document]) -> None:
        """Send turns on their way: to the generators where one was taken before, else to the trackers."""
        for turn in turns:
            self._threads.submit(partial(self._dispatch, turn))

    def _dispatch(self, turn: Document) -> None:
        queue = topology.GENERATE if turn["attempt"] > 0 else topology.TRACK
        try:
            self._bus.publish_turn(queue, TurnMessage.of_turn(turn))
        except Unavailable as error:
            log.warning("turn_not_dispatched", turn=turn["_id"], session=turn["session"], error=str(error))

    def accepted(self, accepted: Accepted) -> None:
        """What follows an accepted message: its policy's victims hear of their end, what may run is sent."""
        for turn in accepted.cancelled:
            self._stop(turn)
            self.ended(turn)
        self.turns(accepted.dispatch)

    def cancelled(self, turn: Document) -> None:
        """What follows a cancel: the engine stops, the streams end, the next turn of the session goes."""
        self._stop(turn)
        self.ended(turn)
        self.next(turn)

    def taken_over(self, turn: Document) -> None:
        """What follows a person's reply: the engine stops, the streams end with it."""
        self._command({"op": "cancel", "turn": turn["_id"]})
        self.ended(turn)
        self.next(turn)

    def settled(self, settled: Settled) -> None:
        """What follows a change of a session's mode: engines stop, streams hear that a person answers, and what is the
        bot's goes on its way."""
        for turn in settled.held:
            self._command({"op": "cancel", "turn": turn["_id"]})
            self._tell(turn, end_of(turn))
        self.turns(settled.dispatch)

    def later(self, call: Callable[[], object]) -> None:
        """Have something done beside what is sent."""
        self._threads.submit(call)

    def next(self, turn: Document) -> None:
        """Promote and send the session's next turn."""
        promoted = self._store.turns.promote(turn["tenant"], turn["session"])
        if promoted is not None:
            self.turns([promoted])

    def ended(self, turn: Document) -> None:
        """Tell the streams of a turn that a gateway has ended."""
        metrics.TURNS.labels(turn["status"]).inc()
        self._tell(turn, end_of(turn))

    def _tell(self, turn: Document, events: list[Event]) -> None:
        self._loop.call_soon_threadsafe(self._hub.deliver, events)
        for viewer in viewers_of(turn):
            if viewer != self.reply_to:
                self._threads.submit(partial(self._send, viewer, events))

    def ask_for_snapshot(self, turn: str) -> None:
        """Have the generator that holds the turn send all text so far, and what follows, to this gateway."""
        self._command({"op": "attach", "turn": turn, "reply_to": self.reply_to})

    def forget_session(self, tenant: str, session: str) -> None:
        """Have the generators drop what they remember of a session."""
        self._command({"op": "forget", "tenant": tenant, "session": session})

    def _stop(self, turn: Document) -> None:
        if turn["attempt"] > 0:  # else no engine has seen it
            self._command({"op": "cancel", "turn": turn["_id"]})

    def _command(self, command: dict[str, str]) -> None:
        self._threads.submit(partial(self._publish, command))

    def _publish(self, command: dict[str, str]) -> None:
        try:
            self._bus.publish_control(command)
        except Unavailable as error:
            log.warning("command_not_sent", op=command["op"], error=str(error))

    def _send(self, reply_to: str, events: list[Event]) -> None:
        try:
            self._bus.publish_events(reply_to, events)
            self._bus.keep_replies([reply_to])
        except Unavailable as error:
            log.warning("events_lost", events=len(events), error=str(error))
