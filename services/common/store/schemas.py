"""Dialogue-state schemas: immutable revisions per name."""

from __future__ import annotations

from pymongo.errors import DuplicateKeyError

from services.common.clock import now
from services.common.errors import NotFound
from services.common.ids import new_id
from services.common.store.connection import Concern, Connection, Document, Scoped
from services.common.store.turns import SCHEMA_VERSION


class Schemas:
    """Operations on the ``schemas`` collection. A reference is ``name@revision``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _of(self, tenant: str) -> Scoped:
        return self._connection.scoped("schemas", tenant, Concern.KEPT)

    def put(self, tenant: str, name: str, content: Document, digest: str, definition: str = "") -> Document:
        """Store the next revision (KEPT), or return the latest one when its content is the same.

        ``content`` is the canonical form, ``definition`` the text as it was put.
        """
        while True:
            latest = self._of(tenant).find_one({"name": name}, sort=[("revision", -1)])
            if latest is not None and latest["hash"] == digest:
                return latest
            schema: Document = {
                "_id": new_id("schema"),
                "schema_version": SCHEMA_VERSION,
                "name": name,
                "revision": latest["revision"] + 1 if latest else 1,
                "content": content,
                "definition": definition,
                "hash": digest,
                "created_at": now(),
            }
            try:
                self._of(tenant).insert_one(schema)
            except DuplicateKeyError:
                continue
            return schema

    def get(self, tenant: str, name: str, revision: int = 0) -> Document:
        """One revision, or the latest when ``revision`` is 0. Raises NotFound."""
        query: Document = {"name": name}
        if revision:
            query["revision"] = revision
        schema = self._of(tenant).find_one(query, sort=[("revision", -1)])
        if schema is None:
            raise NotFound(f"no schema {name}" + (f"@{revision}" if revision else ""))
        return schema

    def by_reference(self, tenant: str, reference: str) -> Document:
        """The schema that ``name@revision`` names. Raises NotFound."""
        name, _, revision = reference.rpartition("@")
        return self.get(tenant, name, int(revision))

    def page(self, tenant: str, *, after: str = "", limit: int = 50) -> list[Document]:
        """The latest revision of each schema, by name, from behind ``after``."""
        return list(
            self._of(tenant).aggregate(
                [
                    {"$match": {"name": {"$gt": after}}},
                    {"$sort": {"name": 1, "revision": -1}},
                    {"$group": {"_id": "$name", "latest": {"$first": "$$ROOT"}}},
                    {"$replaceRoot": {"newRoot": "$latest"}},
                    {"$sort": {"name": 1}},
                    {"$limit": limit},
                ]
            )
        )
