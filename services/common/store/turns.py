"""Turns from acceptance to the head of their session: accept, promote, cancel, read.

A turn document is its own outbox: whoever wrote it may die right after, the sweep sends it again.
``head: true`` marks the one turn of a session that may run; ``open: true`` one that has not ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta

from pymongo.errors import BulkWriteError, DuplicateKeyError

from services.common.clock import now
from services.common.errors import FailedPrecondition, NotFound, ResourceExhausted, Unavailable
from services.common.ids import new_id
from services.common.store.connection import Concern, Document, Scoped
from services.common.store.requests import Request, entry, unasked, used_elsewhere
from services.common.store.turn_reads import REDISPATCH_FIRST, TurnReads
from services.common.telemetry import trace_context

SCHEMA_VERSION = 1
REDISPATCH_LAST = 300.0
MOST_VIEWERS = 4  # gateways that a turn's events go to


@dataclass(frozen=True)
class TurnLimits:
    """Open turns a tenant may have before accept answers RESOURCE_EXHAUSTED, and the deadline of a turn.

    ``count`` False: the caller has counted lately and is far from the limit.
    """

    open_per_tenant: int = 1_000
    deadline_seconds: float = 600.0
    retry_after: float = 2.0
    count: bool = True


@dataclass(frozen=True)
class NewTurn:
    """What accept stores of a user's message; with ``follows`` only as the turn right after that n."""

    session: str
    text: str
    request: Request
    policy: str = "enqueue"
    reply_to: str = ""
    user: str = ""
    version: str = ""
    schema: str | None = None
    settings: Document = field(default_factory=dict)
    min_watermark: int = 0
    follows: int | None = None
    held: bool = False  # a person holds the session: nobody works on it
    extra: Document = field(default_factory=dict)


@dataclass(frozen=True)
class Exchange:
    """A message and the reply to it, said elsewhere; `calls` are those that the reply is, `results` what the message
    brings of tools."""

    text: str
    reply: str
    calls: Sequence[Document] = ()
    results: Sequence[Document] = ()


@dataclass(frozen=True)
class Accepted:
    """``created`` is false when the same request had been accepted before; ``round`` is then the one that it made,
    None: the turn's latest.

    The caller dispatches the turns of ``dispatch`` and tells the streams of those that were cancelled.
    """

    turn: Document
    created: bool
    position: int = 0
    round: int | None = None
    cancelled: list[Document] = field(default_factory=list)
    dispatch: list[Document] = field(default_factory=list)


class Turns(TurnReads):
    """Operations on the ``turns`` collection that a gateway or a finisher calls."""

    # -- accept ---------------------------------------------------------------------------------

    def accept_turn(
        self, tenant: str, new: NewTurn, limits: TurnLimits, stands: tuple[int, bool] | None = None
    ) -> Accepted:
        """Store a user's message as the session's next turn (write 1; KEPT).

        Promises: once this returned, the turn reaches a terminal state. Reads the highest n, *then*
        whether a turn is open, and inserts n + 1; the unique indexes decide every race. ``stands`` is a
        reading of the two in that order that the caller has just made; it may be out of date.

        Raises: AlreadyExists (request id used with another payload), FailedPrecondition (SESSION_BUSY:
        policy ``reject`` and a turn is open; NOT_LAST_TURN), ResourceExhausted (too many open turns).
        """
        turns = self._of(tenant)
        self.check_open(tenant, new.request, limits)
        while True:
            newest_n, busy = stands if stands is not None else self._stands(turns, new.session)
            stands, n = None, newest_n + 1
            if new.follows is not None and n != new.follows + 1:
                known = self._same_request(turns, new.request)
                if known is not None:
                    return self.accepted_again(tenant, known)
                raise FailedPrecondition("a later turn of the session was accepted", reason="NOT_LAST_TURN")
            busy = busy and not new.held
            if busy and new.policy == "reject":
                known = self._same_request(turns, new.request)
                if known is not None:
                    return self.accepted_again(tenant, known)
                raise FailedPrecondition("the session has an open turn and its policy is reject", reason="SESSION_BUSY")
            turn = self._document(new, n, busy, limits) | self._connection.subscriptions.mark(tenant, True)
            try:
                turns.insert_one(turn)
            except DuplicateKeyError:
                known = self._same_request(turns, new.request)
                if known is not None:
                    return self.accepted_again(tenant, known)
                continue  # another acceptor or finisher was faster: look again
            turn["tenant"] = tenant
            if busy:
                return self._settle(tenant, turn)
            self.settle(tenant, turn)
            return Accepted(turn, created=True, dispatch=[] if new.held else [turn])

    @staticmethod
    def _stands(turns: Scoped, session: str) -> tuple[int, bool]:
        newest = turns.find_one({"session": session}, ("n",), sort=[("n", -1)])
        if newest is None:
            return 0, False
        return newest["n"], turns.count({"session": session, "open": True}, limit=1) > 0

    def check_open(self, tenant: str, request: Request, limits: TurnLimits) -> None:
        """Raises ResourceExhausted at the tenant's limit of open turns, unless the request is known."""
        if not limits.count:
            return
        turns = self._of(tenant)
        if turns.count({"open": True}, limit=limits.open_per_tenant) < limits.open_per_tenant:
            return
        if self._same_request(turns, request) is None and not turns.count({"revision_requests": request.id}, limit=1):
            raise ResourceExhausted(
                f"the tenant has {limits.open_per_tenant} open turns", retry_after=limits.retry_after
            )

    def of_request(self, tenant: str, request: Request) -> Document | None:
        """The turn that a request id has made; None if none. Raises AlreadyExists (another payload)."""
        return self._same_request(self._of(tenant), request)

    @staticmethod
    def _same_request(turns: Scoped, request: Request) -> Document | None:
        known = turns.find_one({"request.method": request.method, "request.id": request.id})
        if known is not None and known["request"]["hash"] != request.hash:
            raise used_elsewhere(request)
        return known

    @staticmethod
    def _document(new: NewTurn, n: int, waiting: bool, limits: TurnLimits) -> Document:
        at = now()
        turn: Document = {
            "_id": new_id("turn"),
            "schema_version": SCHEMA_VERSION,
            "session": new.session,
            "n": n,
            "request": new.request.document(),
            "text": new.text,
            "user": new.user,
            "status": "waiting" if waiting else "active",
            "open": True,
            "round": 0,
            "attempt": 0,
            "dispatches": 0,
            "accepted_at": at,
            "deadline_at": at + timedelta(seconds=limits.deadline_seconds),
            "next_dispatch_at": at + timedelta(seconds=min(REDISPATCH_FIRST, limits.deadline_seconds)),
            "reply_to": new.reply_to,
            "policy": new.policy,
            "version": new.version,
            "schema": new.schema,
            "settings": new.settings,
            "min_watermark": new.min_watermark,
            "drafts": [{"id": new_id("draft"), "round": 0, "status": "active"}],
            **new.extra,
        }
        if trace := trace_context():  # a turn that is sent again stays in its trace
            turn["trace"] = trace
        if new.held:
            turn["status"] = turn["drafts"][0]["status"] = "held"
            del turn["open"], turn["next_dispatch_at"]
        elif not waiting:
            turn["head"] = True
        return turn

    def accepted_again(self, tenant: str, turn: Document) -> Accepted:
        """The turn that a repeated request has made. What follows the insert is done again where it may not have been:
        whoever made it may have died, or the database gone, right behind that write."""
        if turn.get("status") != "waiting":
            self.settle(tenant, turn)
            return Accepted(turn, created=False)
        return replace(self._settle(tenant, turn), created=False)

    def settle(self, tenant: str, turn: Document) -> list[Document]:
        """Do what a turn's acceptance means for those before it (KEPT): the one that it replaces is taken out, and
        under the policies ``interrupt`` and ``rollback`` those that are open are cancelled. Returns the cancelled.

        Done after the insert and before the dispatch, and again by a repeated call and by the sweep, since whoever
        accepted the turn may have died in between; it changes nothing the second time.
        """
        if (turn.get("open") or turn["status"] == "held") and turn["attempt"] == 0 and turn.get("replaces"):
            self._exclude(tenant, turn["replaces"])
        if turn["status"] != "waiting" or turn["policy"] not in ("interrupt", "rollback"):
            return []
        rolled_back = turn["policy"] == "rollback"
        earlier = self._of(tenant).find({"session": turn["session"], "open": True, "n": {"$lt": turn["n"]}}, ("_id",))
        ends = [
            self.cancel_turn(
                tenant, other["_id"], excluded=rolled_back, reason="rolled_back" if rolled_back else "interrupted"
            )
            for other in earlier
        ]
        return [ended for ended in ends if ended is not None]

    def _settle(self, tenant: str, turn: Document) -> Accepted:
        """After a waiting insert: cancel what the policy says, then make sure somebody is the head."""
        cancelled = self.settle(tenant, turn)
        promoted = self.promote(tenant, turn["session"])
        if promoted is not None and promoted["_id"] == turn["_id"]:
            turn = promoted
        elif cancelled or promoted is not None:
            turn = self.get(tenant, turn["_id"])
        return Accepted(
            turn,
            created=True,
            position=self.position(tenant, turn),
            cancelled=cancelled,
            dispatch=[promoted] if promoted is not None else [],
        )

    def seed(self, tenant: str, session: Document, history: Sequence[Exchange]) -> None:
        """Store what was said elsewhere as the session's first turns, completed and accepted (KEPT).

        Repeating it adds what is missing and changes nothing.
        """
        at, rows = now(), []
        for index, exchange in enumerate(history):
            draft: Document = {
                "id": new_id("draft"),
                "round": 0,
                "status": "completed",
                "text": exchange.reply,
                "author": "seeded",
                "finish_reason": "given",
                "completed_at": at,
                **({"tool_calls": list(exchange.calls)} if exchange.calls else {}),
            }
            rows.append(
                {
                    "_id": new_id("turn"),
                    "schema_version": SCHEMA_VERSION,
                    "session": session["_id"],
                    "n": index + 1,
                    "text": exchange.text,
                    **({"tool_results": list(exchange.results)} if exchange.results else {}),
                    "user": session["user"],
                    "status": "completed",
                    "round": 0,
                    "attempt": 0,
                    "accepted_at": at,
                    "ended_at": at,
                    "policy": "enqueue",
                    "drafts": [draft],
                    "accepted_round": 0,
                }
            )
        with suppress(BulkWriteError):  # rows that are there already; whatever else is wrong the count shows
            self._of(tenant).insert_many(rows)
        if self._of(tenant).count({"session": session["_id"], "n": {"$lte": len(rows)}}) != len(rows):
            raise Unavailable("the history was not stored whole; repeat the call")

    def _exclude(self, tenant: str, turn: str) -> None:
        """Take a turn out of history and state (KEPT)."""
        self._of(tenant).update_one({"_id": turn, "excluded": {"$ne": True}}, {"$set": {"excluded": True}})

    # -- order ----------------------------------------------------------------------------------

    def promote(self, tenant: str, session: str) -> Document | None:
        """Make the session's lowest open turn its head (KEPT); the caller dispatches what is returned.

        Called after every waiting insert, after every finish and by the sweep. A duplicate key means
        that someone else did it, or that a head is still open: nothing is lost, None is returned. The turn's
        deadline stays the one that its caller was told when it was accepted.
        """
        turns = self._of(tenant)
        fields = ("status", "deadline_at", "replaces")
        lowest = turns.find_one({"session": session, "open": True}, fields, sort=[("n", 1)])
        if lowest is None or lowest["status"] != "waiting":
            return None
        if lowest.get("replaces"):
            self._exclude(tenant, lowest["replaces"])
        try:
            return turns.find_one_and_update(
                {"_id": lowest["_id"], "status": "waiting"},
                {
                    "$set": {
                        "status": "active",
                        "head": True,
                        "next_dispatch_at": min(now() + timedelta(seconds=REDISPATCH_FIRST), lowest["deadline_at"]),
                        "dispatches": 0,
                    }
                },
            )
        except DuplicateKeyError:
            return None

    def cancel_turn(
        self,
        tenant: str,
        turn: str,
        *,
        excluded: bool = False,
        reason: str = "requested",
        request: Request | None = None,
    ) -> Document | None:
        """Write the end of an open turn (KEPT); this one write decides the race with its finish.

        ``reason``: requested, interrupted, rolled_back, session_ended or taken_over. Returns the turn as
        cancelled by this call, or None when it had ended before, or ``request`` was here before. The holder stays, so
        that its engine can still add the rest of the partial text (``keep_partial``). Raises AlreadyExists.
        """
        update: Document = {
            "$set": {
                "status": "cancelled",
                "cancel_reason": reason,
                "drafts.$[running].status": "cancelled",
            },
            "$unset": {"open": "", "head": "", "lease_until": "", "next_dispatch_at": ""},
            "$currentDate": {"ended_at": True},
            **entry(request, outcome="now"),
        }
        if excluded:
            update["$set"]["excluded"] = True
        query = {"_id": turn, "$or": [{"open": True}, {"status": "held"}], **unasked(request)}
        try:
            return self._of(tenant).find_one_and_update(
                query, update, array_filters=[{"running.status": {"$in": ["active", "held"]}}]
            )
        except DuplicateKeyError as error:
            raise _reused(request, error) from error

    def refused_cancel(self, tenant: str, turn: Document, request: Request) -> bool:
        """Write down that a cancel came after the turn's end (KEPT). False: the turn is open again meanwhile, or the
        request was here before. Raises AlreadyExists."""
        if not request.given:
            return True
        query = {"_id": turn["_id"], "open": {"$ne": True}, "status": turn["status"], **unasked(request)}
        try:
            return self._of(tenant).update_one(query, entry(request, outcome=turn["status"])).matched_count == 1
        except DuplicateKeyError as error:
            raise _reused(request, error) from error

    # -- other writes ---------------------------------------------------------------------------

    def set_reply_to(self, tenant: str, turn_id: str, reply_to: str) -> Document:
        """Send the turn's further events to this gateway, too (QUICK), and return the turn. Raises NotFound.

        Those that follow it already go on doing so; the MOST_VIEWERS who came last count.
        """
        before = {"$ifNull": ["$viewers", {"$cond": [{"$gt": ["$reply_to", ""]}, ["$reply_to"], []]}]}
        others = {"$filter": {"input": before, "cond": {"$ne": ["$$this", reply_to]}}}
        viewers = {"$slice": [{"$concatArrays": [others, [reply_to]]}, -MOST_VIEWERS]}
        turn = self._of(tenant, Concern.QUICK).find_one_and_update(
            {"_id": turn_id}, [{"$set": {"reply_to": reply_to, "viewers": viewers}}]
        )
        if turn is None:
            raise NotFound(f"no turn {turn_id}")
        return turn

    def delete_session(self, tenant: str, session: str) -> int:
        """Delete every turn of a session (KEPT); returns how many."""
        return self._of(tenant).delete_many({"session": session}).deleted_count


def _reused(request: Request | None, error: DuplicateKeyError) -> Exception:
    return used_elsewhere(request) if request is not None else error
