"""Feedback as it was given: stored first, read later by whoever learns from it."""

from __future__ import annotations

from typing import Any

from pymongo.errors import DuplicateKeyError

from services.common.errors import AlreadyExists
from services.common.ids import new_id
from services.common.store.connection import Concern, Connection, Document, Scoped
from services.common.store.turns import SCHEMA_VERSION, Request, now


class FeedbackStore:
    """Operations on the ``feedback`` collection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _of(self, tenant: str) -> Scoped:
        return self._connection.scoped("feedback", tenant, Concern.KEPT)

    def submit(self, tenant: str, request: Request, fields: dict[str, Any]) -> tuple[Document, bool]:
        """Store one piece of feedback on a draft (KEPT), once per request id; tells whether it is new.

        Raises AlreadyExists.
        """
        feedback: Document = {
            "_id": new_id("feedback"),
            "schema_version": SCHEMA_VERSION,
            "request": request.document(),
            "created_at": now(),
            **fields,
        }
        try:
            self._of(tenant).insert_one(feedback)
        except DuplicateKeyError:
            known = self._of(tenant).find_one({"request.method": request.method, "request.id": request.id})
            if known is None:
                raise
            if known["request"]["hash"] != request.hash:
                raise AlreadyExists(f"request_id {request.id} was used with another payload") from None
            return known, False
        return feedback, True

    def of_turn(self, tenant: str, turn: str) -> list[Document]:
        """All feedback on a turn, oldest first."""
        return list(self._of(tenant).find({"turn": turn}).sort("_id", 1))
