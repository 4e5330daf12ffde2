"""The generate step: take a turn, have its draft written, store the end, call the next turn.

Write 2 of a turn is the take here, write 3 the finish in ``active_draft``; ``draft_plan`` says what it is written from.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from services.common import genai, telemetry
from services.common.bus import Bus, Delivery, EventPublisher, TurnMessage, topology
from services.common.bus.events import event, viewers_of
from services.common.bus.messages import UnreadableMessage
from services.common.clock import now
from services.common.errors import AntiphonError, NotFound
from services.common.reply_format import reply_format
from services.common.store import DATABASE_AWAY, Document, Store
from services.common.tools.calls import call_due
from services.generator.engine import (
    DraftEngine,
    DraftListener,
    EngineClosed,
    EngineFull,
    EngineLacks,
    FinishedDraft,
    PromptTooLong,
    UnknownVersion,
)
from services.generator.prompt.builder import PromptTooLong as TurnTooLong
from services.generator.revision.policy import unrevised
from services.generator.settings import GeneratorSettings
from services.generator.turns.active_draft import ActiveDraft, StepEvents
from services.generator.turns.composed import ComposedReply, ComposedWriter, ReplyComposer, compose
from services.generator.turns.draft_plan import DraftPlan, DraftPlanner
from services.generator.turns.grounded import GroundedListener, Sources
from services.generator.turns.tool_calls import (
    CallListener,
    ComposedInstead,
    answers_tools,
    only_calls,
    revises_call,
)
from services.generator.turns.version_cache import VersionCache
from services.generator.turns.writer import Writer

log = structlog.get_logger(__name__)
_READY_SECONDS = 2.0


class GenerateStep:
    """Everything this worker has in its hands; the handler of ``turns.generate`` and of the control fanout."""

    def __init__(
        self,
        settings: GeneratorSettings,
        store: Store,
        bus: Bus,
        publisher: EventPublisher,
        engine: DraftEngine,
        events: StepEvents,
        versions: VersionCache,
        planner: DraftPlanner,
        composers: Sequence[ReplyComposer] = (),
        sources: Callable[[Document], Sources | None] = lambda _: None,
    ) -> None:
        """`composers` are asked for the reply before the engine is, in their order; `sources` says what the engine's
        draft of a turn is held against, None: nothing."""
        self._settings = settings
        self._store = store
        self._bus = bus
        self._publisher = publisher
        self._engine = engine
        self._events = events
        self._versions = versions
        self._planner = planner
        self._composers = composers
        self._sources = sources
        self._work = ThreadPoolExecutor(4, thread_name_prefix="ends")
        self._lock = threading.Lock()
        self._active: dict[str, ActiveDraft] = {}
        self._cancelled: deque[str] = deque(maxlen=256)  # turns that were not yet in work here when they were cancelled
        self._timers: dict[threading.Timer, Delivery] = {}  # turns that are tried again later
        self._draining = False

    # -- messages -------------------------------------------------------------------------------

    def handle(self, delivery: Delivery) -> None:
        """Work on one message of ``turns.generate``; it is acknowledged when the draft's end is stored."""
        if not self._can_write():
            delivery.requeue()
            return
        try:
            message = TurnMessage.decode(delivery.body)
        except UnreadableMessage as error:
            log.warning("unreadable_message", error=str(error))
            delivery.refuse()
            return
        with telemetry.step_span("take", delivery.headers, turn=message.turn, **{genai.CONVERSATION: message.session}):
            self._begin(message, delivery)

    def _can_write(self) -> bool:
        """Whether the engine is ready, or becomes so soon: a turn that is taken while it is not would lose an
        attempt, and a message that is put back may reach a worker whose engine is."""
        deadline = time.monotonic() + _READY_SECONDS
        while not (self._engine.ready or self._draining) and time.monotonic() < deadline:
            time.sleep(0.05)
        return self._engine.ready and not self._draining

    def control(self, command: Mapping[str, Any]) -> None:
        """Obey ``{"op": "cancel" | "attach" | "forget", …}``; what this worker does not hold is not its business."""
        if command.get("op") == "forget":
            self._engine.forget(str(command["tenant"]), str(command["session"]))
            return
        with self._lock:
            held = self._active.get(str(command.get("turn")))
            if held is None and command.get("op") == "cancel":
                self._cancelled.append(str(command.get("turn")))
        if held is None:
            return
        if command.get("op") == "cancel":
            held.writer.cancel()
        elif command.get("op") == "attach":
            held.follow(str(command["reply_to"]))

    @property
    def in_work(self) -> int:
        """Drafts this worker holds."""
        with self._lock:
            return len(self._active)

    def drain(self) -> None:
        """Take no more turns; those in work go on, those that wait to be tried again go back to the queue."""
        self._draining = True
        with self._lock:
            timers, self._timers = self._timers, {}
        for timer, delivery in timers.items():
            timer.cancel()
            delivery.requeue()

    def close(self) -> None:
        self._work.shutdown(wait=True)

    # -- one turn -------------------------------------------------------------------------------

    def _begin(self, message: TurnMessage, delivery: Delivery) -> None:
        try:
            self._versions.ensure(message.tenant, message.version)  # before the take, so that no lease waits for it
        except UnknownVersion as error:
            log.warning("version_unavailable", turn=message.turn, version=message.version, error=str(error))
            # the engine refuses the row with the same error, and the turn fails with the reason
        grounding = None
        if message.passages or message.facts or message.evidence:
            grounding = {"passages": message.passages, "facts": message.facts, "evidence": message.evidence}
        turn = self._store.steps.take_step(
            message.tenant,
            message.turn,
            message.round,
            redelivered=delivery.redelivered,
            state=message.state,
            grounding=grounding,
            understood=message.understood,
        )
        if turn is None:
            self._not_taken(message, delivery)
            return
        if not self._store.takeovers.allows(message.tenant, turn):
            self._let_go(turn, delivery)
            return
        with structlog.contextvars.bound_contextvars(
            tenant=message.tenant, session=message.session, turn=message.turn, attempt=turn["attempt"]
        ):
            try:
                self._submit(turn, delivery)
            except (TurnTooLong, PromptTooLong) as error:
                self._fail(turn, "CONTEXT_TOO_LONG", str(error), delivery)
            except EngineLacks as error:
                self._fail(turn, "ENGINE_LACKS", str(error), delivery)
            except (EngineFull, EngineClosed):
                delivery.refuse()  # the lease ends by itself, then the sweep finds another worker

    def _let_go(self, turn: Document, delivery: Delivery) -> None:
        """A person has taken the session over since the turn was accepted, or has handed it back."""
        settled = self._store.takeovers.settle(turn["tenant"], turn["session"])
        for held in settled.held:
            self._publisher.put_all(viewers_of(held), event(held["_id"], "held", held["round"]))
        for other in settled.dispatch:
            self._bus.publish_turn(topology.TRACK, TurnMessage.of_turn(other))
        delivery.ack()

    def _not_taken(self, message: TurnMessage, delivery: Delivery) -> None:
        """Somebody holds the turn, or it has ended. A redelivered message waits until its holder was silent
        long enough to be taken for dead; any other is left to the sweep."""
        try:
            turn = self._store.turns.get(message.tenant, message.turn)
        except NotFound:  # erased
            delivery.ack()
            return
        if (
            not turn.get("open") and turn["status"] != "held"
        ):  # whoever ended it may have died before it could call the next one
            self._call_next(message.tenant, message.session)
        elif delivery.redelivered:
            renewed = turn.get("renewed_at")
            if turn["status"] == "active" and turn["round"] == message.round and renewed is not None:
                silent = timedelta(seconds=self._settings.silent_seconds)
                wait = (renewed + silent - now()).total_seconds()
                if turn["attempt"] < self._settings.max_attempts and wait < self._settings.lease_seconds:
                    self._again(message, delivery, max(wait, 0.0) + 0.1, turn.get("holder", ""))
                    return
        delivery.ack()

    def _again(self, message: TurnMessage, delivery: Delivery, wait: float, holder: str) -> None:
        def retry() -> None:
            with self._lock:
                if self._timers.pop(timer, None) is None:
                    return  # drained meanwhile
            try:
                turn = self._store.turns.get(message.tenant, message.turn)
                if turn.get("holder", "") != holder:
                    delivery.ack()  # another worker took it
                    return
                self._begin(message, delivery)
            except Exception:
                log.exception("takeover_failed", turn=message.turn)
                delivery.refuse()

        timer = threading.Timer(wait, retry)
        timer.daemon = True
        with self._lock:
            if self._draining:
                delivery.requeue()
                return
            self._timers[timer] = delivery
        log.info("takeover_waits", turn=message.turn, seconds=round(wait, 1))
        timer.start()

    def _submit(self, turn: Document, delivery: Delivery) -> None:
        form = reply_format(turn) is not None
        known = self._composed(unrevised(turn)) if form else None
        reply = None if form else self._composed(turn)
        asked = call_due(turn) and (
            reply is None or reply.handoff
        )  # what the knowledge base answers no tool need answer
        make_writer: Callable[[DraftListener], Writer]
        if reply is not None and not asked:
            prompt, manifest = self._planner.composed(turn, reply)
            make_writer = partial(ComposedWriter, reply)
        else:
            plan = self._planner.plan(turn, known=known.text if known is not None else "")
            prompt, manifest, make_writer = plan.prompt, plan.manifest, partial(self._planner.writer, plan)
            sources = None if form or answers_tools(turn) else self._sources(turn)
            if asked:
                make_writer = partial(self._calling, plan, sources, reply, turn)
            elif sources is not None:
                make_writer = partial(self._grounded, plan, sources)
        active = ActiveDraft(
            turn=turn,
            delivery=delivery,
            prompt=prompt,
            manifest=manifest,
            store=self._store,
            events=self._events,
            publisher=self._publisher,
            work=self._work,
            renew_seconds=self._settings.renew_seconds,
            make_writer=make_writer,
            on_end=self._ended,
            remember=self._remember,
            step=genai.chat_step(delivery.headers, turn, manifest),
            reply=None if asked else reply,
            handoff=known is not None and known.handoff,
        )
        with self._lock:
            earlier = self._active.get(active.id)
            self._active[active.id] = active
        if earlier is not None:
            earlier.abandon()  # an older attempt of this very worker
        try:
            active.writer.submit()
        except BaseException:
            self._forget(active)
            raise
        self._stop_if_cancelled(active)

    def _stop_if_cancelled(self, active: ActiveDraft) -> None:
        """Obey a cancel that came between the take and now; one of an earlier round is no longer in the store."""
        with self._lock:
            if active.id not in self._cancelled:
                return
            self._cancelled.remove(active.id)
        if self._store.turns.get(active.tenant, active.id)["status"] == "cancelled":
            active.writer.cancel()

    def _grounded(self, plan: DraftPlan, sources: Sources, listener: DraftListener) -> Writer:
        return self._planner.writer(plan, GroundedListener(listener, sources))

    def _composed(self, turn: Document) -> ComposedReply | None:
        """The reply that needs no engine; None where one of tools is due."""
        if answers_tools(turn) or only_calls(turn) or revises_call(turn):
            return None
        return compose(self._composers, turn)

    def _calling(
        self,
        plan: DraftPlan,
        sources: Sources | None,
        reply: ComposedReply | None,
        turn: Document,
        draft: DraftListener,
    ) -> Writer:
        """The engine's call of a tool; where it speaks instead, `reply` if there is one, else what it says."""
        words = GroundedListener(draft, sources) if sources is not None else draft
        if reply is not None:
            prompt, manifest = self._planner.composed(turn, reply)

            def chosen() -> None:
                assert isinstance(draft, ActiveDraft)
                draft.becomes(reply, prompt, manifest)

            words = ComposedInstead(draft, reply, partial(self._engine.cancel, plan.request.key), chosen)
        return self._planner.writer(plan, CallListener(draft, words))

    # -- ends -----------------------------------------------------------------------------------

    def _remember(self, active: ActiveDraft, draft: FinishedDraft) -> None:
        """Let the engine compute the accepted history in idle time, so that the next turn begins at once."""
        computed_by, history = self._planner.continued(active.prompt, active.turn, draft.token_ids)
        self._engine.remember(active.tenant, active.turn["session"], computed_by, history)

    def _ended(self, active: ActiveDraft, settled: bool) -> None:
        self._forget(active)
        if settled:
            self._call_next(active.tenant, active.turn["session"])
            active.delivery.ack()
        else:
            active.delivery.refuse()

    def _forget(self, active: ActiveDraft) -> None:
        active.step.end()
        with self._lock:
            if self._active.get(active.id) is active:
                del self._active[active.id]

    def _fail(self, turn: Document, reason: str, message: str, delivery: Delivery) -> None:
        store = self._store
        if store.steps.fail_turn(turn["tenant"], turn["_id"], reason, message, holder=turn["holder"]) is not None:
            failed = event(turn["_id"], "failed", turn["round"], turn["attempt"], 0, reason=reason, message=message)
            self._publisher.put_all(viewers_of(turn), failed)
        self._call_next(turn["tenant"], turn["session"])
        delivery.ack()

    def _call_next(self, tenant: str, session: str) -> None:
        """Promote the session's next waiting turn and dispatch it; whatever fails here the sweep repairs."""
        try:
            promoted = self._store.turns.promote(tenant, session)
            if promoted is not None:
                self._bus.publish_turn(topology.TRACK, TurnMessage.of_turn(promoted))
        except (AntiphonError, *DATABASE_AWAY) as error:
            log.warning("next_turn_not_dispatched", session=session, error=str(error))
