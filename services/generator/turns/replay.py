"""Drafts written again from their manifests: what the prompt was plan of is fetched, what comes out is compared.

A replay is a draft like any other, of the lowest priority, in a session of its own that is forgotten afterwards; a
worker has one at a time in hand. Nothing of it is stored.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from services.common.bus import Delivery, EventPublisher
from services.common.bus.events import event
from services.common.bus.messages import UnreadableMessage
from services.common.bus.replay import TIMEOUT, ReplayRequest
from services.common.errors import AntiphonError, FailedPrecondition, NotFound, Unavailable
from services.common.store import DATABASE_AWAY, Document, Store
from services.generator.engine import (
    DraftEngine,
    EngineClosed,
    EngineFull,
    FinishedDraft,
    PromptTooLong,
    UnknownVersion,
)
from services.generator.prompt.builder import PromptTooLong as TurnTooLong
from services.generator.turns.recorded_turn import as_it_was, check_notes, recall_history
from services.generator.turns.replay_comparison import Followed, compared

if TYPE_CHECKING:
    from services.generator.turns.draft_plan import DraftPlan, DraftPlanner
    from services.generator.turns.version_cache import VersionCache

log = structlog.get_logger(__name__)
PRIORITY = -1  # below every turn's


class ReplayStep:
    """The handler of ``drafts.replay``."""

    def __init__(
        self, store: Store, engine: DraftEngine, versions: VersionCache, planner: DraftPlanner, events: EventPublisher
    ) -> None:
        self._store = store
        self._engine = engine
        self._versions = versions
        self._planner = planner
        self._events = events
        self._draining = False
        self._writing: _Writing | None = None

    def handle(self, delivery: Delivery) -> None:
        """Answer one replay with an event of type ``replayed``; given back where the worker is ending."""
        try:
            request = ReplayRequest.decode(delivery.body)
        except UnreadableMessage as error:
            log.warning("unreadable_message", error=str(error))
            delivery.refuse()
            return
        if request.stale:
            delivery.ack()
            return
        with structlog.contextvars.bound_contextvars(tenant=request.tenant, turn=request.turn):
            answer = None if self._draining else self._answer(request)
        if answer is None:
            delivery.requeue()
            return
        self._events.put(request.reply_to, event(request.id, "replayed", request.round, **answer))
        delivery.ack()

    def drain(self) -> None:
        """Begin no more replays; the one in work is given back, for another worker."""
        self._draining = True
        if (writing := self._writing) is not None:
            writing.ended.set()

    def _answer(self, request: ReplayRequest) -> Document | None:
        """The event's payload; None where the worker is ending."""
        try:
            return self._replay(request)
        except AntiphonError as error:
            return {"error": error.status, "reason": error.reason, "message": error.message}
        except DATABASE_AWAY as error:
            log.warning("not_replayed", error=repr(error))
            return {"error": "UNAVAILABLE", "reason": "UNAVAILABLE", "message": "the database does not answer"}
        except Exception:
            log.exception("not_replayed")
            return {"error": "INTERNAL", "reason": "INTERNAL", "message": "the generator failed; its log says more"}

    def _replay(self, request: ReplayRequest) -> Document | None:
        turn = self._store.turns.get(request.tenant, request.turn)
        draft = next((one for one in turn["drafts"] if one["round"] == request.round), None)
        if draft is None:
            raise NotFound(f"turn {request.turn} has no draft of round {request.round}")
        if not draft.get("manifest"):
            raise FailedPrecondition("no model has written this draft to its end", reason="NO_MANIFEST")
        if draft["manifest"].get("composed_by"):
            raise FailedPrecondition("no model wrote this draft: its sentences were composed", reason="COMPOSED")
        followed = Followed(draft["token_ids"], self._engine.codec.end_ids)
        plan = self._plan(turn, draft, followed, request.id)
        finished = self._written(plan)
        if finished is None:
            return None
        found = compared(draft, finished, followed, self._engine.codec, plan.request.settings.stop)
        dropped = draft["manifest"].get("dropped")  # left out beforehand: the prompt was built without them
        return {**found, "text": finished.text, "manifest": {**plan.manifest, "dropped": dropped}}

    def _plan(self, turn: Document, draft: Document, followed: Followed, key: str) -> DraftPlan:
        """The draft's prompt and settings again, as a replay asks the engine for them.

        Raises NotFound, FailedPrecondition (TEXT_ERASED, STATE_CHANGED, CONTEXT_TOO_LONG).
        """
        manifest = draft["manifest"]
        check_notes(self._store, turn["tenant"], manifest)
        earlier = recall_history(self._store, turn, manifest["history_draft_ids"])
        then = as_it_was(turn, draft, self._versions.name(""))
        try:
            self._versions.ensure(turn["tenant"], then["version"])
            plan = self._planner.plan(then, earlier, known=manifest.get("known") or "")
        except UnknownVersion as error:
            raise _version_gone(error) from None
        except TurnTooLong as error:
            raise _too_long(error) from None
        request = replace(plan.request, key=key, session=key, priority=PRIORITY, observers=(followed.another,))
        return replace(plan, request=request)

    def _written(self, plan: DraftPlan) -> FinishedDraft | None:
        """What the engine writes; None where the worker is ending. Raises what `_Writing.finished` raises."""
        writing = self._writing = _Writing()
        writer = self._planner.writer(plan, writing)
        try:
            writer.submit()
            if not self._draining:
                writing.ended.wait(TIMEOUT)
            writer.cancel()
        except (EngineFull, EngineClosed) as error:
            raise Unavailable(f"the generator takes no replay now: {error}") from None
        except PromptTooLong as error:
            raise _too_long(error) from None
        finally:
            self._writing = None
            with suppress(EngineClosed):
                self._engine.forget(plan.request.tenant, plan.request.session)
        finished = writing.finished()
        if finished is None and not self._draining:
            raise Unavailable(f"the replay was not written within {TIMEOUT:g} seconds")
        return finished


class _Writing:
    """The engine's listener of one replay."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self._draft: FinishedDraft | None = None
        self._error: Exception | None = None

    def on_delta(self, text: str, token_ids: list[int]) -> None:
        """The end has all of it."""

    def on_progress(self) -> None:
        """There is no lease to renew."""

    def on_finish(self, draft: FinishedDraft) -> None:
        self._draft = draft if draft.finish_reason != "cancelled" else None
        self.ended.set()

    def on_error(self, error: Exception) -> None:
        self._error = error
        self.ended.set()

    def finished(self) -> FinishedDraft | None:
        """The draft; None where it has not come to its end. Raises NotFound for a version that went meanwhile, and
        the engine's other errors."""
        if isinstance(self._error, UnknownVersion):
            raise _version_gone(self._error)
        if self._error is not None:
            raise self._error
        return self._draft


def _version_gone(error: Exception) -> NotFound:
    return NotFound(f"the draft's version is gone: {error}")


def _too_long(error: Exception) -> FailedPrecondition:
    return FailedPrecondition(f"this generator's context is too short: {error}", reason="CONTEXT_TOO_LONG")
