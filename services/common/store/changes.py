"""Changes of conversations as they happen: one change stream over the sessions and the turns of all tenants.

A notice says where to look, not what is there: whoever hears it reads the session as it is then. So notices may repeat,
come late and be put together; only losing one must be told.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from pymongo.errors import PyMongoError

from services.common.store.connection import Connection, Document

log = structlog.get_logger(__name__)
AGAIN_SECONDS = 0.5
# A turn or a session stands otherwise where one of these was written.
_TELLING = (
    "status", "accepted_round", "excluded", "mode", "mode_revision", "handoff", "labels", "policy",
)  # fmt: skip
_UPDATED = "updateDescription.updatedFields"
_GROWN = {f"{_UPDATED}.partial": {"$type": "string"}}
_PIPELINE: list[Document] = [
    {"$match": {"ns.coll": {"$in": ["sessions", "turns"]}}},
    {
        "$match": {
            "$or": [
                {"operationType": {"$in": ["insert", "replace"]}},
                {
                    "operationType": "update",
                    "$or": [*({f"{_UPDATED}.{name}": {"$exists": True}} for name in _TELLING), _GROWN],
                },
            ]
        }
    },
    {
        "$project": {
            "ns.coll": 1,
            "documentKey": 1,
            "grown": f"${_UPDATED}.partial",
            **{f"fullDocument.{name}": 1 for name in ("tenant", "session", "shadow")},
        }
    },
]


@dataclass(frozen=True)
class Change:
    """A session that stands otherwise, or, where ``text`` is there, a turn of it whose reply has grown to that text;
    ``shadow``: the reply is a suggestion, for the agent alone."""

    tenant: str
    session: str
    turn: str = ""
    text: str | None = None
    shadow: bool = False


class Changes:
    """Follows the ``sessions`` and ``turns`` collections."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def follow(self, stopping: threading.Event) -> Iterator[Change | None]:
        """All tenants' changes until ``stopping``; None first, once nothing goes unnoticed any more, and again after
        every time that something may have. Ends within half a second of the stop."""
        database = self._connection.database
        while not stopping.is_set():
            try:
                with database.watch(_PIPELINE, full_document="updateLookup", max_await_time_ms=500) as stream:
                    yield None
                    while not stopping.is_set():
                        notice = stream.try_next()
                        change = _change(notice) if notice is not None else None
                        if change is not None:
                            yield change
            except PyMongoError as error:  # a lost connection or lost history
                if not stopping.is_set():
                    log.warning("changes_lost", error=repr(error))
                    stopping.wait(AGAIN_SECONDS)


def _change(notice: Mapping[str, Any]) -> Change | None:
    """None where the document is gone meanwhile."""
    document = notice.get("fullDocument")
    if not document:
        return None
    name = notice["documentKey"]["_id"]
    if notice["ns"]["coll"] == "sessions":
        return Change(document["tenant"], name)
    return Change(document["tenant"], document["session"], name, notice.get("grown"), bool(document.get("shadow")))
