"""Imports: feedback that comes in batches of lines, and that goes on where it broke.

A line's document has an id made of import and line number, so that a chunk that comes twice stores nothing twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pymongo.errors import BulkWriteError, DuplicateKeyError

from services.common.clock import now
from services.common.errors import AlreadyExists, AntiphonError, FailedPrecondition, NotFound, ResourceExhausted
from services.common.ids import new_id
from services.common.store.connection import Concern, Connection, Document, Scoped
from services.common.store.requests import Request
from services.common.store.turns import SCHEMA_VERSION

MAX_OPEN_IMPORTS = 16
_DUPLICATE = 11000


class LineGap(AntiphonError):
    """The chunk begins after the line that the import goes on with."""

    status = "OUT_OF_RANGE"
    reason = "LINE_GAP"


@dataclass(frozen=True)
class RefusedLine:
    """A line that was not stored: its number from 1, the field at fault (empty: the whole line), and why."""

    line: int
    field: str
    reason: str


class Imports:
    """Operations on ``imports`` and ``refused_lines``; stored lines are documents of ``feedback``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _of(self, tenant: str, name: str = "imports", concern: Concern = Concern.KEPT) -> Scoped:
        return self._connection.scoped(name, tenant, concern)

    def open(self, tenant: str, request: Request, name: str) -> Document:
        """Open an import (KEPT), once per request id. Raises AlreadyExists, ResourceExhausted."""
        known = self._of(tenant).find_one({"request.method": request.method, "request.id": request.id})
        if known is not None:
            return self._same(known, request)
        if self._of(tenant).count({"status": "open"}, limit=MAX_OPEN_IMPORTS) >= MAX_OPEN_IMPORTS:
            raise ResourceExhausted(f"{MAX_OPEN_IMPORTS} imports are open", retry_after=60)
        made: Document = {
            "_id": new_id("import"),
            "schema_version": SCHEMA_VERSION,
            "request": request.document(),
            "name": name,
            "status": "open",
            "next_line": 1,
            "created_at": now(),
        }
        try:
            self._of(tenant).insert_one(made)
        except DuplicateKeyError:
            known = self._of(tenant).find_one({"request.method": request.method, "request.id": request.id})
            if known is None:
                raise
            return self._same(known, request)
        return {**made, "tenant": tenant}

    @staticmethod
    def _same(known: Document, request: Request) -> Document:
        if known["request"]["hash"] != request.hash:
            raise AlreadyExists(f"request_id {request.id} was used with another payload")
        return known

    def get(self, tenant: str, import_id: str) -> Document:
        """The import. Raises NotFound."""
        found = self._of(tenant).find_one({"_id": import_id})
        if found is None:
            raise NotFound(f"no import {import_id}")
        return found

    def check_chunk(self, tenant: str, import_id: str, first_line: int) -> Document:
        """The import if a chunk that begins at ``first_line`` may be added.

        Raises: NotFound, FailedPrecondition (IMPORT_CLOSED), LineGap.
        """
        found = self.get(tenant, import_id)
        if found["status"] != "open":
            raise FailedPrecondition("the import is closed", reason="IMPORT_CLOSED")
        if first_line > found["next_line"]:
            raise LineGap(f"first_line {first_line}: the import goes on with line {found['next_line']}")
        return found

    def append(
        self,
        tenant: str,
        import_id: str,
        next_line: int,
        items: Sequence[tuple[int, dict[str, Any]]],
        refused: Sequence[RefusedLine],
    ) -> int:
        """Store a judged chunk (KEPT): ``items`` are (line, feedback fields), ``next_line`` what follows it.

        Idempotent by line. Answers the line to go on with.
        """
        rows = [
            {
                "_id": f"feedback_{import_id.removeprefix('import_')}_{line:010d}",
                "schema_version": SCHEMA_VERSION,
                "import": import_id,
                "line": line,
                "status": "stored",
                "created_at": now(),
                **fields,
            }
            for line, fields in items
        ]
        self._insert(tenant, "feedback", rows)
        notes = [
            {"_id": f"{import_id}_{one.line:010d}", "import": import_id, "line": one.line, "field": one.field,
             "reason": one.reason}
            for one in refused
        ]  # fmt: skip
        self._insert(tenant, "refused_lines", notes)
        moved = self._of(tenant).find_one_and_update(
            {"_id": import_id},
            {"$max": {"next_line": next_line}},
            projection=("next_line",),
        )
        if moved is None:
            raise NotFound(f"no import {import_id}")
        return int(moved["next_line"])

    def _insert(self, tenant: str, name: str, rows: list[Document]) -> int:
        if not rows:
            return 0
        try:
            return len(self._of(tenant, name).insert_many(rows))
        except BulkWriteError as error:
            if any(one["code"] != _DUPLICATE for one in error.details["writeErrors"]):
                raise
            return int(error.details["nInserted"])

    def close(self, tenant: str, import_id: str, total_lines: int | None) -> Document:
        """Take no more lines (KEPT). Raises NotFound, FailedPrecondition (LINES_MISSING)."""
        found = self.get(tenant, import_id)
        received = found["next_line"] - 1
        if found["status"] == "open" and total_lines is not None and received < total_lines:
            raise FailedPrecondition(f"{received} of {total_lines} lines were received", reason="LINES_MISSING")
        self._of(tenant).update_one({"_id": import_id, "status": "open"}, {"$set": {"status": "closed"}})
        return self.get(tenant, import_id)

    def counts(self, tenant: str, import_id: str) -> dict[str, int]:
        """How many of an import's lines are stored, how many of these are processed, and how many are refused."""
        feedback = self._of(tenant, "feedback")
        stored = feedback.count({"import": import_id})
        waiting = feedback.count({"import": import_id, "status": "stored"})
        refused = self._of(tenant, "refused_lines").count({"import": import_id})
        return {"stored": stored, "processed": stored - waiting, "refused": refused}

    def refused_lines(self, tenant: str, import_id: str, after: int, limit: int) -> list[RefusedLine]:
        """Refused lines by number, from behind line ``after``."""
        found = self._of(tenant, "refused_lines").find({"import": import_id, "line": {"$gt": after}})
        return [RefusedLine(one["line"], one["field"], one["reason"]) for one in found.sort("line", 1).limit(limit)]
