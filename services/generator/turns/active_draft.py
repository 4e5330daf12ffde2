"""One draft on its way: what the engine says of it becomes events, renewals and its end.

The engine's thread calls the listener and must not wait, so everything that touches the database is handed
to ``work``, a small pool.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

import structlog

from services.common import genai, metrics
from services.common.bus import Delivery
from services.common.bus.events import Event, EventPublisher, event, viewers_of
from services.common.citations import cite
from services.common.constraints import checked
from services.common.store import DATABASE_AWAY, Document, Store
from services.common.telemetry import Step
from services.generator.engine import DraftListener, EngineLacks, FinishedDraft, PromptTooLong, UnknownVersion
from services.generator.prompt.builder import Prompt
from services.generator.turns.composed import ComposedReply
from services.generator.turns.tool_calls import call_fields
from services.generator.turns.writer import Writer

log = structlog.get_logger(__name__)


class StepEvents:
    """Collects the events of one step of a thread, so that each gateway gets them as one message.

    The engine's thread steps by decoding; a thread that streams a composed reply has a step of its own.
    """

    def __init__(self, publisher: EventPublisher) -> None:
        self._publisher = publisher
        self._thread = threading.local()

    def add(self, reply_to: str, one: Event) -> None:
        """Keep an event until this thread's step ends."""
        if not hasattr(self._thread, "waiting"):
            self._thread.waiting = []
        self._thread.waiting.append((reply_to, one))

    def send(self) -> None:
        """Hand over what this thread's step produced."""
        waiting: list[tuple[str, Event]] = getattr(self._thread, "waiting", [])
        self._thread.waiting = []
        by_gateway: dict[str, list[Event]] = {}
        for reply_to, one in waiting:
            by_gateway.setdefault(reply_to, []).append(one)
        for reply_to, events in by_gateway.items():
            self._publisher.put(reply_to, *events)


@dataclass
class ActiveDraft:
    """A turn taken by this worker, from the take to its end; the engine's listener.

    ``on_end`` is called exactly once, from the pool, when the draft's end is stored or given up: with True when
    the message may be acknowledged. ``make_writer`` makes what writes the draft for this listener.
    """

    turn: Document
    delivery: Delivery
    prompt: Prompt
    manifest: Document
    store: Store
    events: StepEvents
    publisher: EventPublisher
    work: Executor
    renew_seconds: float
    make_writer: Callable[[DraftListener], Writer]
    on_end: Callable[[ActiveDraft, bool], None]
    remember: Callable[[ActiveDraft, FinishedDraft], None]
    step: Step
    reply: ComposedReply | None = None  # None: the engine writes it
    handoff: bool = False  # a human should take over from a reply that the engine writes

    lost: bool = False
    _text: list[str] = field(default_factory=list)
    _offset: int = 0
    _renewed: float = field(default_factory=time.monotonic)
    _renewing: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.writer = self.make_writer(self)
        self.tenant: str = self.turn["tenant"]
        self.id: str = self.turn["_id"]
        self.round: int = self.turn["round"]
        self.attempt: int = self.turn["attempt"]
        self.holder: str = self.turn["holder"]
        self.shadow: bool = bool(self.turn.get("shadow"))  # a suggestion for the agent: nobody else hears of it
        self.viewers = () if self.shadow else viewers_of(self.turn)
        self.started = time.monotonic()

    def _event(self, kind: str, offset: int, **payload: Any) -> Event:
        return event(self.id, kind, self.round, self.attempt, offset, writer=self.holder, **payload)

    # -- on the engine's thread -----------------------------------------------------------------

    def on_delta(self, text: str, token_ids: list[int]) -> None:
        with self._lock:
            at, self._offset = self._offset, self._offset + len(text)
            self._text.append(text)
            viewers = self.viewers
        delta = self._event("delta", at, text=text)
        for viewer in viewers:
            self.events.add(viewer, delta)

    def on_progress(self) -> None:
        if not self._renewing and time.monotonic() - self._renewed >= self.renew_seconds:
            self._renewing = True
            self.work.submit(self._renew)

    def on_finish(self, draft: FinishedDraft) -> None:
        self.events.send()  # the last deltas go before the end
        self.work.submit(self._guarded, lambda: self._finish(draft))

    def on_error(self, error: Exception) -> None:
        self.events.send()
        self.work.submit(self._guarded, lambda: self._fail(error))

    # -- in the pool ----------------------------------------------------------------------------

    def follow(self, viewer: str) -> None:
        """Send what follows to this gateway, too, beginning with all text so far at offset 0."""
        if self.shadow:
            return
        with self._lock:
            if viewer not in self.viewers:
                self.viewers = (*self.viewers, viewer)
            snapshot = "".join(self._text)
            self.publisher.put(viewer, self._event("delta", 0, text=snapshot))

    def becomes(self, reply: ComposedReply, prompt: Prompt, manifest: Document) -> None:
        """From here on the draft is this reply, before any of it is said."""
        self.reply, self.prompt, self.manifest = reply, prompt, manifest
        genai.composed(self.step.span, reply.by)

    def abandon(self) -> None:
        """This attempt is over: another worker holds the turn, or it has ended."""
        self.lost = True
        self.writer.cancel()

    def _renew(self) -> None:
        try:
            with self._lock:
                partial = "".join(self._text)
            renewed = self.store.steps.renew(self.tenant, self.id, self.holder, partial)
            self._renewed = time.monotonic()
            if renewed is None:
                self.abandon()
            else:
                self._follow_only(viewers_of(renewed))
        except Exception as error:
            log.warning("renewal_failed", turn=self.id, error=repr(error))
        finally:
            self._renewing = False

    def _follow_only(self, viewers: tuple[str, ...]) -> None:
        """Hear from the store who follows the turn now."""
        if self.shadow:
            return
        with self._lock:
            fresh = [viewer for viewer in viewers if viewer not in self.viewers]
            self.viewers = viewers
        for viewer in fresh:
            self.follow(viewer)

    def _guarded(self, end: Callable[[], bool]) -> None:
        try:
            settled = end()
        except DATABASE_AWAY as error:
            log.warning("end_not_stored", turn=self.id, error=repr(error))
            settled = False
        except Exception:
            log.exception("end_not_stored", turn=self.id)
            settled = False
        self.on_end(self, settled)

    def _finish(self, draft: FinishedDraft) -> bool:
        ids = list(draft.token_ids)
        if draft.finish_reason == "cancelled":
            # also where there is no text: the session's next turn waits to hear what this one got to
            self.store.steps.keep_partial(self.tenant, self.id, self.holder, self.round, draft.text, ids)
            return True
        stored = {
            "text": draft.text,
            "token_ids": ids,
            "attempt": self.attempt,
            "finish_reason": draft.finish_reason,
            "usage": {
                "prompt_tokens": draft.usage.prompt,
                "reused_tokens": draft.usage.reused,
                "reply_tokens": draft.usage.completion,
                "queue_seconds": draft.timings.queue,
                "first_token_seconds": draft.timings.first_token,
                "generation_seconds": time.monotonic() - self.started,
            },
            "constraints": [one.to_json() for one in self.prompt.constraints],
            "checks": checked(self.prompt.constraints, draft.text),
            "citations": self._citations(draft.text) if self.reply is None else list(self.reply.citations),
            "handoff": self.reply.handoff if self.reply is not None else self.handoff,
            "manifest": self.manifest,
            **call_fields(self.turn, draft, self.manifest),
        }
        genai.answered(self.step.span, self.turn, stored)
        if self.shadow:
            self.store.steps.finish_shadow(self.tenant, self.id, self.holder, self.round, stored)
            return True
        if not self.store.steps.finish_draft(self.tenant, self.id, self.holder, self.round, stored):
            return True  # cancelled or taken over: the other end counts
        metrics.TURNS.labels("completed").inc()
        metrics.DRAFT_ROUND.observe(self.round)
        metrics.FIRST_TOKEN_SECONDS.observe(draft.timings.first_token)
        shown = {name: value for name, value in stored.items() if name != "token_ids"}
        asked = self.turn["drafts"][self.round]
        shown |= {"id": asked["id"], "round": self.round, "feedback": asked.get("feedback")}
        self.publisher.put_all(self.viewers, self._event("completed", self._offset, draft=shown))
        if self.reply is None:
            self.remember(self, draft)
        return True

    def _citations(self, text: str) -> list[Document]:
        """The citations of the reply, each held against its note; a mark of no note has no id."""
        notes = self.prompt.notes
        read = [f"{one.heading}\n{one.text}" for one in notes]
        return [
            {
                **({"kind": note.kind, "id": note.id, "revision": note.revision} if note else {}),
                "number": one.number,
                "start": one.start,
                "end": one.end,
                "marked": one.marked,
                "supported": one.supported,
            }
            for one in cite(text, read)
            for note in [notes[one.number - 1] if 1 <= one.number <= len(notes) else None]
        ]

    def _fail(self, error: Exception) -> bool:
        """A draft that can't be made in any attempt fails now; anything else is tried again by the sweep."""
        if isinstance(error, PromptTooLong):
            self.fail("CONTEXT_TOO_LONG", str(error))
            return True
        if isinstance(error, EngineLacks):
            self.fail("ENGINE_LACKS", str(error))
            return True
        if isinstance(error, UnknownVersion):
            self.fail("VERSION_UNAVAILABLE", str(error))
            return True
        genai.failed(self.step.span, type(error).__name__)
        log.error("attempt_failed", turn=self.id, attempt=self.attempt, error=repr(error))
        return False

    def fail(self, reason: str, message: str) -> None:
        """End the turn as failed and say so."""
        genai.failed(self.step.span, reason)
        if self.store.steps.fail_turn(self.tenant, self.id, reason, message, holder=self.holder) is not None:
            metrics.TURNS.labels("failed").inc()
            self.publisher.put_all(self.viewers, self._event("failed", self._offset, reason=reason, message=message))
