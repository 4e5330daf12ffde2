"""Further rounds of a turn: revised, tried again, accepted, or answered by a person.

A revision reopens the session's last turn only; once a draft is accepted no round is added.
"""

from __future__ import annotations

from datetime import timedelta

from pymongo.errors import DuplicateKeyError

from services.common.clock import now
from services.common.errors import Aborted, AlreadyExists, FailedPrecondition
from services.common.ids import new_id
from services.common.store.connection import Concern, Connection, Document, Scoped
from services.common.store.requests import Request, entry, first_answer, unasked, used_elsewhere
from services.common.store.turn_reads import REDISPATCH_FIRST
from services.common.store.turns import Accepted, Turns

_REOPENED = (
    "status", "round", "drafts", "attempt", "dispatches", "reply_to", "deadline_at", "settings", "min_watermark",
    "holder", "lease_until", "renewed_at", "partial", "ended_at", "viewers",
)  # fmt: skip
"""What a reopening changes of an ended turn."""


class Rounds:
    """Operations on the ``turns`` collection that add a draft or choose one."""

    def __init__(self, connection: Connection, turns: Turns) -> None:
        self._connection = connection
        self._turns = turns

    def _of(self, tenant: str) -> Scoped:
        return self._connection.scoped("turns", tenant, Concern.KEPT)

    def reopen_for_revision(
        self,
        tenant: str,
        turn_id: str,
        *,
        request: Request,
        expected_round: int | None,
        feedback: Document | None,
        reply_to: str,
        max_rounds: int,
        settings: Document | None = None,
        min_watermark: int = 0,
        deadline_seconds: float = 600.0,
        retry: bool = False,
    ) -> Accepted:
        """Give the session's last turn a new round (KEPT): ``{ended, round r, last} → active, head, r + 1``.

        ``retry`` reopens a failed turn (RetryTurn); otherwise some draft must have completed and none
        been accepted. The attempt count starts anew; ``settings`` are laid over those of the round before.

        Raises: NotFound, AlreadyExists, Aborted (``expected_round`` is not the current one),
        FailedPrecondition (open, accepted, not the last turn, or at the round limit).
        """
        turns = self._of(tenant)
        turn = self._turns.get(tenant, turn_id)
        known = self._known_round(turn, request)
        if known is not None:
            return Accepted(turn, created=False, round=known)
        self._check_reopen(turns, turn, expected_round, max_rounds, retry)
        at, following = now(), turn["round"] + 1
        draft = {
            "id": new_id("draft"),
            "round": following,
            "status": "active",
            "request": request.document(),
            "feedback": feedback,
        }
        changes: Document = {
            "status": "active",
            "head": True,
            "open": True,
            "round": following,
            "attempt": 0,
            "dispatches": 0,
            "reply_to": reply_to,
            "next_dispatch_at": at + timedelta(seconds=min(REDISPATCH_FIRST, deadline_seconds)),
            "deadline_at": at + timedelta(seconds=deadline_seconds),
        }
        changes |= self._connection.subscriptions.mark(tenant, True)
        if "outbox" in changes and not turn.get("outbox"):
            changes["announced_round"] = turn["round"]  # webhooks hear of what comes now
        if settings:
            changes["settings"] = {**(turn.get("settings") or {}), **settings}
        if min_watermark:
            changes["min_watermark"] = min_watermark
        try:
            reopened = turns.find_one_and_update(
                {"_id": turn_id, "status": turn["status"], "round": turn["round"], "accepted_round": None},
                {
                    "$set": changes,
                    "$push": {"drafts": draft, "revision_requests": request.id},
                    "$unset": {
                        "holder": "",
                        "lease_until": "",
                        "renewed_at": "",
                        "partial": "",
                        "ended_at": "",
                        "viewers": "",
                    },
                },
            )
        except DuplicateKeyError as error:
            if turns.count({"revision_requests": request.id}, limit=1):
                raise AlreadyExists(f"request_id {request.id} was used for another turn") from error
            raise FailedPrecondition("a later turn of the session was accepted", reason="NOT_LAST_TURN") from error
        if reopened is None:
            raise Aborted("the turn changed meanwhile", reason="ROUND_MISMATCH")
        later = {"session": turn["session"], "n": {"$gt": turn["n"]}, "status": {"$ne": "waiting"}}
        if turns.count(later, limit=1):
            self._undo_reopen(turns, reopened, turn)
            self._turns.promote(tenant, turn["session"])
            raise FailedPrecondition("a later turn of the session was accepted", reason="NOT_LAST_TURN")
        return Accepted(reopened, created=True, dispatch=[reopened])

    @staticmethod
    def _check_reopen(turns: Scoped, turn: Document, expected_round: int | None, max_rounds: int, retry: bool) -> None:
        if expected_round is not None and expected_round != turn["round"]:
            raise Aborted(
                f"expected_round {expected_round}: the turn is at round {turn['round']}",
                reason="ROUND_MISMATCH",
            )
        if turn.get("open") or turn["status"] == "held":
            raise FailedPrecondition("the turn is still open", reason="TURN_OPEN")
        if turn.get("accepted_round") is not None:
            raise FailedPrecondition("a draft of the turn was accepted", reason="TURN_ACCEPTED")
        if turn.get("excluded"):
            raise FailedPrecondition("the turn was rolled back", reason="TURN_EXCLUDED")
        if retry and turn["status"] != "failed":
            raise FailedPrecondition("only a failed turn is retried", reason="TURN_NOT_FAILED")
        if not retry and not any(draft["status"] == "completed" for draft in turn["drafts"]):
            raise FailedPrecondition("the turn has no completed draft to revise", reason="NO_DRAFT")
        if turn["round"] + 1 >= max_rounds:
            raise FailedPrecondition(f"the turn had its {max_rounds} rounds", reason="ROUND_LIMIT")
        if Rounds._has_later(turns, turn):
            raise FailedPrecondition("only the last turn of a session is revised", reason="NOT_LAST_TURN")

    @staticmethod
    def _undo_reopen(turns: Scoped, reopened: Document, before: Document) -> None:
        """Take a reopening back that lost the race with a later turn; no worker has taken it as head."""
        turns.update_one(
            {"_id": reopened["_id"], "status": "active", "round": reopened["round"], "attempt": 0},
            {
                "$set": {name: before[name] for name in _REOPENED if name in before},
                "$unset": {name: "" for name in (*_REOPENED, "head", "open", "next_dispatch_at") if name not in before},
                "$pullAll": {"revision_requests": [reopened["drafts"][-1]["request"]["id"]]},
            },
        )

    def accept_draft(
        self, tenant: str, turn_id: str, round_number: int | None, request: Request | None = None
    ) -> Document:
        """Mark one completed draft as the reply that counts (KEPT), once per request; None: the latest completed.

        Raises: NotFound, AlreadyExists, FailedPrecondition (NO_DRAFT: open, or no such completed draft; TURN_ACCEPTED:
        another was accepted; NOT_LAST_TURN).
        """
        turns = self._of(tenant)
        turn = self._turns.get(tenant, turn_id)
        if request is not None and first_answer(turn, request):
            return turn
        completed = [draft["round"] for draft in turn["drafts"] if draft["status"] == "completed"]
        chosen = round_number if round_number is not None else max(completed, default=-1)
        again = turn.get("accepted_round") == chosen and chosen >= 0
        if again and (request is None or not request.given):
            return turn
        if not again and turn.get("accepted_round") is not None:
            raise FailedPrecondition("another draft of the turn was accepted", reason="TURN_ACCEPTED")
        if not again and self._has_later(turns, turn):
            raise FailedPrecondition("a later turn of the session was accepted", reason="NOT_LAST_TURN")
        accepting = {"$set": {"accepted_round": chosen}, "$currentDate": {"draft_accepted_at": True}}
        try:
            accepted = turns.find_one_and_update(
                {
                    "_id": turn_id,
                    "open": {"$ne": True},
                    "status": {"$ne": "held"},
                    "drafts": {"$elemMatch": {"round": chosen, "status": "completed"}},
                    "accepted_round": {"$in": [None, chosen]},
                    **unasked(request),
                },
                {**({} if again else accepting), **entry(request)},
            )
        except DuplicateKeyError as error:
            raise used_elsewhere(request) if request is not None else error from error
        if accepted is None and request is not None:
            turn = self._turns.get(tenant, turn_id)
            accepted = turn if first_answer(turn, request) else None
        if accepted is None:
            raise FailedPrecondition("the turn has no such completed draft", reason="NO_DRAFT")
        return accepted

    def post_reply(self, tenant: str, turn_id: str, request: Request, text: str, author: str) -> Document:
        """End the session's last turn with a person's reply, a new round that is accepted at once (KEPT).

        An open turn must have been cancelled before. Raises NotFound, AlreadyExists, FailedPrecondition
        (TURN_ACCEPTED, NOT_LAST_TURN, TURN_OPEN).
        """
        turns = self._of(tenant)
        turn = self._turns.get(tenant, turn_id)
        if self._known_round(turn, request) is not None:
            return turn
        self.check_reply(tenant, turn)
        following = turn["round"] + 1
        draft = {
            "id": new_id("draft"),
            "round": following,
            "status": "completed",
            "text": text,
            "author": "human",
            "author_name": author,
            "finish_reason": "given",
            "completed_at": now(),
            "request": request.document(),
        }
        try:
            replied = turns.find_one_and_update(
                {"_id": turn_id, "open": {"$ne": True}, "round": turn["round"], "accepted_round": None},
                {
                    "$set": {
                        "status": "completed",
                        "round": following,
                        "attempt": 0,
                        "accepted_round": following,
                        **self._connection.subscriptions.mark(tenant, True),
                    },
                    "$push": {"drafts": draft, "revision_requests": request.id},
                    "$unset": {"failure": "", "cancel_reason": "", "partial": "", "shadow": ""},
                    "$currentDate": {"ended_at": True},
                },
            )
        except DuplicateKeyError as error:
            raise AlreadyExists(f"request_id {request.id} was used for another turn") from error
        if replied is None:
            raise FailedPrecondition("the turn is open again", reason="TURN_OPEN")
        return replied

    def check_reply(self, tenant: str, turn: Document) -> None:
        """Raises FailedPrecondition where a person may not reply to the turn any more."""
        if turn.get("accepted_round") is not None:
            raise FailedPrecondition("a draft of the turn was accepted", reason="TURN_ACCEPTED")
        if turn["status"] != "held" and self._has_later(self._of(tenant), turn):
            raise FailedPrecondition("a later turn of the session was accepted", reason="NOT_LAST_TURN")

    @staticmethod
    def _has_later(turns: Scoped, turn: Document) -> bool:
        return turns.count({"session": turn["session"], "n": {"$gt": turn["n"]}}, limit=1) > 0

    @staticmethod
    def _known_round(turn: Document, request: Request) -> int | None:
        """The round of this turn that the request has made; None if none. Raises AlreadyExists (another payload)."""
        for draft in turn["drafts"]:
            known = draft.get("request")
            if known and known["id"] == request.id:
                if known["hash"] != request.hash or known["method"] != request.method:
                    raise used_elsewhere(request)
                return int(draft["round"])
        return None
