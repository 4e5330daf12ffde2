"""What each generator says of itself: that it is up, its load, and the versions it serves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from services.common.clock import now
from services.common.store.connection import Concern, Connection, Document

ALIVE_SECONDS = 15.0


class Serving:
    """Operations on the ``serving`` collection: one document per generator, of all tenants."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def announce(self, worker: str, fields: dict[str, Any]) -> None:
        """Say that a generator is up and what it serves (QUICK); repeated every few seconds."""
        self._connection.every_tenant("serving", Concern.QUICK).update_one(
            {"_id": worker}, {"$set": fields, "$currentDate": {"seen_at": True}}, upsert=True
        )

    def withdraw(self, worker: str) -> None:
        """The generator takes no more turns (QUICK)."""
        self._connection.every_tenant("serving", Concern.QUICK).delete_one({"_id": worker})

    def alive(self) -> list[Document]:
        """The generators heard of in the last 15 seconds."""
        since = now() - timedelta(seconds=ALIVE_SECONDS)
        return list(self._connection.every_tenant("serving").find({"seen_at": {"$gte": since}}))
