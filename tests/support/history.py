"""What the clients of a test saw, and whether it is what was promised: nothing lost, doubled, reordered or unexpected.

A client writes down every event of its raw streams; `History.problems` then reads the store and says in words what
is wrong. Replies are the echo engine's, so that the text of every draft is known before it is written.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from antiphon.v1 import conversation_pb2 as pb

from services.common.store import Document, Store

ENDS = ("completed", "cancelled", "failed")
Place = tuple[int, int]


@dataclass(frozen=True)
class Seen:
    """One event of one stream, when it came (seconds of the monotonic clock) and where it stands."""

    at: float
    stream: int
    kind: str
    place: Place
    offset: int
    text: str


@dataclass
class Told:
    """One message that a client sent, and all it was told of its turn over however many streams.

    ``text`` is what the deltas add up to, put together as a client without any cleverness would. The reply to a
    ``free`` one is a model's, in words that nobody knows before.
    """

    session: str
    words: str
    request: str
    expected: tuple[str, ...] = ("completed",)
    free: bool = False
    sent: float = field(default_factory=time.monotonic)
    turn: str = ""
    number: int = 0
    place: Place = (0, 0)
    text: str = ""
    end: str = ""
    streams: int = 0
    seen: list[Seen] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    _first: bool = False
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def opened(self, *, resumed: bool) -> None:
        """Another stream begins; without a position it tells everything anew."""
        with self._changed:
            self.streams += 1
            self._first = True
            if not resumed:
                self.place, self.text = (0, 0), ""

    def heard(self, event: pb.TurnEvent) -> None:
        """Write an event down, and what is wrong with it."""
        kind = event.WhichOneof("event") or ""
        position = event.position
        place = (position.round, position.attempt)
        with self._changed:
            said = event.delta.text if kind == "delta" else ""
            self.seen.append(Seen(time.monotonic(), self.streams, kind, place, position.offset, said))
            if self._first != (kind == "accepted"):
                self._wrong("unexpected", f"{kind} as a stream's {'first' if self._first else 'later'} event")
            self._first = False
            if self.end:
                self._wrong("unexpected", f"{kind} after the end")
            if self.turn and event.turn_id != self.turn:
                self._wrong("unexpected", f"an event of turn {event.turn_id}")
            self._take(kind, event, place)
            self._changed.notify_all()

    def _take(self, kind: str, event: pb.TurnEvent, place: Place) -> None:
        if kind == "accepted":
            self.turn, self.number = event.turn_id, event.accepted.turn_number
        elif kind == "restarted":
            if place <= self.place:
                self._wrong("reordered", f"restarted at {place} after {self.place}")
            self.place, self.text = place, self.text[: event.position.offset]
        elif kind == "delta":
            self._delta(place, event.position.offset, event.delta.text)
        elif kind in ENDS:
            self.end = kind
            if kind == "completed" and event.completed.draft.text != self.text:
                self._wrong("lost", f"the draft says {event.completed.draft.text!r}, the deltas {self.text!r}")

    def _delta(self, place: Place, offset: int, said: str) -> None:
        if place != self.place:
            if self.text or place < self.place:
                self._wrong("mixed", f"text of {place} after {self.place} without a restart")
            self.place = place
        start = offset - len(said)
        if start != len(self.text):
            how = "lost" if start > len(self.text) else "duplicated"
            self._wrong(how, f"text from {start} where {len(self.text)} were known, in {place}")
        self.text = self.text[:start] + said
        if not self.free and not self.words.startswith(self.text):
            self._wrong("mixed", f"{self.text[-80:]!r} is not what was to be said")

    def _wrong(self, kind: str, what: str) -> None:
        self.problems.append(f"{kind}: {what} [turn {self.turn or '?'} {self.words[:12]!r}]")

    def failed(self, what: str) -> None:
        """The client gave up."""
        with self._changed:
            self._wrong("lost", what)
            self._changed.notify_all()

    @property
    def tokens(self) -> int:
        """Words of the reply that have come so far."""
        return len(self.text.split())

    def wait_for_tokens(self, count: int, timeout: float = 30.0) -> float:
        """Wait until the reply has this many words; returns when that was."""
        self._wait(lambda: self.tokens >= count or bool(self.end), timeout, f"{count} tokens")
        return time.monotonic()

    def wait_for_text(self, timeout: float = 60.0) -> None:
        """Wait until all of the reply's text has come, whether or not its end has."""
        self._wait(lambda: self.text == self.words, timeout, "the whole text")

    def wait_for_attempt(self, attempt: int, tokens: int = 1, timeout: float = 60.0) -> None:
        """Wait for so many words of an attempt."""
        self._wait(lambda: self.place[1] >= attempt and self.tokens >= tokens, timeout, f"attempt {attempt}")

    def wait_for_end(self, timeout: float = 60.0) -> str:
        """Wait for the end the client was told; returns its kind."""
        self._wait(lambda: bool(self.end), timeout, "an end")
        return self.end

    def wait_for_turn(self, timeout: float = 60.0) -> str:
        """Wait until the turn was accepted; returns its id."""
        self._wait(lambda: bool(self.turn), timeout, "accepted")
        return self.turn

    def _wait(self, done: Any, timeout: float, what: str) -> None:
        with self._changed:
            came = self._changed.wait_for(lambda: done() or bool(self.problems), timeout)
        assert not self.problems, self.problems
        assert came, f"{what} did not come in {timeout:g} s: {self.words[:12]!r} at {self.place}, {self.tokens} tokens"

    def first_token_after(self, moment: float, attempt: int = 0, stream: int = 0) -> float | None:
        """Seconds from a moment to the next text (of this attempt or stream, or a later one); None where none came."""
        texts = (one for one in self.seen if one.kind == "delta" and one.at > moment)
        return next((one.at - moment for one in texts if one.place[1] >= attempt and one.stream >= stream), None)

    @property
    def attempts(self) -> list[int]:
        """The attempts whose text or end was heard, in order."""
        found: list[int] = []
        for one in self.seen:
            if one.kind in ("delta", *ENDS) and (not found or found[-1] != one.place[1]):
                found.append(one.place[1])
        return found


class History:
    """Everything that the clients of one tenant have sent and seen."""

    def __init__(self, store: Store, tenant: str) -> None:
        self.store = store
        self.tenant = tenant
        self.told: list[Told] = []
        self._lock = threading.Lock()

    def add(self, told: Told) -> Told:
        """Write down a message before it is sent."""
        with self._lock:
            self.told.append(told)
        return told

    def wait_for_ends(self, timeout: float = 90.0) -> None:
        """Wait until every client was told the end of each of its turns."""
        deadline = time.monotonic() + timeout
        for told in list(self.told):
            told.wait_for_end(max(0.1, deadline - time.monotonic()))

    def check(self) -> None:
        """Fails with everything that is lost, duplicated, reordered or unexpected."""
        problems = self.problems()
        assert not problems, "\n".join(problems)

    def problems(self) -> list[str]:
        """What is wrong with what was seen, and with what is stored."""
        found = [problem for told in self.told for problem in told.problems]
        stored = list(self.store.connection.scoped("turns", self.tenant).find({}))
        by_id = {turn["_id"]: turn for turn in stored}
        known = {told.turn for told in self.told}
        found += [f"unexpected: turn {turn} that no client knows" for turn in by_id if turn not in known]
        for told in self.told:
            found += _of_turn(told, by_id.get(told.turn))
        for session in sorted({told.session for told in self.told}):
            turns = sorted((turn for turn in stored if turn["session"] == session), key=lambda turn: turn["n"])
            found += _of_session([told for told in self.told if told.session == session], turns)
        return found


def _of_turn(told: Told, turn: Document | None) -> Iterable[str]:
    name = f"[turn {told.turn or '?'} {told.words[:12]!r}]"
    if turn is None:
        yield f"lost: it is not stored {name}"
        return
    if turn.get("open") or turn.get("head"):
        yield f"lost: it is still {turn['status']} {name}"
    if turn["text"] != told.words:
        yield f"mixed: it holds another message {name}"
    if told.end != turn["status"]:
        yield f"unexpected: the client heard {told.end or 'no end'}, stored is {turn['status']} {name}"
    if turn["status"] not in told.expected:
        yield f"unexpected: it ended {turn['status']} ({turn.get('failure')}) {name}"
    if len(turn["drafts"]) != 1:
        yield f"duplicated: {len(turn['drafts'])} drafts {name}"
    draft = turn["drafts"][0]
    if turn["status"] == "completed" and draft.get("text") != (told.text if told.free else told.words):
        yield f"lost: the draft stored is {draft.get('text')!r} {name}"
    if turn["status"] == "completed" and draft.get("attempt") != turn["attempt"]:
        yield f"mixed: the draft is of attempt {draft.get('attempt')}, the turn at {turn['attempt']} {name}"


def _of_session(told: list[Told], turns: list[Document]) -> Iterable[str]:
    name = f"[session {told[0].session}]"
    sent = [one.turn for one in told]
    if len(set(sent)) != len(sent):
        yield f"duplicated: two messages made one turn {name}"
    if [turn["_id"] for turn in turns if turn["_id"] in set(sent)] != sent:
        yield f"reordered: sent {sent}, numbered {[turn['_id'] for turn in turns]} {name}"
    if [turn["n"] for turn in turns] != list(range(1, len(turns) + 1)):
        yield f"lost: numbers {[turn['n'] for turn in turns]} {name}"
    ends = [turn["ended_at"] for turn in turns if "ended_at" in turn]
    if ends != sorted(ends):
        yield f"reordered: ended at {ends} {name}"
    before: list[str] = []
    for turn in turns:
        draft = turn["drafts"][0]
        if turn["status"] == "completed":
            if draft["manifest"]["history_draft_ids"] != before:
                yield f"reordered: turn {turn['n']} was written after {draft['manifest']['history_draft_ids']} {name}"
            before.append(draft["id"])
