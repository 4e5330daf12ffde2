"""The sweep: re-sends what a lost message, a dead worker or a dead gateway left behind.

Every gateway runs it, with jitter and without a lock: a compare-and-set on ``next_dispatch_at`` lets one
of them act on a turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from services.common.clock import now
from services.common.store.connection import Concern, Connection, Document
from services.common.store.steps import Steps
from services.common.store.turn_reads import REDISPATCH_FIRST
from services.common.store.turns import REDISPATCH_LAST, Turns

NEXT_LOOK = 10.0


@dataclass(frozen=True)
class Swept:
    """What the sweep did with one due turn; ``dispatch`` asks the caller to publish it."""

    turn: Document
    action: Literal["dispatch", "promoted", "failed", "cancelled"]


class Sweep:
    """Finds open turns that are due and moves each on by one step."""

    def __init__(self, connection: Connection, turns: Turns, steps: Steps, max_attempts: int) -> None:
        self._connection = connection
        self._turns = turns
        self._steps = steps
        self._max_attempts = max_attempts

    def sweep(self, limit: int = 200) -> Iterator[Swept]:
        """Yield what is to be dispatched, was promoted, was cancelled or has failed (the compare-and-set is QUICK).

        A turn is dispatched again after 5 s, then after doubling waits up to 5 min; a taken one when its
        lease ended. At the attempt limit or past the deadline it fails instead, and past its deadline a waiting one
        does, too. A turn that is the next of its session is looked at every 10 s, however long it waits: the one before
        may end with a worker that dies before it calls the next. What a turn's acceptance means for those before it is
        done before it goes (see `Turns.settle`).
        """
        every = self._connection.every_tenant("turns", Concern.QUICK)
        due = every.find({"open": True, "next_dispatch_at": {"$lte": now()}}).sort("next_dispatch_at", 1)
        for turn in due.limit(limit):
            tenant = turn["tenant"]
            ended = self._fail_if_over(turn)
            if ended is not None:
                yield Swept(ended, "failed")
            else:
                for cancelled in self._turns.settle(tenant, turn):
                    yield Swept(cancelled, "cancelled")
            if turn["status"] == "waiting" or ended is not None:
                promoted = self._turns.promote(tenant, turn["session"])
                if promoted is not None:
                    yield Swept(promoted, "promoted")
                if ended is not None or (promoted is not None and promoted["_id"] == turn["_id"]):
                    continue
            claimed = self._claim(turn)
            if claimed is not None and claimed["status"] == "active":
                yield Swept(claimed, "dispatch")

    def hurry(self) -> int:
        """Have turns that nobody has taken sent again soon, however often that was done (QUICK); returns how many.

        For a broker that may have lost its messages: the waits, which double, were meant for workers that are away.
        """
        every = self._connection.every_tenant("turns", Concern.QUICK)
        soon = now() + timedelta(seconds=REDISPATCH_FIRST)
        far = {"open": True, "status": "active", "attempt": 0, "next_dispatch_at": {"$gt": soon}}
        return every.update_many(far, {"$set": {"next_dispatch_at": soon, "dispatches": 0}}).modified_count

    def _fail_if_over(self, turn: Document) -> Document | None:
        if turn["deadline_at"] <= now():
            return self._steps.fail_turn(
                turn["tenant"],
                turn["_id"],
                "DEADLINE_EXCEEDED",
                "not finished in time",
                attempt=turn["attempt"],
                due=turn["next_dispatch_at"],
            )
        if turn["attempt"] >= self._max_attempts:
            return self._steps.fail_turn(
                turn["tenant"],
                turn["_id"],
                "ATTEMPTS_EXHAUSTED",
                f"{turn['attempt']} attempts ended without a reply",
                attempt=turn["attempt"],
                due=turn["next_dispatch_at"],
            )
        return None

    def _claim(self, turn: Document) -> Document | None:
        wait = min(REDISPATCH_FIRST * 2 ** min(turn.get("dispatches", 0) + 1, 10), REDISPATCH_LAST)
        if turn["status"] == "waiting" and self._turns.position(turn["tenant"], turn) <= 1:
            wait = min(wait, NEXT_LOOK)
        at = min(now() + timedelta(seconds=wait), turn["deadline_at"])
        return self._connection.scoped("turns", turn["tenant"], Concern.QUICK).find_one_and_update(
            {"_id": turn["_id"], "open": True, "next_dispatch_at": turn["next_dispatch_at"]},
            {
                "$set": {"next_dispatch_at": at},
                "$inc": {"dispatches": 1},
            },
        )
