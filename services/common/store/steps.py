"""A turn in a worker's hands: take, renew, finish. The holder fences every write (Kleppmann's fencing token).

All times are the server's (``$$NOW``), so that the clocks of workers decide nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.common.ids import new_id
from services.common.store.connection import Concern, Connection, Document, Scoped


@dataclass(frozen=True)
class Lease:
    """Seconds a take holds, seconds of silence after which a redelivery may take over, and the attempt limit."""

    seconds: float = 10.0
    silent: float = 4.0
    max_attempts: int = 5


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


class Steps:
    """What a generator does to the turn it works on."""

    def __init__(self, connection: Connection, lease: Lease) -> None:
        self._connection = connection
        self._lease = lease

    def _of(self, tenant: str, concern: Concern) -> Scoped:
        return self._connection.scoped("turns", tenant, concern)

    def take_step(
        self,
        tenant: str,
        turn: str,
        round_number: int,
        *,
        holder: str = "",
        redelivered: bool = False,
        state: Document | None = None,
        grounding: Document | None = None,
        understood: Document | None = None,
    ) -> Document | None:
        """Begin an attempt (write 2; QUICK): attempt + 1, a fresh holder, a lease, the steps' results.

        Succeeds on an active turn of this round below the attempt limit and before its deadline whose
        lease is over, or, for a redelivered message, whose holder has been silent long enough.
        Returns the turn as taken, else None: someone holds it, or it has ended. Snapshots that are None
        leave what an earlier attempt stored. QUICK suffices: if the write is lost, the sweep sends again.
        """
        lease_over: Document = {"$lte": [{"$ifNull": ["$lease_until", None]}, "$$NOW"]}
        if redelivered:
            silent = {"$subtract": ["$$NOW", _milliseconds(self._lease.silent)]}
            lease_over = {"$or": [lease_over, {"$lte": ["$renewed_at", silent]}]}
        end = {"$add": ["$$NOW", _milliseconds(self._lease.seconds)]}
        fields: Document = {
            "attempt": {"$add": ["$attempt", 1]},
            "holder": {"$literal": holder or new_id("holder")},
            "lease_until": end,
            "renewed_at": "$$NOW",
            "next_dispatch_at": {"$min": [end, "$deadline_at"]},
            "dispatches": 0,
            "partial": None,
        }
        # $literal: a value that starts with "$" must stay a user's text and not become a field path
        for name, value in (("state", state), ("grounding", grounding)):
            if value is not None:
                fields[name] = {"$literal": value}
        if state is not None and round_number > 0:
            # what the rounds before read: their drafts are replayed from it
            kept, changed = f"states_before.{round_number}", {"$ne": ["$state", {"$literal": state}]}
            fields[kept] = {"$ifNull": [f"${kept}", {"$cond": [changed, "$state", "$$REMOVE"]}]}
        if understood is not None:
            fields[f"understood.{round_number}"] = {"$literal": understood}
        return self._of(tenant, Concern.QUICK).find_one_and_update(
            {
                "_id": turn,
                "status": "active",
                "round": round_number,
                "attempt": {"$lt": self._lease.max_attempts},
                "$expr": {"$and": [{"$gt": ["$deadline_at", "$$NOW"]}, lease_over]},
            },
            [{"$set": fields}],
        )

    def count_delivery(self, tenant: str, turn: str, step: str) -> int:
        """Count that a message of the turn has come to a step again (QUICK), and answer how often it has."""
        counted = self._of(tenant, Concern.QUICK).find_one_and_update(
            {"_id": turn, "open": True}, {"$inc": {f"deliveries.{step}": 1}}, projection=("deliveries",)
        )
        return int(counted["deliveries"][step]) if counted else 0

    def renew(self, tenant: str, turn: str, holder: str, partial: str) -> Document | None:
        """Prolong the lease of a turn that advanced and keep its text so far (QUICK).

        Returns ``{reply_to, viewers, status}``, or None: the turn was cancelled, taken over or is past its
        deadline, and the caller stops decoding it.
        """
        end = {"$add": ["$$NOW", _milliseconds(self._lease.seconds)]}
        return self._of(tenant, Concern.QUICK).find_one_and_update(
            {
                "_id": turn,
                "holder": holder,
                "status": "active",
                "$expr": {"$gt": ["$deadline_at", "$$NOW"]},
            },
            [
                {
                    "$set": {
                        "lease_until": end,
                        "renewed_at": "$$NOW",
                        "next_dispatch_at": {"$min": [end, "$deadline_at"]},
                        "partial": {"$literal": partial},
                    }
                }
            ],
            projection=("reply_to", "viewers", "status"),
        )

    def finish_draft(self, tenant: str, turn: str, holder: str, round_number: int, draft: dict[str, Any]) -> bool:
        """End the turn with this draft (write 3; KEPT). False: the holder lost it, nothing was written."""
        fields: Document = {f"drafts.{round_number}.{name}": value for name, value in draft.items()}
        fields |= {"status": "completed", f"drafts.{round_number}.status": "completed"}
        result = self._of(tenant, Concern.KEPT).update_one(
            {"_id": turn, "holder": holder, "status": "active", "round": round_number, "shadow": {"$ne": True}},
            {
                "$set": fields,
                "$unset": {"open": "", "head": "", "lease_until": "", "next_dispatch_at": "", "partial": ""},
                "$currentDate": {"ended_at": True, f"drafts.{round_number}.completed_at": True},
            },
        )
        return result.matched_count == 1

    def finish_shadow(self, tenant: str, turn: str, holder: str, round_number: int, draft: dict[str, Any]) -> bool:
        """Store a draft that only the agent sees (KEPT); the turn waits on for the agent. False: the holder lost it."""
        fields: Document = {f"drafts.{round_number}.{name}": value for name, value in draft.items()}
        fields |= {"status": "held", f"drafts.{round_number}.status": "shadow"}
        result = self._of(tenant, Concern.KEPT).update_one(
            {"_id": turn, "holder": holder, "status": "active", "round": round_number, "shadow": True},
            {
                "$set": fields,
                "$unset": dict.fromkeys(("open", "head", "holder", "lease_until", "next_dispatch_at", "partial"), ""),
                "$currentDate": {f"drafts.{round_number}.completed_at": True},
            },
        )
        return result.matched_count == 1

    def keep_partial(
        self, tenant: str, turn: str, holder: str, round_number: int, text: str, token_ids: list[int]
    ) -> bool:
        """Store what was decoded of a cancelled turn as its draft (QUICK); only its last holder can."""
        result = self._of(tenant, Concern.QUICK).update_one(
            {"_id": turn, "holder": holder, "status": "cancelled", "round": round_number},
            {
                "$set": {
                    f"drafts.{round_number}.text": text,
                    f"drafts.{round_number}.token_ids": token_ids,
                    f"drafts.{round_number}.finish_reason": "cancelled",
                },
                "$unset": {"partial": ""},
            },
        )
        return result.matched_count == 1

    def fail_turn(
        self,
        tenant: str,
        turn: str,
        reason: str,
        message: str,
        *,
        holder: str = "",
        attempt: int = -1,
        due: datetime | None = None,
    ) -> Document | None:
        """End an open turn as failed (KEPT): by its holder, or by the sweep that saw ``attempt`` and ``due``,
        its next dispatch, which a late renewal would have moved.

        Returns the failed turn, or None when it went on meanwhile.
        """
        query: Document = {"_id": turn, "open": True}
        if holder:
            query["holder"] = holder
        if attempt >= 0:
            query["attempt"] = attempt
        if due is not None:
            query["next_dispatch_at"] = due
        turns = self._of(tenant, Concern.KEPT)
        turns.update_one(  # no draft for the agent is no failure of the turn: it waits on
            {**query, "shadow": True},
            {
                "$set": {"status": "held", "drafts.$[running].status": "failed"},
                "$unset": dict.fromkeys(("open", "head", "holder", "lease_until", "next_dispatch_at", "partial"), ""),
            },
            array_filters=[{"running.status": "active"}],
        )
        return turns.find_one_and_update(
            {**query, "shadow": {"$ne": True}},
            {
                "$set": {
                    "status": "failed",
                    "failure": {"reason": reason, "message": message},
                    "drafts.$[running].status": "failed",
                },
                "$unset": {"open": "", "head": "", "lease_until": "", "next_dispatch_at": ""},
                "$currentDate": {"ended_at": True},
            },
            array_filters=[{"running.status": "active"}],
        )
