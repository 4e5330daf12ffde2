"""Everything that accepting a message depends on, in one read: the session, what is served, where it stands.

One aggregation instead of five finds: it halves the database's CPU for reads of an accept and saves four round trips.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.common.errors import FailedPrecondition, NotFound
from services.common.store.connection import Connection, Document
from services.common.store.versions import NO_POINTER


@dataclass(frozen=True)
class Outlook:
    """``newest_n`` was read before ``busy``, which says whether any turn of the session is open."""

    session: Document
    pointer: Mapping[str, Any]
    quotas: Mapping[str, Any]
    newest_n: int
    busy: bool

    def require_open(self) -> None:
        """Raises FailedPrecondition (SESSION_ENDED)."""
        if self.session["status"] != "open":
            raise FailedPrecondition("the session has ended", reason="SESSION_ENDED")


class Outlooks:
    """Reads over several collections; every part of the pipeline carries the tenant."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of_session(self, tenant: str, session_id: str) -> Outlook:
        """How a session stands. Raises NotFound."""
        turns = {"tenant": tenant, "session": session_id}
        found = next(
            self._connection.scoped("sessions", tenant).aggregate(
                [
                    {"$match": {"_id": session_id, "status": {"$ne": "erased"}}},
                    _join("pointers", "pointer", [{"$match": {"tenant": tenant}}]),
                    _join("tenants", "owner", [{"$match": {"_id": tenant, "tenant": tenant}}]),
                    # The order of these two is what keeps turns in order: see Turns.accept_turn.
                    _join("turns", "newest", [{"$match": turns}, {"$sort": {"n": -1}}, {"$limit": 1}], "n"),
                    _join("turns", "opened", [{"$match": {**turns, "open": True}}, {"$limit": 1}], "n"),
                ]
            ),
            None,
        )
        if found is None:
            raise NotFound(f"no session {session_id}")
        pointer, owner, newest, opened = (found.pop(name) for name in ("pointer", "owner", "newest", "opened"))
        return Outlook(
            session=found,
            pointer=pointer[0] if pointer else NO_POINTER,
            quotas=(owner[0].get("quotas") if owner else None) or {},
            newest_n=newest[0]["n"] if newest else 0,
            busy=bool(opened),
        )


def _join(collection: str, name: str, pipeline: list[Document], *fields: str) -> Document:
    if fields:
        pipeline = [*pipeline, {"$project": dict.fromkeys(fields, 1)}]
    return {"$lookup": {"from": collection, "pipeline": pipeline, "as": name}}
