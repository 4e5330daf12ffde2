"""The track step: what a message changes in the dialogue's state, what feedback asks for, and where to next.

A turn without a schema is passed on unread: it costs no database access. Everything here is computed from stored
documents and nothing is written, so that a redelivered message gives the same result; the take of the generator
stores what travels on in the message.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog

from services.common import metrics
from services.common.bus import Bus, Delivery, Event, EventPublisher, TurnMessage, topology
from services.common.bus.events import event, viewers_of
from services.common.bus.messages import UnreadableMessage
from services.common.constraints import Constraint, merge_rounds
from services.common.drafts import chosen_draft, own_words
from services.common.errors import NotFound, Unavailable
from services.common.genai import CONVERSATION
from services.common.schema import Schema, SchemaError, parse_schema_document
from services.common.state import base_revision, differences, effective_state, ready_lead
from services.common.store import DATABASE_AWAY, Document, Store
from services.common.telemetry import step_span
from services.common.tools.calls import said
from services.common.work_budget import OverBudget, WorkBudget
from services.tracker.domain.feedback import Fallback, Feedback, FeedbackError, Understanding, read_feedback
from services.tracker.domain.leading import Lead, lead
from services.tracker.domain.recalling import recalled
from services.tracker.domain.state import State
from services.tracker.domain.tracker import Tracker

log = structlog.get_logger(__name__)
AGAIN_SECONDS = 0.5  # before a turn is tried again that met no database
SCHEMAS_KEPT = 256
MAX_DELIVERIES = 3  # of a turn that was sent again; what kills every tracker ends there
EARLIER_TURNS = 20
"""Turns looked through for the last state, where the turn before has none (a person's reply, say)."""


class TrackStep:
    """The handler of `turns.track`; one object for all threads of a worker."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        events: EventPublisher,
        tracker: Tracker,
        fallback: Fallback | None = None,
        budget: WorkBudget | None = None,
    ) -> None:
        """``budget`` is what each piece of reading may compute; the turn goes on without one that takes more."""
        self._budget = budget or WorkBudget(60.0)
        self._store = store
        self._bus = bus
        self._events = events
        self._tracker = tracker
        self._fallback = fallback
        self._schemas: OrderedDict[tuple[str, str], Schema] = OrderedDict()
        self._lock = threading.Lock()

    def take_turn(self, delivery: Delivery) -> None:
        """Tracks the turn, sends it on to `turns.ground` or `turns.generate`, then acknowledges."""
        try:
            message = TurnMessage.decode(delivery.body)
        except UnreadableMessage as error:
            log.warning("unreadable_message", queue=topology.TRACK, error=str(error))
            delivery.refuse()
            return
        with step_span("track", delivery.headers, turn=message.turn, **{CONVERSATION: message.session}):
            try:
                tracked = self.tracked(message, redelivered=delivery.redelivered)
            except DATABASE_AWAY as error:
                # It comes back: then the turn has its state. The sweep bounds how often.
                log.warning("database_away", turn=message.turn, error=repr(error))
                delivery.requeue(after=AGAIN_SECONDS)
                return
            except Exception:
                # A turn without state is answered; a turn without an answer is not.
                log.exception("track_failed", tenant=message.tenant, session=message.session, turn=message.turn)
                tracked = message
            if tracked is None:
                delivery.ack()
                return
            try:
                self._send_on(tracked)
            except Unavailable:
                delivery.requeue()
                return
        delivery.ack()

    def tracked(self, message: TurnMessage, *, redelivered: bool) -> TurnMessage | None:
        """`track`, unless trackers have had the message so often that it may be what they die of."""
        if redelivered or message.again:
            deliveries = self._store.steps.count_delivery(message.tenant, message.turn, "track")
            if deliveries > MAX_DELIVERIES:
                log.warning("turn_left_untracked", turn=message.turn, deliveries=deliveries)
                return replace(message, understood={"skipped": ["state"]})
        return self.track(message)

    def track(self, message: TurnMessage) -> TurnMessage | None:
        """The message with `state` and `understood` filled; publishes the events of those names.

        None where the turn has ended or gone on to another round: then there is nothing to pass on.
        """
        if message.kind == "turn" and message.schema is None:
            return message
        try:
            turn = self._store.turns.get(message.tenant, message.turn)
        except NotFound:
            log.info("turn_gone", tenant=message.tenant, session=message.session, turn=message.turn)
            return None
        if turn["status"] != "active" or turn["round"] != message.round:
            return None
        if message.kind == "revision":
            return self._revise(message, turn)
        return self._track_text(message, turn)

    # -- a message --------------------------------------------------------------------------------

    def _track_text(self, message: TurnMessage, turn: Document) -> TurnMessage:
        schema = self._schema(message)
        if schema is None:
            return message
        session = self._store.sessions.get(message.tenant, message.session)
        before = self._before(message)
        known = before.get("state") if before else None
        if known is None and message.n > 1:
            known = self._told_before(message, schema)
        previous = effective_state(known, session["corrections"], message.n - 1)
        reply = own_words((chosen_draft(before) if before else None) or {})
        earlier = Lead.from_json(((before or {}).get("state") or {}).get("lead"))
        stood = State.from_json(previous)
        try:
            state = self._budget.run(lambda: self._tracker.track(schema, stood, reply, turn["text"], message.n))
            step = self._budget.run(lambda: lead(schema, stood, state, earlier, turn["text"]))
            answer = self._budget.run(lambda: recalled(schema, stood, state, turn["text"]))
        except OverBudget as error:
            return self._left_out(message, turn, "state", error)
        document = {"base_revision": base_revision(session["corrections"], message.n), **state.to_json()}
        if step is not None:
            document["lead"] = step.to_json()
        if answer is not None:
            document["recalled"] = answer.to_json()
        understood = {
            "intents": {name: one.intent for name, one in state.services.items() if one.intent},
            "entities": document["entities"],
        }
        self._say(message, turn, state=document, understood=understood)
        return replace(message, state=document)

    def _left_out(self, message: TurnMessage, turn: Document, what: str, error: OverBudget) -> TurnMessage:
        """The message without what took too much computing, which the turn says; the state stays the one before."""
        log.warning("track_over_budget", tenant=message.tenant, turn=message.turn, what=what, error=str(error))
        metrics.OVER_BUDGET.labels(what).inc()
        understood = {**(message.understood or {}), "skipped": [what]}
        self._say(message, turn, state=None, understood=understood)
        return replace(message, understood=understood)

    def _before(self, message: TurnMessage) -> Document | None:
        """The turn whose state this one continues: the latest that counts, or the latest of those with a state."""
        if message.n <= 1:
            return None
        turns = self._store.turns
        before = turns.previous_with_state(message.tenant, message.session, message.n)
        if before is None or before.get("state") is not None:
            return before
        earlier = turns.page(message.tenant, message.session, after_n=message.n, limit=EARLIER_TURNS, newest_first=True)
        for turn in earlier:
            if turn.get("state") is not None and not turn.get("excluded"):
                return {**before, "state": turn["state"]}
        return before

    def _told_before(self, message: TurnMessage, schema: Schema) -> Document | None:
        """The state after the turns that the session was seeded with, tracked now; None where there are none."""
        turns = self._store.turns.page(
            message.tenant, message.session, after_n=message.n, limit=EARLIER_TURNS, newest_first=True
        )
        state, reply, seeded = State(), "", False
        for turn in reversed(turns):
            draft = chosen_draft(turn)
            if turn.get("excluded") or draft is None or draft.get("author") != "seeded":
                continue
            state = self._seeded(schema, state, reply, turn)
            reply, seeded = own_words(draft), True
        return state.to_json() if seeded else None

    def _seeded(self, schema: Schema, state: State, reply: str, turn: Document) -> State:
        """The state after a seeded turn; the one before it where that takes too much computing."""
        try:
            return self._budget.run(lambda: self._tracker.track(schema, state, reply, said(turn), turn["n"]))
        except OverBudget as error:
            log.warning("track_over_budget", turn=turn["_id"], what="history", error=str(error))
            return state

    def _schema(self, message: TurnMessage) -> Schema | None:
        """The schema that the message names; a revision never changes, so it is read once."""
        if message.schema is None:
            return None
        key = (message.tenant, message.schema)
        with self._lock:
            known = self._schemas.get(key)
            if known is not None:
                self._schemas.move_to_end(key)
                return known
        try:
            stored = self._store.schemas.by_reference(message.tenant, message.schema)
            schema = parse_schema_document(stored["content"])
        except (NotFound, SchemaError, ValueError) as error:
            log.warning("schema_unusable", tenant=message.tenant, schema=message.schema, error=str(error))
            return None
        with self._lock:
            self._schemas[key] = schema
            while len(self._schemas) > SCHEMAS_KEPT:
                self._schemas.popitem(last=False)
        return schema

    # -- feedback ---------------------------------------------------------------------------------

    def _revise(self, message: TurnMessage, turn: Document) -> TurnMessage:
        """A round after the first: feedback understood, or a mere new draw (resample, retry)."""
        feedback = turn["drafts"][message.round].get("feedback")
        state = turn.get("state")
        if state is None and message.schema is not None:
            message = self._track_text(message, turn)  # the first attempt ended before its state was stored
            state = message.state
        elif state is not None and message.schema is not None:
            state = self._corrected(message, state)
        understanding = self._understand(message, turn, feedback) if feedback else Understanding()
        changed = self._changed_state(message, turn, state, understanding, feedback) if feedback else None
        if changed is not None:
            state = changed
        understood = understanding.to_json() if feedback else None
        self._say(message, turn, state=state if state != turn.get("state") else None, understood=understood)
        grounded = turn.get("grounding") is not None
        return replace(
            message,
            state=state,
            understood=understood,
            skip_ground=changed is None and not understanding.asks_content if feedback else grounded,
        )

    def _corrected(self, message: TurnMessage, state: Document) -> Document:
        """The turn's state with what people corrected since it was tracked: the revision is to know it."""
        corrections = self._store.sessions.get(message.tenant, message.session)["corrections"]
        seen = base_revision(corrections, message.n + 1)
        if seen <= int(state.get("base_revision", 0)):
            return state
        return {**effective_state(state, corrections, message.n), "base_revision": seen, **_lead_of(state)}

    def _understand(self, message: TurnMessage, turn: Document, feedback: Mapping[str, Any]) -> Understanding:
        about = str(_draft_before(turn, message.round).get("text") or "")
        heard = _heard_before(turn, message.round)

        def read(said: Mapping[str, Any]) -> Understanding:
            return read_feedback(Feedback.from_json(said), about, turn["text"], self._fallback, heard)

        def understand(said: Mapping[str, Any]) -> Understanding:
            try:
                return read(said)
            except FeedbackError as error:
                # The gateway refuses contradictory constraints; whatever came by another way is read without them.
                log.warning("constraints_refused", turn=message.turn, field=error.field, reason=error.reason)
                return read({**said, "constraints": []})

        try:
            return self._budget.run(lambda: understand(feedback))
        except OverBudget as error:
            log.warning("track_over_budget", turn=message.turn, what="feedback", error=str(error))
            metrics.OVER_BUDGET.labels("feedback").inc()
            typed = understand({**feedback, "comment": "", "edited_text": None})
            return replace(typed, unparsed=[feedback.get("comment") or ""], skipped=["feedback"])

    def _changed_state(
        self,
        message: TurnMessage,
        turn: Document,
        state: Mapping[str, Any] | None,
        understanding: Understanding,
        feedback: Mapping[str, Any],
    ) -> Document | None:
        """The state with the slots that a corrected fact names changed; None where none is."""
        schema = self._schema(message)
        if schema is None or state is None or not any(c.kind == "replace" for c in understanding.constraints):
            return None
        before = State.from_json(state)
        about, comment = own_words(_draft_before(turn, message.round)), feedback.get("comment") or ""
        try:
            after = self._budget.run(lambda: self._tracker.track(schema, before, about, comment, message.n))
        except OverBudget as error:
            log.warning("track_over_budget", turn=message.turn, what="corrected", error=str(error))
            return None
        document = after.to_json()
        if not differences(state, document):
            return None
        kept = {"base_revision": state.get("base_revision", 0), "entities": state.get("entities") or []}
        return {**document, **kept, **_lead_of(state)}

    # -- onward -----------------------------------------------------------------------------------

    def _say(
        self, message: TurnMessage, turn: Document, *, state: Document | None, understood: dict[str, Any] | None
    ) -> None:
        """Tells the gateway what is new; None is no news."""
        made: list[Event] = []
        if understood is not None:
            made.append(event(message.turn, "understood", message.round, turn["attempt"], understood=understood))
        if state is not None:
            made.append(event(message.turn, "state", message.round, turn["attempt"], state=state))
            ready = ready_lead(state)
            if ready is not None:
                made.append(event(message.turn, "ready", message.round, turn["attempt"], ready=ready))
        self._events.put_all(viewers_of(turn) or (message.reply_to,), *made)

    def _send_on(self, message: TurnMessage) -> None:
        queue = topology.GENERATE if message.skip_ground else topology.GROUND
        try:
            self._bus.publish_turn(queue, message)
        except ValueError:
            # A state beyond what a message may carry: the turn is answered without it.
            log.warning("state_too_large", tenant=message.tenant, session=message.session, turn=message.turn)
            self._bus.publish_turn(queue, replace(message, state=None, understood=None))


def _lead_of(state: Mapping[str, Any]) -> Document:
    """The state's `lead`, to lay over another state of the same turn."""
    return {"lead": state["lead"]} if state.get("lead") else {}


def _draft_before(turn: Document, round_number: int) -> Document:
    """The draft that a round's feedback is about: the latest completed one before it; an empty one where there is
    none."""
    drafts: list[Document] = turn["drafts"][:round_number]
    return next((draft for draft in reversed(drafts) if draft.get("status") == "completed"), {})


def _heard_before(turn: Document, round_number: int) -> list[Constraint] | None:
    """What the latest completed draft before a round was to do for its reader; None where it answers no feedback."""
    drafts = [one for one in turn["drafts"][:round_number] if one.get("status") == "completed"]
    if not drafts or not drafts[-1].get("feedback"):
        return None
    understood = turn.get("understood") or {}
    rounds = [understood.get(str(number)) or {} for number in range(1, round_number)]
    return merge_rounds([Constraint.from_json(one) for one in known.get("constraints", ())] for known in rounds)
