"""The generate step: take a turn, build its prompt, let the engine write, store the end, call the next turn.

Write 2 of a turn is the take here, write 3 the finish in ``drafting``.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog

from services.common import telemetry
from services.common.bus import Bus, Delivery, EventPublisher, TurnMessage, topology
from services.common.bus.events import event
from services.common.bus.messages import UnreadableMessage
from services.common.errors import AntiphonError, NotFound
from services.common.store import DATABASE_AWAY, Document, GroundingText, Store
from services.generator import asked
from services.generator.candidates import Candidates
from services.generator.drafting import Drafting, StepEvents
from services.generator.engine import (
    Contrast,
    DecodeSettings,
    DraftListener,
    DraftRequest,
    Engine,
    EngineClosed,
    EngineFull,
    FinishedDraft,
    FusionInput,
    PromptTooLong,
    UnknownVersion,
)
from services.generator.outdated import refused_values, refusing
from services.generator.prompt import Prompt, PromptBuilder
from services.generator.prompt import PromptTooLong as TurnTooLong
from services.generator.settings import GeneratorSettings
from services.generator.soft_inputs import Soft, SoftInputs
from services.generator.versions import Versions
from services.generator.wording import note_line
from services.generator.writing import OneRow, Prepared, Writer

if TYPE_CHECKING:
    from services.generator.fusion import FeedbackFusion
    from services.generator.note_fusion import KnowledgeFusion

log = structlog.get_logger(__name__)


class GenerateStep:
    """Everything this worker has in its hands; the handler of ``turns.generate`` and of the control fanout."""

    def __init__(
        self,
        settings: GeneratorSettings,
        store: Store,
        bus: Bus,
        publisher: EventPublisher,
        engine: Engine,
        prompts: PromptBuilder,
        events: StepEvents,
        versions: Versions,
        identity: Document,
        fusion: FeedbackFusion | None = None,
        soft_inputs: SoftInputs | None = None,
        knowledge: KnowledgeFusion | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._bus = bus
        self._publisher = publisher
        self._engine = engine
        self._prompts = prompts
        self._events = events
        self._versions = versions
        self._fusion = fusion  # None: revisions are made without a fusion head
        self._knowledge = knowledge  # None: notes reach the model by its input alone
        self._soft_inputs = soft_inputs or SoftInputs()  # state and notes reach the model as text alone
        self._refuses = settings.superseded_values == "refuse"
        self._identity = identity  # the manifest's fields that are the worker's: version, base model, kernels, …
        self._work = ThreadPoolExecutor(4, thread_name_prefix="ends")
        self._lock = threading.Lock()
        self._drafting: dict[str, Drafting] = {}
        self._timers: set[threading.Timer] = set()
        self._draining = False

    # -- messages -------------------------------------------------------------------------------

    def handle(self, delivery: Delivery) -> None:
        """Work on one message of ``turns.generate``; it is acknowledged when the draft's end is stored."""
        if self._draining:
            delivery.requeue()
            return
        try:
            message = TurnMessage.decode(delivery.body)
        except UnreadableMessage as error:
            log.warning("unreadable_message", error=str(error))
            delivery.refuse()
            return
        with telemetry.step_span("take", delivery.headers, turn=message.turn):
            self._begin(message, delivery)

    def control(self, command: Mapping[str, Any]) -> None:
        """Obey ``{"op": "cancel" | "attach" | "forget", …}``; what this worker does not hold is not its business."""
        if command.get("op") == "forget":
            self._engine.forget(str(command["tenant"]), str(command["session"]))
            return
        with self._lock:
            held = self._drafting.get(str(command.get("turn")))
        if held is None:
            return
        if command.get("op") == "cancel":
            held.stop()
        elif command.get("op") == "attach":
            held.follow(str(command["reply_to"]))

    @property
    def in_work(self) -> int:
        """Drafts this worker holds."""
        with self._lock:
            return len(self._drafting)

    def drain(self) -> None:
        """Take no more turns; those in work go on."""
        self._draining = True
        with self._lock:
            timers, self._timers = self._timers, set()
        for timer in timers:
            timer.cancel()

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
        if message.passages or message.facts:
            grounding = {"passages": message.passages, "facts": message.facts}
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
        with structlog.contextvars.bound_contextvars(
            tenant=message.tenant, session=message.session, turn=message.turn, attempt=turn["attempt"]
        ):
            try:
                self._submit(turn, delivery)
            except (TurnTooLong, PromptTooLong) as error:
                self._fail(turn, "CONTEXT_TOO_LONG", str(error), delivery)
            except (EngineFull, EngineClosed):
                delivery.refuse()  # the lease ends by itself, then the sweep finds another worker

    def _not_taken(self, message: TurnMessage, delivery: Delivery) -> None:
        """Somebody holds the turn, or it has ended. A redelivered message waits until its holder was silent
        long enough to be taken for dead; any other is left to the sweep."""
        try:
            turn = self._store.turns.get(message.tenant, message.turn)
        except NotFound:  # erased
            delivery.ack()
            return
        if not turn.get("open"):  # whoever ended it may have died before it could call the next one
            self._call_next(message.tenant, message.session)
        elif delivery.redelivered:
            renewed = turn.get("renewed_at")
            if turn["status"] == "active" and turn["round"] == message.round and renewed is not None:
                silent = timedelta(seconds=self._settings.silent_seconds)
                wait = (renewed + silent - datetime.now(UTC)).total_seconds()
                if turn["attempt"] < self._settings.max_attempts and wait < self._settings.lease_seconds:
                    self._again(message, delivery, max(wait, 0.0) + 0.1, turn.get("holder", ""))
                    return
        delivery.ack()

    def _again(self, message: TurnMessage, delivery: Delivery, wait: float, holder: str) -> None:
        def retry() -> None:
            with self._lock:
                self._timers.discard(timer)
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
            self._timers.add(timer)
        timer.start()

    def prepared(self, turn: Document, earlier: Sequence[Document] | None = None) -> Prepared:
        """A turn's current round, ready to be written. ``earlier``: the turns of its history as they are to be used;
        None: those of its session.

        Raises: PromptTooLong of ``services.generator.prompt``.
        """
        decode = asked.decode_settings(turn, self._settings)
        notes = self._grounding(turn)
        computed_by = self._versions.computed_by(turn.get("version") or "")
        soft = self._soft_inputs.of(turn.get("state"), notes, computed_by)
        prompt = self._prompt(turn, decode.max_new_tokens, notes, soft, earlier)
        room = self._engine.context_limit - len(prompt)
        decode = asked.adjusted(decode, prompt, turn, room, self._settings)
        refused = refused_values(notes, str(turn["text"]), decode.include) if self._refuses else ()
        decode = refusing(decode, refused, notes, str(turn["text"]), self._engine.codec)
        fused = self._fused(turn, prompt)
        request = DraftRequest(
            key=f"{turn['_id']}:{turn['round']}:{turn['attempt']}",
            tenant=turn["tenant"],
            session=turn["session"],
            version=computed_by,
            history=prompt.history,
            tail=prompt.tail,
            settings=decode,
            soft=soft.vectors,
            fusion=fused,
            feedback=prompt.feedback,
            contrast=self._contrast(turn, prompt, decode),
        )
        manifest = self._manifest(turn, prompt, decode, soft, refused, fused=fused is not None)
        return Prepared(turn, prompt, request, manifest)

    def writer(self, made: Prepared, listener: DraftListener) -> Writer:
        """What has the engine write the draft, in as many candidates as it is to be chosen from."""
        turn, constraints = made.turn, made.prompt.constraints
        count = asked.candidates(turn, constraints, self._settings)
        if count == 1 and (made.request.settings.beams is None or not constraints):
            return OneRow(self._engine, made.request, listener)
        return Candidates(
            self._engine,
            made.request,
            listener,
            asked.to_verify(constraints),
            count=count,
            weight=asked.constraint_weight(turn, self._settings),
            temperature=self._settings.redraw_temperature,
            anew=self._anew(turn, made.prompt),
            asked=asked.held_against(turn, made.prompt),
            reading=asked.read(turn),
            amending=asked.amends(turn, made.prompt),
            infilling=asked.infills(turn, made.prompt),
        )

    def _submit(self, turn: Document, delivery: Delivery) -> None:
        made = self.prepared(turn)
        drafting = Drafting(
            turn=turn,
            delivery=delivery,
            prompt=made.prompt,
            manifest=made.manifest,
            store=self._store,
            events=self._events,
            publisher=self._publisher,
            work=self._work,
            renew_seconds=self._settings.renew_seconds,
            stop=lambda: None,
            on_end=self._ended,
            remember=self._remember,
            step=telemetry.begin_step("generate", delivery.headers, turn=turn["_id"], attempt=turn["attempt"]),
        )
        with self._lock:
            earlier = self._drafting.get(drafting.id)
            self._drafting[drafting.id] = drafting
        if earlier is not None:
            earlier.abandon()  # an older attempt of this very worker
        writer = self.writer(made, drafting)
        drafting.stop = writer.cancel
        try:
            writer.submit()
        except BaseException:
            self._forget(drafting)
            raise

    def _prompt(
        self,
        turn: Document,
        reply_tokens: int,
        notes: Sequence[GroundingText],
        soft: Soft,
        earlier: Sequence[Document] | None,
    ) -> Prompt:
        if earlier is None:
            earlier = self._store.turns.history(turn["tenant"], turn["session"], turn["n"]) if turn["n"] > 1 else []
        return self._prompts.build(
            turn,
            earlier,
            grounding=notes,
            reply_tokens=min(reply_tokens, self._engine.context_limit // 2),
            system_text=turn.get("system_text", ""),
            soft=soft.ids,
            with_state=soft.with_state,
            with_notes=soft.with_notes,
        )

    def _anew(self, turn: Document, prompt: Prompt) -> tuple[int, ...] | None:
        """The prompt's tail without the feedback; None where there is none in it."""
        if prompt.about_round is None:
            return None
        plain = asked.unrevised(turn)
        soft = [token for token in prompt.tail if token < 0]
        return self._prompts.build(
            plain,
            [],
            grounding=prompt.notes[::-1],
            reply_tokens=1,
            soft=soft,
            with_state=prompt.with_state,
            with_notes=prompt.with_notes,
        ).tail

    def _contrast(self, turn: Document, prompt: Prompt, decode: DecodeSettings) -> Contrast | None:
        """What the draft is held against; None where it answers no feedback."""
        strength = asked.contrast(turn)
        anew = self._anew(turn, prompt) if strength and decode.beams is None else None
        return None if anew is None else Contrast(anew, strength)

    def _grounding(self, turn: Document) -> list[GroundingText]:
        found = turn.get("grounding") or {}
        if not found.get("passages") and not found.get("facts"):
            return []
        return self._store.knowledge.read_grounding(turn["tenant"], found["passages"], found["facts"])

    def _version(self, turn: Document) -> str:
        return self._versions.name(turn.get("version") or "")

    def _head(self, turn: Document) -> FeedbackFusion | None:
        """The head of the turn's version, else the worker's."""
        return self._versions.fusion(turn.get("version") or "") or self._fusion

    def _fused(self, turn: Document, prompt: Prompt) -> FusionInput | None:
        if not asked.fused(turn):
            return None
        head = self._head(turn)
        made = head.of_turn(turn, prompt.constraints) if head is not None else None
        if made is None and self._knowledge is not None and turn["round"] == 0:
            made = self._knowledge.of([note_line(one) for one in prompt.notes])
        return made

    def _manifest(
        self, turn: Document, prompt: Prompt, decode: DecodeSettings, soft: Soft, refused: Sequence[str], *, fused: bool
    ) -> Document:
        """Everything the reply follows from; names are those of ``antiphon.v1.Manifest``."""
        found = turn.get("grounding") or {}
        digest = hashlib.sha256(repr((prompt.history, prompt.tail)).encode()).hexdigest()[:16]
        head = self._head(turn)
        return {
            **self._identity,
            "version_id": self._version(turn),
            "fusion_head": head.head if head is not None else "",
            "state_projector": soft.state_projector,
            "passage_projector": soft.passage_projector,
            "history_draft_ids": list(prompt.draft_ids),
            "dropped": list(prompt.dropped) if prompt.dropped else None,
            "state_revision": (turn.get("state") or {}).get("base_revision", 0),
            "passages": _marked(found.get("passages", []), prompt, "passage"),
            "facts": _marked(found.get("facts", []), prompt, "fact"),
            "feedback_ids": [d["id"] for d in turn["drafts"][: turn["round"] + 1] if d.get("feedback")],
            "settings": {
                "max_tokens": decode.max_new_tokens,
                "temperature": decode.temperature,
                "top_p": decode.top_p,
                "top_k": decode.top_k,
                "repetition_penalty": decode.repetition_penalty,
                "stop": list(decode.stop),
                "constrained": bool(decode.constraints),
                "candidates": asked.candidates(turn, prompt.constraints, self._settings),
                "beams": asked.beams(turn, self._settings) if decode.beams is not None else 1,
                "constraint_weight": asked.constraint_weight(turn, self._settings),
                "reading": asked.read(turn),
                "amending": asked.amends(turn, prompt),
                "infilling": asked.infills(turn, prompt),
                "fusion": fused,
                "contrast": asked.contrast(turn) if self._contrast(turn, prompt, decode) is not None else 0.0,
            },
            "forbid": [*decode.forbid, *refused],
            "include": list(decode.include),
            "seed": decode.seed,
            "prompt_hash": digest,
        }

    # -- ends -----------------------------------------------------------------------------------

    def _remember(self, drafting: Drafting, draft: FinishedDraft) -> None:
        """Let the engine compute the accepted history in idle time, so that the next turn begins at once."""
        history = self._prompts.continued(drafting.prompt, drafting.turn, draft.token_ids)
        computed_by = self._versions.computed_by(drafting.turn.get("version") or "")
        self._engine.remember(drafting.tenant, drafting.turn["session"], computed_by, history)

    def _ended(self, drafting: Drafting, settled: bool) -> None:
        self._forget(drafting)
        if settled:
            self._call_next(drafting.tenant, drafting.turn["session"])
            drafting.delivery.ack()
        else:
            drafting.delivery.refuse()

    def _forget(self, drafting: Drafting) -> None:
        drafting.step.end()
        with self._lock:
            if self._drafting.get(drafting.id) is drafting:
                del self._drafting[drafting.id]

    def _fail(self, turn: Document, reason: str, message: str, delivery: Delivery) -> None:
        store = self._store
        if store.steps.fail_turn(turn["tenant"], turn["_id"], reason, message, holder=turn["holder"]) is not None:
            failed = event(turn["_id"], "failed", turn["round"], turn["attempt"], 0, reason=reason, message=message)
            self._publisher.put(turn.get("reply_to", ""), failed)
        self._call_next(turn["tenant"], turn["session"])
        delivery.ack()

    def _call_next(self, tenant: str, session: str) -> None:
        """Promote the session's next waiting turn and dispatch it; whatever fails here the sweep repairs."""
        try:
            promoted = self._store.turns.promote(tenant, session, self._settings.turn_deadline_seconds)
            if promoted is not None:
                self._bus.publish_turn(topology.TRACK, TurnMessage.of_turn(promoted))
        except (AntiphonError, *DATABASE_AWAY) as error:
            log.warning("next_turn_not_dispatched", session=session, error=str(error))


def _marked(references: Sequence[Document], prompt: Prompt, kind: str) -> list[Document]:
    """Those of the references whose text is in the prompt, each with the number it has there."""
    marks = {(note.id, note.revision): str(n) for n, note in enumerate(prompt.notes, 1) if note.kind == kind}
    keys = [(one["id"], one["revision"]) for one in references]
    return [{**one, "mark": marks[key]} for one, key in zip(references, keys, strict=True) if key in marks]
