"""Examples: what feedback was made into, one document each, to be learned from or judged by."""

from __future__ import annotations

import hashlib
from typing import Any

from pymongo.errors import BulkWriteError

from services.common.store.connection import Concern, Connection, Document, Scoped
from services.common.store.turns import SCHEMA_VERSION, now


def example_id(tenant: str, prompt: str, answer: str) -> str:
    """The same correction gives the same example, however often it was sent."""
    return "example_" + hashlib.sha256(repr((tenant, prompt, answer)).encode()).hexdigest()[:26]


_MARKS = {"adapter": "trained", "fusion_head": "fused"}


def _learnable(kind: str, learned: Any) -> Document:
    about = {"about": {"$exists": True}} if kind == "fusion_head" else {}
    return {_MARKS[kind]: learned, "kind": {"$ne": "rehearsal"}, **about}


class Examples:
    """Operations on the ``examples`` collection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _of(self, tenant: str) -> Scoped:
        return self._connection.scoped("examples", tenant, Concern.KEPT)

    def add(self, tenant: str, examples: list[dict[str, Any]]) -> int:
        """Store examples (KEPT), each ``{prompt, answer, kind, feedback, user, …}``; answers how many are new.

        ``about: {reply, comment, constraints}``, where there, is the reply that the answer betters and what was said of
        it. A known one is left as it is: examples are immutable.
        """
        rows = [
            {
                "_id": example_id(tenant, one["prompt"], one["answer"]),
                "schema_version": SCHEMA_VERSION,
                "created_at": now(),
                **one,
            }
            for one in examples
        ]
        if not rows:
            return 0
        try:
            return len(self._of(tenant).insert_many(rows))
        except BulkWriteError as error:
            others = [e for e in error.details["writeErrors"] if e["code"] != 11000]
            if others:
                raise
            return int(error.details["nInserted"])

    def untrained(self, tenant: str, kind: str = "adapter", limit: int = 10_000) -> list[Document]:
        """Examples that no completed training of this kind has learned from, oldest first. A fusion head learns from
        those that are ``about`` a reply and what was said of it."""
        return list(self._of(tenant).find(_learnable(kind, {"$ne": True})).sort("created_at", 1).limit(limit))

    def trained(self, tenant: str, kind: str = "adapter", limit: int = 10_000) -> list[Document]:
        """Examples that a completed training of this kind has learned from: what replay draws on."""
        return list(self._of(tenant).find(_learnable(kind, True)).sort("created_at", -1).limit(limit))

    def rehearsals(self, tenant: str, base_version: str) -> list[Document]:
        """The base model's own replies to general questions, made once and replayed in every training."""
        return list(self._of(tenant).find({"kind": "rehearsal", "base_version": base_version}).sort("_id", 1))

    def mark_learned(self, tenant: str, ids: list[str], kind: str) -> None:
        """Say that a completed training of this kind has learned from these (KEPT)."""
        self._of(tenant).update_many({"_id": {"$in": ids}}, {"$set": {_MARKS[kind]: True}})

    def read(self, tenant: str, ids: list[str]) -> list[Document]:
        """These examples in this order; what was erased since is left out."""
        found = {one["_id"]: one for one in self._of(tenant).find({"_id": {"$in": ids}})}
        return [found[one] for one in ids if one in found]

    def erase(self, tenant: str, query: Document) -> list[str]:
        """Delete examples (KEPT) and answer their ids."""
        ids = [one["_id"] for one in self._of(tenant).find(query, ("_id",))]
        self._of(tenant).delete_many({"_id": {"$in": ids}})
        return ids
