"""Events on their way to webhooks: claimed by whoever sends, tried again with growing waits, in order per stream.

Of a webhook's open deliveries of one stream only the first is ever sent. A claim is a compare-and-set on ``next_at``
that names a holder; what the holder writes afterwards matches nothing once another one has claimed.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from services.common.clock import now
from services.common.ids import new_id
from services.common.store.connection import Concern, Connection, Document, Scoped

WAIT_MOST = 6 * 3_600.0
SCANNED = 100
ORDER = [("at", 1), ("place", 1), ("_id", 1)]


class Deliveries:
    """Operations on ``deliveries`` of all tenants."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _of(self, tenant: str, concern: Concern = Concern.KEPT) -> Scoped:
        return self._connection.scoped("deliveries", tenant, concern)

    def claim(self, lease: float, busy: Collection[str] = ()) -> Document | None:
        """Take a delivery that is due and the first of its stream (QUICK: who loses it sends it again); else None.

        ``busy``: webhooks that are left out. ``lease``: seconds until somebody else may."""
        due: Document = {"open": True, "next_at": {"$lte": now()}, "hook": {"$nin": sorted(busy)}}
        every = self._connection.every_tenant("deliveries", Concern.QUICK)
        for delivery in every.find(due).sort("next_at", 1).limit(SCANNED):
            first = self._first(delivery)
            if first is None:
                continue
            if first["_id"] != delivery["_id"]:
                self.postpone(delivery, max(1.0, (first["next_at"] - now()).total_seconds()))
                continue
            claimed = self._of(delivery["tenant"], Concern.QUICK).find_one_and_update(
                {"_id": delivery["_id"], "open": True, "next_at": delivery["next_at"]},
                {
                    "$set": {"holder": new_id("holder"), "next_at": now() + timedelta(seconds=lease)},
                    "$inc": {"tries": 1},
                },
            )
            if claimed is not None:
                return claimed
        return None

    def _first(self, delivery: Document) -> Document | None:
        """The first open delivery of the same webhook and stream."""
        same = {"hook": delivery["hook"], "stream": delivery["stream"], "open": True}
        return self._of(delivery["tenant"]).find_one(same, sort=ORDER)

    def postpone(self, delivery: Document, seconds: float) -> None:
        """Look at a delivery again later (QUICK), unless somebody has changed it meanwhile."""
        seen = {"_id": delivery["_id"], "next_at": delivery["next_at"]}
        later = {"$set": {"next_at": now() + timedelta(seconds=seconds)}}
        self._of(delivery["tenant"], Concern.QUICK).update_one(seen, later)

    def end(self, delivery: Document, outcome: str) -> None:
        """Nothing more is to be done for a claimed delivery (KEPT): it was ``taken``, or is ``given_up``. The next of
        its stream goes at once."""
        self._of(delivery["tenant"]).update_one(
            {"_id": delivery["_id"], "holder": delivery["holder"]},
            {
                "$set": {"outcome": outcome, "ended_at": now()},
                "$unset": {"open": "", "next_at": "", "holder": ""},
            },
        )
        following = self._first(delivery)
        if following is not None and following["tries"] == 0:
            self.postpone(following, 0.0)

    def again(self, delivery: Document, first_wait: float, most_seconds: float) -> bool:
        """Have a claimed delivery tried again (KEPT), after ``first_wait`` and then twice as long each time. False: it
        is older than ``most_seconds`` by then and was given up."""
        wait = min(first_wait * 2 ** min(delivery["tries"] - 1, 20), WAIT_MOST)
        at = now() + timedelta(seconds=wait)
        if at > delivery["created_at"] + timedelta(seconds=most_seconds):
            self.end(delivery, "given_up")
            return False
        self._of(delivery["tenant"]).update_one(
            {"_id": delivery["_id"], "holder": delivery["holder"]}, {"$set": {"next_at": at}, "$unset": {"holder": ""}}
        )
        return True

    def prune(self, seconds: float) -> int:
        """Delete what ended longer ago than that, so that its event cannot come again; answers how many."""
        old = {"ended_at": {"$lte": now() - timedelta(seconds=seconds)}}
        return self._connection.every_tenant("deliveries").delete_many(old).deleted_count
