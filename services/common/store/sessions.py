"""Sessions: who talks, under which policy, with which schema and pinned version."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from pymongo.errors import DuplicateKeyError

from services.common.clock import now
from services.common.errors import Aborted, AlreadyExists, FailedPrecondition, NotFound
from services.common.ids import new_id
from services.common.store.connection import Concern, Connection, Document, Scoped
from services.common.store.requests import Request, entry, first_answer, unasked, used_elsewhere
from services.common.store.turns import SCHEMA_VERSION


class Sessions:
    """Operations on the ``sessions`` collection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _of(self, tenant: str, concern: Concern = Concern.KEPT) -> Scoped:
        return self._connection.scoped("sessions", tenant, concern)

    def create(
        self,
        tenant: str,
        request: Request,
        fields: dict[str, Any],
        version_of: Callable[[str, Document], str] | None = None,
    ) -> Document:
        """Store a session (KEPT), once per request id; it keeps the version that ``version_of`` answers.

        Raises AlreadyExists.
        """
        session: Document = {
            "_id": new_id("session"),
            "schema_version": SCHEMA_VERSION,
            "request": request.document(),
            "status": "open",
            "created_at": now(),
            "state_revision": 0,
            "corrections": [],
            **fields,
        }
        if version_of is not None:
            session["version"] = version_of(tenant, session)
        sessions = self._of(tenant)
        try:
            sessions.insert_one(session)
        except DuplicateKeyError:
            known = sessions.find_one({"request.method": request.method, "request.id": request.id})
            if known is None:
                raise
            if known["request"]["hash"] != request.hash:
                raise AlreadyExists(f"request_id {request.id} was used with another payload") from None
            return known
        return {**session, "tenant": tenant}

    def get(self, tenant: str, session_id: str) -> Document:
        """The session. Raises NotFound."""
        session = self._of(tenant).find_one({"_id": session_id})
        if session is None or session["status"] == "erased":
            raise NotFound(f"no session {session_id}")
        return session

    def read(self, tenant: str, ids: Collection[str]) -> list[Document]:
        """These sessions, in no order; what is erased is left out."""
        query = {"_id": {"$in": list(ids)}, "status": {"$ne": "erased"}}
        return list(self._of(tenant).find(query)) if ids else []

    def get_open(self, tenant: str, session_id: str) -> Document:
        """The session if it takes turns. Raises NotFound, FailedPrecondition (SESSION_ENDED)."""
        session = self.get(tenant, session_id)
        if session["status"] != "open":
            raise FailedPrecondition("the session has ended", reason="SESSION_ENDED")
        return session

    def page(
        self,
        tenant: str,
        *,
        among: Document | None = None,
        user: str = "",
        status: str = "",
        modes: Sequence[str] = (),
        handoff_asked: bool = False,
        before: str = "",
        limit: int = 50,
    ) -> list[Document]:
        """Sessions that are not erased and that the query ``among`` selects, newest first; ``before`` is the last id of
        the page before."""
        query: Document = {"status": status or {"$ne": "erased"}, "$and": [among or {}]}
        if user:
            query["user"] = user
        if modes:
            query["mode"] = {"$in": [*modes, *([None] if "bot" in modes else [])]}
        if handoff_asked:
            query["handoff"] = {"$exists": True}
        if before:
            query["_id"] = {"$lt": before}
        return list(self._of(tenant).find(query).sort("_id", -1).limit(limit))

    def update(
        self, tenant: str, session_id: str, request: Request, changes: Callable[[Document], Document]
    ) -> Document:
        """Change the ``policy`` and ``labels`` of an open session (KEPT), once per request; ``changes`` makes the
        fields to set from the session as it stands. A repeated request is answered the session with policy and labels
        as they were then. Raises NotFound, AlreadyExists, FailedPrecondition.
        """
        while True:
            session = self.get(tenant, session_id)
            known = first_answer(session, request)
            if known is not None:
                return {**session, **known["session"]}
            if session["status"] != "open":
                raise FailedPrecondition("the session has ended", reason="SESSION_ENDED")
            stood = {name: session.get(name) for name in ("policy", "labels")}
            fields = changes(session)
            then = {name: fields.get(name, value) for name, value in stood.items()}
            changed = self._write(
                tenant,
                request,
                {"_id": session_id, "status": "open", **stood},
                {"$set": {**fields, "updated_at": now()}, **entry(request, session=then)},
            )
            if changed is not None:
                return changed

    def _write(self, tenant: str, request: Request, query: Document, update: Document) -> Document | None:
        """Make an update that writes its request down; None: the session stands otherwise by now."""
        try:
            return self._of(tenant).find_one_and_update({**query, **unasked(request)}, update)
        except DuplicateKeyError as error:
            raise used_elsewhere(request) from error

    def end(self, tenant: str, session_id: str, request: Request) -> Document:
        """Take no more turns (KEPT); ending twice is the same as once. Raises NotFound, AlreadyExists."""
        ending = {"$set": {"status": "ended"}, "$currentDate": {"ended_at": True}, **entry(request)}
        ended = self._write(tenant, request, {"_id": session_id, "status": "open"}, ending)
        session = ended if ended is not None else self.get(tenant, session_id)
        if ended is None and first_answer(session, request) is None and request.given:
            self._write(tenant, request, {"_id": session_id}, entry(request))
        return session

    def correct_state(
        self,
        tenant: str,
        session_id: str,
        request: Request,
        expected_revision: int | None,
        corrections: list[Document],
    ) -> Document:
        """Add corrections as the next state revision (KEPT), by compare-and-set; once per request id.

        Each correction is ``{after_n, service, slot, value or None, by}``; it holds for every state from
        turn ``after_n`` on that was computed from an older revision. ``expected_revision`` None corrects
        whatever is there. Raises NotFound, Aborted, AlreadyExists, FailedPrecondition.
        """
        while True:
            session = self.get(tenant, session_id)
            if self.corrected_by(session, request) is not None:
                return session
            if session["status"] != "open":
                raise FailedPrecondition("the session has ended", reason="SESSION_ENDED")
            current = session["state_revision"]
            if expected_revision is not None and expected_revision != current:
                raise Aborted(f"expected_revision {expected_revision}: the state is at revision {current}")
            stamp = {"revision": current + 1, "at": now(), "request": request.document()}
            pushed = entry(request).get("$push") or {}
            corrected = self._write(
                tenant,
                request,
                {"_id": session_id, "state_revision": current},
                {
                    "$set": {"state_revision": current + 1},
                    "$push": {**pushed, "corrections": {"$each": [{**one, **stamp} for one in corrections]}},
                },
            )
            if corrected is not None:
                return corrected

    @staticmethod
    def corrected_by(session: Document, request: Request) -> Document | None:
        """The first of the corrections that a request has made; None where it has made none. Raises AlreadyExists."""
        for correction in session["corrections"]:
            if correction["request"]["id"] == request.id:
                if correction["request"]["hash"] != request.hash:
                    raise used_elsewhere(request)
                return correction  # type: ignore[no-any-return]
        return None

    def corrected(self, tenant: str) -> list[str]:
        """Ids of the sessions whose state somebody corrected, oldest first."""
        query = {"corrections.0": {"$exists": True}, "status": {"$ne": "erased"}}
        return [str(one["_id"]) for one in self._of(tenant).find(query, ("_id",)).sort("_id", 1)]

    def erase(self, tenant: str, session_id: str) -> None:
        """Leave of a session its id and the time of its erasure (KEPT), so that it takes no more turns.

        Erasing twice is the same as once. Raises NotFound. The turns are deleted by ``Turns.delete_session``,
        again after the longest lease, since a worker may still have held one.
        """
        erased = self._of(tenant).find_one_and_update(
            {"_id": session_id},
            [
                {
                    "$replaceWith": {
                        "_id": "$_id",
                        "tenant": "$tenant",
                        "schema_version": "$schema_version",
                        "created_at": "$created_at",
                        "request": "$request",
                        "status": "erased",
                        "erased_at": {"$ifNull": ["$erased_at", "$$NOW"]},
                    }
                }
            ],
        )
        if erased is None:
            raise NotFound(f"no session {session_id}")

    def erased_lately(self, seconds: float) -> list[tuple[str, str]]:
        """``(tenant, session)`` of all erased within the last so many seconds, for deleting once more."""
        since = now() - timedelta(seconds=seconds)
        found = self._connection.every_tenant("sessions").find({"erased_at": {"$gte": since}}, ("tenant", "_id"))
        return [(session["tenant"], session["_id"]) for session in found]

    def expired(self, tenant: str, ended_before: datetime, limit: int = 500) -> list[str]:
        """Sessions whose keeping time is over: ended, and last changed before that moment."""
        query = {"status": "ended", "ended_at": {"$lt": ended_before}}
        return [str(one["_id"]) for one in self._of(tenant).find(query, ("_id",)).limit(limit)]

    def delete(self, tenant: str, session_id: str) -> bool:
        """Delete the session's document for good (KEPT); its turns are deleted before it."""
        return self._of(tenant).delete_one({"_id": session_id}).deleted_count == 1
