"""Tenants: who they are, what they may use, how long their data is kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pymongo.errors import DuplicateKeyError

from services.common.clock import now
from services.common.errors import AlreadyExists, NotFound
from services.common.privacy.policy import Policy
from services.common.store.connection import Concern, Connection, Document
from services.common.store.requests import Request
from services.common.store.turns import SCHEMA_VERSION

FIRST = "default"  # the deployment's first tenant, whose operators may see to the others


class Tenants:
    """Operations on the ``tenants`` collection, one document per tenant with the tenant's id as its own.

    The first tenant exists without a document; what nobody has set is at the server's defaults.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _all(self) -> Any:
        return self._connection.every_tenant("tenants", Concern.KEPT)

    def create(self, tenant: str, request: Request, fields: Document) -> Document:
        """Store a tenant (KEPT). Raises AlreadyExists unless the same request made it."""
        made: Document = {
            "_id": tenant,
            "tenant": tenant,
            "schema_version": SCHEMA_VERSION,
            "request": request.document(),
            "disabled": False,
            "quotas": {},
            "retention": {},
            "created_at": now(),
            **fields,
        }
        try:
            self._all().insert_one(made)
        except DuplicateKeyError:
            known: Document | None = self._all().find_one({"_id": tenant})
            if known is None or known.get("request") != request.document():
                raise AlreadyExists(f"tenant {tenant} exists", reason="TENANT_EXISTS") from None
            return known
        return made

    def get(self, tenant: str) -> Document:
        """The tenant. Raises NotFound."""
        found: Document | None = self._all().find_one({"_id": tenant})
        if found is None and tenant == FIRST:
            return {"_id": FIRST, "display_name": FIRST, "disabled": False, "quotas": {}, "retention": {}}
        if found is None:
            raise NotFound(f"no tenant {tenant}")
        return found

    def update(self, tenant: str, fields: Document) -> Document:
        """Change fields of a tenant (KEPT). Raises NotFound."""
        self.get(tenant)
        self._all().update_one(
            {"_id": tenant},
            {
                "$set": fields,
                "$setOnInsert": {"tenant": tenant, "schema_version": SCHEMA_VERSION, "created_at": now()},
            },
            upsert=tenant == FIRST,
        )
        return self.get(tenant)

    def page(self, after: str = "", limit: int = 50) -> list[Document]:
        """Tenants by id, the first one among them also when nobody has set anything of it."""
        found: list[Document] = list(self._all().find({"_id": {"$gt": after}}).sort("_id", 1).limit(limit))
        if after < FIRST and not self._all().find_one({"_id": FIRST}, ("_id",)):
            found = sorted([*found, self.get(FIRST)], key=lambda one: one["_id"])[:limit]
        return found

    def quotas(self, tenant: str) -> Document:
        """What the tenant may use; what nobody has set is left out."""
        found: Document | None = self._all().find_one({"_id": tenant}, ("quotas",))
        return (found or {}).get("quotas") or {}

    def privacy(self, tenant: str) -> Policy:
        """How the tenant's personal data is masked."""
        found: Document | None = self._all().find_one({"_id": tenant}, ("privacy",))
        return Policy.of((found or {}).get("privacy") or {})

    def disabled(self, tenant: str) -> bool:
        """Whether the tenant is switched off."""
        found: Document | None = self._all().find_one({"_id": tenant}, ("disabled",))
        return bool(found and found.get("disabled"))

    def disabled_among(self, tenants: Iterable[str]) -> set[str]:
        """Of these tenants those that are switched off."""
        off = {"_id": {"$in": sorted(tenants)}, "disabled": True}
        return {str(one["_id"]) for one in self._all().find(off, ("_id",))}
