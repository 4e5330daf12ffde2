"""Who answers in a session: the bot, a person, or a person with the bot's draft as a suggestion (shadow).

The mode is written first, then the session's open turns are *held*: a held turn has not ended, but nobody works on it
and no worker can finish it (its round is another one by then). Whatever was taken by a worker before the mode was
written is found open and is held; whoever takes a turn afterwards reads the mode and lets go of it. So once a takeover
has been answered no draft of the bot ends as a reply, whoever freezes, dies or sends twice in between.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from pymongo.errors import DuplicateKeyError

from services.common.clock import now
from services.common.errors import Aborted, FailedPrecondition
from services.common.ids import new_id
from services.common.store.connection import Concern, Connection, Document, Scoped
from services.common.store.requests import Request, entry, first_answer, unasked, used_elsewhere
from services.common.store.sessions import Sessions
from services.common.store.turn_reads import REDISPATCH_FIRST
from services.common.store.turns import Turns

Mode = Literal["bot", "human", "shadow"]
UNSETTLED_SECONDS = 5.0
"""Seconds after which somebody else settles what a change of mode left undone."""


@dataclass(frozen=True)
class Settled:
    """What a settling has done: turns that are held now, and turns to dispatch."""

    held: list[Document] = field(default_factory=list)
    dispatch: list[Document] = field(default_factory=list)


def mode_of(session: Document) -> str:
    """The session's mode; sessions of before have none and are the bot's."""
    return session.get("mode") or "bot"


class Takeovers:
    """Operations that change a session's mode and bring its turns in accord with it."""

    def __init__(self, connection: Connection, sessions: Sessions, turns: Turns) -> None:
        self._connection = connection
        self._sessions = sessions
        self._turns = turns

    def _of(self, tenant: str) -> Scoped:
        return self._connection.scoped("turns", tenant, Concern.KEPT)

    def _session(self, tenant: str) -> Scoped:
        return self._connection.scoped("sessions", tenant, Concern.KEPT)

    def change(
        self,
        tenant: str,
        session_id: str,
        request: Request,
        mode: Mode,
        *,
        expected_revision: int | None = None,
        holder: str = "",
    ) -> Document:
        """Write a session's mode (KEPT) by compare-and-set, once per request; the caller settles it afterwards.

        Raises: NotFound, AlreadyExists, Aborted (MODE_MISMATCH: ``expected_revision`` is not the current one),
        FailedPrecondition (SESSION_ENDED).
        """
        while True:
            session = self._sessions.get(tenant, session_id)
            if first_answer(session, request) is not None:
                return session
            if session["status"] != "open":
                raise FailedPrecondition("the session has ended", reason="SESSION_ENDED")
            current = session.get("mode_revision")
            if expected_revision is not None and expected_revision != (current or 0):
                who = session.get("held_by") or "the bot"
                raise Aborted(
                    f"expected_mode_revision {expected_revision}: the mode is at revision {current or 0}, "
                    f"{mode_of(session)}, by {who}",
                    reason="MODE_MISMATCH",
                )
            fields = {
                "mode": mode,
                "mode_revision": (current or 0) + 1,
                "held_by": holder if mode != "bot" else "",
                "unsettled_at": now(),
            }
            if mode != "bot" and mode_of(session) == "bot":
                fields["taken_over_at"] = now()
            unset = {"handoff": ""} if mode == "bot" else {}
            query = {"_id": session_id, "status": "open", "mode_revision": current, **unasked(request)}
            update = {"$set": fields, **({"$unset": unset} if unset else {}), **entry(request)}
            try:
                changed = self._session(tenant).find_one_and_update(query, update)
            except DuplicateKeyError as error:
                raise used_elsewhere(request) from error
            if changed is not None:
                return changed

    def ask(self, tenant: str, session_id: str, request: Request, note: str) -> Document:
        """Write down that a person is asked for (KEPT), once per request; every agent may see the session from now on
        unless it was handed to one. Raises NotFound, AlreadyExists, FailedPrecondition (SESSION_ENDED)."""
        session = self._sessions.get_open(tenant, session_id)
        if first_answer(session, request) is not None:
            return session
        fields: Document = {"handoff": {"note": note, "at": now()}}
        marks = self._connection.subscriptions.mark(tenant, True)
        if not session.get("agent"):
            labels = [one for one in session.get("labels") or () if one["key"] != "agent"]
            fields |= {"agent": "*", "labels": [*labels, {"key": "agent", "value": "*"}]}
        try:
            asked = self._session(tenant).find_one_and_update(
                {"_id": session_id, "status": "open", **unasked(request)},
                {"$set": fields, **({"$currentDate": marks} if marks else {}), **entry(request)},
            )
        except DuplicateKeyError as error:
            raise used_elsewhere(request) from error
        return asked if asked is not None else self._sessions.get_open(tenant, session_id)

    def allows(self, tenant: str, turn: Document) -> bool:
        """Whether the bot may go on with a turn that was taken just now: asked after the take, so that a change of
        mode either is seen here or finds the turn open."""
        session = self._session(tenant).find_one({"_id": turn["session"]}, ("mode",))
        mode = mode_of(session or {})
        return (mode == "bot" and not turn.get("shadow")) or (mode == "shadow" and bool(turn.get("shadow")))

    # -- bringing turns in accord with the mode -----------------------------------------------------

    def settle(self, tenant: str, session_id: str) -> Settled:
        """Bring a session's turns in accord with its mode (KEPT): under a person all open ones are held, under `shadow`
        the last one is given a draft for the agent, and back at the bot what still waits is answered in its order.

        Changes nothing the second time. The caller stops the engines of ``held`` and dispatches ``dispatch``.
        """
        session = self._sessions.get(tenant, session_id)
        mode, revision = mode_of(session), session.get("mode_revision")
        last = self._turns.last_of(tenant, [session_id]).get(session_id)
        held, dispatch = list[Document](), list[Document]()
        for turn in self._unanswered(tenant, session_id):
            suits = turn.get("shadow") and mode == "shadow" and last is not None and turn["n"] == last["n"]
            if turn.get("open") and not suits and (mode != "bot" or turn.get("shadow")):
                stopped = self.hold(tenant, turn["_id"])
                if stopped is not None:
                    held.append(stopped)
        if session["status"] == "open":
            for turn in self._unanswered(tenant, session_id):
                if turn["status"] == "held" and mode == "bot":
                    self._release(tenant, turn, {"status": "waiting"})
                elif mode == "shadow" and self._wants_suggestion(turn, last):
                    started = self._release(tenant, turn, {"status": "active", "head": True}, shadow=True)
                    dispatch += [started] if started is not None else []
        promoted = self._turns.promote(tenant, session_id) if mode == "bot" else None
        dispatch += [promoted] if promoted is not None else []
        self._session(tenant).update_one(
            {"_id": session_id, "mode_revision": revision}, {"$unset": {"unsettled_at": ""}}
        )
        return Settled(held, dispatch)

    def answered_together(self, tenant: str, replied: Document) -> list[Document]:
        """End the held turns before one that a person has answered (KEPT): one reply for all that was asked."""
        earlier = {"session": replied["session"], "n": {"$lt": replied["n"]}, "status": "held"}
        ids = [turn["_id"] for turn in self._of(tenant).find(earlier, ("_id",)).sort("n", 1)]
        ends = [self._turns.cancel_turn(tenant, turn, reason="taken_over") for turn in ids]
        return [ended for ended in ends if ended is not None]

    @staticmethod
    def _wants_suggestion(turn: Document, last: Document | None) -> bool:
        is_last = last is not None and turn["n"] == last["n"]
        return is_last and turn["status"] == "held" and turn["drafts"][-1]["status"] != "shadow"

    def _unanswered(self, tenant: str, session: str) -> list[Document]:
        query = {"session": session, "$or": [{"open": True}, {"status": "held"}]}
        return list(self._of(tenant).find(query).sort("n", 1))

    def hold(self, tenant: str, turn_id: str) -> Document | None:
        """Take an open turn out of every worker's hands (KEPT); None where it has ended. It goes on in a new round, so
        that what a worker still says of the one before is of the past everywhere."""
        turns = self._of(tenant)
        while True:
            turn = turns.find_one({"_id": turn_id, "open": True})
            if turn is None:
                return None
            following = turn["round"] + 1
            placeholder = {"id": new_id("draft"), "round": following, "status": "held"}
            held = turns.find_one_and_update(
                {"_id": turn_id, "open": True, "round": turn["round"], "drafts": turn["drafts"]},
                {
                    "$set": {
                        "status": "held",
                        "round": following,
                        "attempt": 0,
                        "drafts": [*_stopped(turn), placeholder],
                    },
                    "$unset": dict.fromkeys(
                        (
                            "open",
                            "head",
                            "holder",
                            "lease_until",
                            "renewed_at",
                            "next_dispatch_at",
                            "partial",
                            "shadow",
                        ),
                        "",
                    ),
                },
            )
            if held is not None:
                return held

    def _release(self, tenant: str, turn: Document, changes: Document, *, shadow: bool = False) -> Document | None:
        """Give a held turn to the bot (KEPT), in a round of its own; None where somebody else was faster."""
        deadline = now() + (turn["deadline_at"] - turn["accepted_at"])
        following = turn["round"] + 1
        draft = {"id": new_id("draft"), "round": following, "status": "active"}
        fields = {
            "open": True, "round": following, "attempt": 0, "dispatches": 0, "deadline_at": deadline,
            "next_dispatch_at": min(now() + timedelta(seconds=REDISPATCH_FIRST), deadline),
            **({"shadow": True} if shadow else {}), **changes,
        }  # fmt: skip
        try:
            return self._of(tenant).find_one_and_update(
                {"_id": turn["_id"], "status": "held", "round": turn["round"]},
                {"$set": fields, "$push": {"drafts": draft}, **({} if shadow else {"$unset": {"shadow": ""}})},
            )
        except DuplicateKeyError:
            return None

    def unsettled(self, limit: int = 100) -> list[tuple[str, str]]:
        """``(tenant, session)`` of changes of mode that whoever made them did not bring to an end."""
        since = now() - timedelta(seconds=UNSETTLED_SECONDS)
        every = self._connection.every_tenant("sessions")
        found = every.find({"unsettled_at": {"$lte": since}}, ("tenant", "_id")).limit(limit)
        return [(session["tenant"], session["_id"]) for session in found]


def _stopped(turn: Document) -> list[Document]:
    """The drafts, the one that was in work cancelled, with the text that its last renewal told."""
    *before, stopped = turn["drafts"]
    stopped = {**stopped, "status": "cancelled", "finish_reason": "cancelled"}
    if turn.get("partial") and not turn.get("shadow"):
        stopped["text"] = turn["partial"]
    return [*before, stopped]
