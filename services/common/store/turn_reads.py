"""Reading turns: one, a page, a history, what is open, what has ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.common.clock import now
from services.common.errors import NotFound
from services.common.store.connection import Concern, Connection, Document, Scoped

HISTORY_FIELDS = (
    "n", "text", "status", "policy", "accepted_round", "attempt", "drafts.id", "drafts.round", "drafts.status",
    "drafts.text", "drafts.finish_reason", "drafts.token_ids", "drafts.author",
    "drafts.manifest.tokenizer_hash", "drafts.tool_calls", "partial",
)  # fmt: skip


_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
REDISPATCH_FIRST = 5.0
"""Seconds after which a turn that nobody has taken is sent for the second time."""


@dataclass(frozen=True)
class OpenTurns:
    """Open turns by tenant; `waits`: how long the first of those that were sent once waits to be taken, in seconds."""

    by_tenant: Mapping[str, int]
    waits: float


class TurnReads:
    """Reads of the ``turns`` collection; ``Turns`` adds the writes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _of(self, tenant: str, concern: Concern = Concern.KEPT) -> Scoped:
        return self._connection.scoped("turns", tenant, concern)

    def get(self, tenant: str, turn_id: str) -> Document:
        """The whole turn. Raises NotFound."""
        turn = self._of(tenant).find_one({"_id": turn_id})
        if turn is None:
            raise NotFound(f"no turn {turn_id}")
        return turn

    def session_of(self, tenant: str, turn_id: str) -> str:
        """The id of the turn's session. Raises NotFound."""
        turn = self._of(tenant).find_one({"_id": turn_id}, ("session",))
        if turn is None:
            raise NotFound(f"no turn {turn_id}")
        return str(turn["session"])

    def read(self, tenant: str, ids: list[str]) -> list[Document]:
        """These turns, in no order; what is gone is left out."""
        return list(self._of(tenant).find({"_id": {"$in": ids}})) if ids else []

    def numbered(self, tenant: str, session: str, n: int) -> Document | None:
        """The session's turn ``n``; None if there is none."""
        return self._of(tenant).find_one({"session": session, "n": n})

    def page(
        self, tenant: str, session: str, *, after_n: int = 0, limit: int = 50, newest_first: bool = False
    ) -> list[Document]:
        """Turns of a session by n; ``after_n`` is where the page before ended (0: from the start)."""
        bound: Document = {}
        if after_n:
            bound = {"n": {"$lt" if newest_first else "$gt": after_n}}
        cursor = self._of(tenant).find({"session": session, **bound})
        return list(cursor.sort("n", -1 if newest_first else 1).limit(limit))

    def open_and_stuck(self, limit: int = 100_000) -> tuple[int, int]:
        """Open turns of all tenants, and those of them that were sent again three times and still wait for a worker."""
        turns = self._connection.every_tenant("turns", Concern.QUICK)
        stuck = {"open": True, "status": "active", "dispatches": {"$gte": 3}}
        return turns.count_documents({"open": True}, limit=limit), turns.count_documents(stuck, limit=limit)

    def history(
        self, tenant: str, session: str, before_n: int, limit: int = 200, extra: tuple[str, ...] = ()
    ) -> list[Document]:
        """The turns that may enter the context of turn ``before_n``, oldest first, with HISTORY_FIELDS and ``extra``
        only."""
        cursor = self._of(tenant).find(
            {
                "session": session,
                "n": {"$lt": before_n},
                "status": {"$in": ["completed", "cancelled", "failed"]},
                "excluded": {"$ne": True},
            },
            (*HISTORY_FIELDS, *extra),
        )
        return list(cursor.sort("n", -1).limit(limit))[::-1]

    def ends(self, tenant: str, ids: list[str]) -> list[Document]:
        """Of these turns what says how they ended, without their texts."""
        fields = ("status", "policy", "accepted_round", "attempt", "excluded", "drafts.round", "drafts.status")
        return list(self._of(tenant).find({"_id": {"$in": ids}}, (*fields, "drafts.finish_reason")))

    def holding(self, tenant: str, session: str, drafts: list[str]) -> list[Document]:
        """The session's turns that hold one of these drafts, oldest first, with HISTORY_FIELDS only."""
        if not drafts:
            return []
        cursor = self._of(tenant).find({"session": session, "drafts.id": {"$in": drafts}}, HISTORY_FIELDS)
        return list(cursor.sort("n", 1))

    def previous_with_state(self, tenant: str, session: str, before_n: int) -> Document | None:
        """The latest turn before ``before_n`` that counts, with its state and its drafts' texts and quotations."""
        return self._of(tenant).find_one(
            {
                "session": session,
                "n": {"$lt": before_n},
                "status": {"$in": ["completed", "cancelled", "failed"]},
                "excluded": {"$ne": True},
            },
            (*HISTORY_FIELDS, "drafts.manifest.composed_by", "drafts.citations", "state"),
            sort=[("n", -1)],
        )

    def latest_state(self, tenant: str, session: str, *, up_to: int = 2**31) -> Document | None:
        """The latest turn up to ``up_to`` that has a state and counts; None if there is none."""
        return self._of(tenant).find_one(
            {
                "session": session,
                "n": {"$lte": up_to},
                "state": {"$ne": None},
                "excluded": {"$ne": True},
            },
            ("n", "state"),
            sort=[("n", -1)],
        )

    def last_of(self, tenant: str, sessions: list[str], *, whole: bool = False) -> dict[str, Document]:
        """Of each session the last turn's ``n``, ``accepted_at`` and ``ended_at``, or all of it; none for an empty
        session."""
        fields = None if whole else ("n", "accepted_at", "ended_at")
        found: dict[str, Document] = {}
        for session in sessions:
            last = self._of(tenant).find_one({"session": session}, fields, sort=[("n", -1)])
            if last is not None:
                found[session] = last
        return found

    def open_of(self, tenant: str, session: str) -> list[str]:
        """Ids of a session's turns that have not ended, the last first."""
        unended = [{"open": True}, {"status": "held"}]
        cursor = self._of(tenant).find({"session": session, "$or": unended}, ("_id",))
        return [turn["_id"] for turn in cursor.sort("n", -1)]

    def cancelled_by_end(self, tenant: str, session: str) -> int:
        """How many turns the end of their session has cancelled."""
        return self._of(tenant).count({"session": session, "cancel_reason": "session_ended"})

    def position(self, tenant: str, turn: Document) -> int:
        """How many open turns of the session stand before this one."""
        if turn["status"] != "waiting":
            return 0
        return self._of(tenant).count({"session": turn["session"], "open": True, "n": {"$lt": turn["n"]}})

    def open_now(self) -> OpenTurns:
        """How many turns each tenant has open, and how long turns wait to be taken."""
        every = self._connection.every_tenant("turns")
        groups = every.aggregate(
            [{"$match": {"open": True}}, {"$group": {"_id": "$tenant", "turns": {"$sum": 1}}}], hint="open_turns"
        )
        by_tenant = {group["_id"]: group["turns"] for group in groups}
        untaken = {"open": True, "status": "active", "attempt": 0, "next_dispatch_at": {"$gt": _LONG_AGO}}
        fields = ("accepted_at", "next_dispatch_at")
        first = every.find_one(untaken, fields, sort=[("next_dispatch_at", 1)], hint="due") if by_tenant else None
        if first is None:
            return OpenTurns(by_tenant, 0.0)
        sent = max(first["accepted_at"], first["next_dispatch_at"] - timedelta(seconds=REDISPATCH_FIRST))
        return OpenTurns(by_tenant, max(0.0, (now() - sent).total_seconds()))

    def ended_among(self, turns: list[tuple[str, str]]) -> Iterator[Document]:
        """Of ``(tenant, turn)`` pairs those that have ended, in one query for all silent streams."""
        by_tenant: dict[str, list[str]] = {}
        for tenant, turn in turns:
            by_tenant.setdefault(tenant, []).append(turn)
        for tenant, ids in by_tenant.items():
            yield from self._of(tenant).find({"_id": {"$in": ids}, "open": {"$ne": True}})
