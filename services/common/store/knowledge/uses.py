"""Which replies used a piece of knowledge, read from the manifests of their drafts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.common.store.connection import Connection, Document

Used = Literal["passage", "document", "fact"]


@dataclass(frozen=True)
class Use:
    """A draft that had the piece in its prompt, and in which revision."""

    session: str
    turn: str
    draft: str
    round: int
    revision: int
    at: datetime | None


class UseStore:
    """Answers "which replies used this?"."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def used_by(
        self, tenant: str, kind: Used, name: str, *, revision: int = 0, before: str = "", limit: int = 100
    ) -> list[Use]:
        """Uses of a passage, a document or a fact, the latest turns first; `before` is a turn id to go on below.

        A page ends with a whole turn, so that it may be a few longer than `limit`. `revision` 0 means any. A deleted
        document's uses are still found: its revisions keep the ids of the passages they had.
        """
        group = "facts" if kind == "fact" else "passages"
        names = {name} if kind != "document" else self._passages_of(tenant, name)
        query: Document = {f"drafts.manifest.{group}.id": {"$in": sorted(names)}}
        if before:
            query["_id"] = {"$lt": before}
        fields = ("session", "drafts.id", "drafts.round", f"drafts.manifest.{group}", "drafts.completed_at")
        uses: list[Use] = []
        for turn in self._connection.scoped("turns", tenant).find(query, fields).sort("_id", -1):
            if len(uses) >= limit:
                break
            uses += [use for use in _uses(turn, group, names) if revision in (0, use.revision)]
        return uses

    def _passages_of(self, tenant: str, document: str) -> set[str]:
        revisions = self._connection.scoped("sources", tenant).find({"document": document}, ("passages",))
        return {passage for one in revisions for passage in one.get("passages", [])}


def _uses(turn: Document, group: str, names: set[str]) -> list[Use]:
    uses = []
    for draft in reversed(turn.get("drafts") or []):
        references = ((draft.get("manifest") or {}).get(group)) or []
        revisions = [int(one["revision"]) for one in references if one["id"] in names]
        if revisions:
            at = draft.get("completed_at")
            uses.append(Use(turn["session"], turn["_id"], draft["id"], draft["round"], max(revisions), at))
    return uses
