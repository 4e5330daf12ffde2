"""What the clients of a run did and were told; the judge compares it with what is stored."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from antiphon.v1 import conversation_pb2 as pb

ENDS = ("completed", "cancelled", "failed")
KINDS = ("lost", "duplicated", "reordered", "mixed", "stale", "unexpected")
FAULTS = ("kill", "stop", "freeze", "cut", "silence", "memory lost", "two at once")


@dataclass(frozen=True)
class Finding:
    """A broken promise: its kind, one of KINDS, and what was seen."""

    kind: str
    text: str


@dataclass
class Asked:
    """A message, a revision or an edit, and what a client was told of it over however many streams.

    ``text`` is what the deltas add up to, put together as a client without any cleverness would. Times are seconds of
    the monotonic clock. ``fact`` is a taught fact, (id, revision), which the reply must have had.
    """

    kind: str
    session: str
    words: str
    request: str
    fact: tuple[str, int] | None = None
    sent: float = field(default_factory=time.monotonic)
    accepted: float = 0.0
    turn: str = ""
    number: int = 0
    round: int = 0
    attempt: int = 0
    text: str = ""
    end: str = ""
    draft: str = ""
    end_text: str = ""
    refused: str = ""
    gave_up: str = ""
    heard: list[float] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def opened(self) -> None:
        """Another stream begins, which tells everything anew."""
        self.text, self.round, self.attempt = "", 0, 0

    def hear(self, event: pb.TurnEvent) -> None:
        """Write an event down, and what is wrong with it by itself."""
        self.heard.append(time.monotonic())
        kind, place = event.WhichOneof("event") or "", event.position
        if self.turn and event.turn_id != self.turn:
            self._wrong("mixed", f"an event of turn {event.turn_id}")
        if kind == "accepted":
            self.turn, self.number = event.turn_id, event.accepted.turn_number
            self.accepted = self.accepted or time.monotonic()
        elif kind == "restarted":
            if (place.round, place.attempt) < (self.round, self.attempt):
                self._wrong("reordered", f"restarted at {place.round}/{place.attempt}")
            self.text = self.text[: place.offset]
        elif kind == "delta":
            self._delta(place.offset - len(event.delta.text), event.delta.text)
        elif kind in ENDS:
            self._ended(kind, event)
        self.round, self.attempt = place.round, place.attempt

    def _delta(self, start: int, text: str) -> None:
        if start != len(self.text):
            kind = "lost" if start > len(self.text) else "duplicated"
            self._wrong(kind, f"text from {start} on where {len(self.text)} code points were known")
        self.text = self.text[:start] + text

    def _ended(self, kind: str, event: pb.TurnEvent) -> None:
        self.end = kind
        if kind != "completed":
            return
        self.draft, self.end_text = event.completed.draft.id, event.completed.draft.text
        if self.text != self.end_text:
            self._wrong("mixed", f"the draft says {self.end_text[:60]!r}, the deltas {self.text[:60]!r}")

    def _wrong(self, kind: str, what: str) -> None:
        self.findings.append(Finding(kind, f"{what} [{self}]"))

    def __str__(self) -> str:
        return f"{self.kind} {self.request} turn {self.turn or '?'}"


@dataclass(frozen=True)
class Cancelled:
    """What CancelTurn answered, in a word of `CancelOutcome` without its prefix."""

    turn: str
    outcome: str


@dataclass(frozen=True)
class Taught:
    """A fact as TeachFact answered it."""

    request: str
    fact: str
    revision: int


@dataclass(frozen=True)
class Corrected:
    """A correction of a session's state and the revision that it made."""

    request: str
    session: str
    revision: int


@dataclass(frozen=True)
class Imported:
    """An import that was closed: how many lines it had, which of them were refused as the client was told, and what
    GetImport said of stored and refused ones."""

    id: str
    lines: int
    refused: frozenset[int]
    told: tuple[int, int]


@dataclass(frozen=True)
class Fault:
    """What was done to whom, from when until when it was made good."""

    kind: str
    target: str
    began: float
    healed: float


@dataclass
class History:
    """Everything that the clients of one tenant did; any thread adds to it."""

    asked: list[Asked] = field(default_factory=list)
    cancelled: list[Cancelled] = field(default_factory=list)
    taught: list[Taught] = field(default_factory=list)
    corrected: list[Corrected] = field(default_factory=list)
    imported: list[Imported] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fact: Asked | Cancelled | Taught | Corrected | Imported | Fault | Finding) -> None:
        """Write something down."""
        places: dict[type, list[object]] = {
            Asked: self.asked,  # type: ignore[dict-item]
            Cancelled: self.cancelled,  # type: ignore[dict-item]
            Taught: self.taught,  # type: ignore[dict-item]
            Corrected: self.corrected,  # type: ignore[dict-item]
            Imported: self.imported,  # type: ignore[dict-item]
            Fault: self.faults,  # type: ignore[dict-item]
            Finding: self.findings,  # type: ignore[dict-item]
        }
        with self._lock:
            places[type(fact)].append(fact)

    def recoveries(self) -> list[tuple[str, float]]:
        """Of each fault (its kind) the longest that a turn which was under way waited for the next it heard."""
        found = []
        for fault in self.faults:
            waits = [
                min(at for at in asked.heard if at > fault.began) - fault.began
                for asked in self.asked
                if asked.sent < fault.began and any(at > fault.began for at in asked.heard)
            ]
            if waits:
                found.append((fault.kind, max(waits)))
        return found
