"""Webhooks of tenants: where events are sent, which, and the secret that they are signed with."""

from __future__ import annotations

import base64
import secrets

from pymongo.errors import DuplicateKeyError

from services.common.clock import now
from services.common.errors import AlreadyExists, NotFound, ResourceExhausted
from services.common.ids import new_id
from services.common.store.connection import Concern, Connection, Document, Scoped
from services.common.store.requests import Request
from services.common.store.turns import SCHEMA_VERSION

MOST = 20
SECRET = "whsec_"


class Webhooks:
    """Operations on ``webhooks``. The secret is kept as it is, since signatures are made with it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _of(self, tenant: str, name: str = "webhooks") -> Scoped:
        return self._connection.scoped(name, tenant, Concern.KEPT)

    def create(
        self, tenant: str, request: Request, url: str, events: list[str], display_name: str
    ) -> tuple[Document, str]:
        """Store a webhook (KEPT) and return it with its secret's text; a repeated request gets an empty text.

        Raises ResourceExhausted (LIMIT_REACHED), AlreadyExists (the request id with another payload).
        """
        known = self._of(tenant).find_one({"request.id": request.id})
        if known is None and self._of(tenant).count({}, limit=MOST) >= MOST:
            raise ResourceExhausted(f"the tenant has {MOST} webhooks", retry_after=60.0, reason="LIMIT_REACHED")
        secret = secrets.token_bytes(32)
        webhook: Document = {
            "_id": new_id("webhook"),
            "schema_version": SCHEMA_VERSION,
            "request": request.document(),
            "url": url,
            "events": events,
            "display_name": display_name,
            "disabled": False,
            "secret": secret,
            "created_at": now(),
        }
        if known is None:
            try:
                self._of(tenant).insert_one(webhook)
                self._connection.subscriptions.forget()
                return {**webhook, "tenant": tenant}, SECRET + base64.b64encode(secret).decode()
            except DuplicateKeyError:
                known = self._of(tenant).find_one({"request.id": request.id})
        if known is None or known["request"]["hash"] != request.hash:
            raise AlreadyExists(f"request_id {request.id} was used with another payload")
        return known, ""

    def of_tenant(self, tenant: str) -> list[Document]:
        """The tenant's webhooks, oldest first."""
        return list(self._of(tenant).find({}).sort("_id", 1))

    def set_disabled(self, tenant: str, webhook: str, disabled: bool) -> Document:
        """Switch a webhook off or on (KEPT). Raises NotFound."""
        changed = self._of(tenant).find_one_and_update({"_id": webhook}, {"$set": {"disabled": disabled}})
        self._connection.subscriptions.forget()
        if changed is None:
            raise NotFound(f"no webhook {webhook}")
        return changed

    def delete(self, tenant: str, webhook: str) -> None:
        """Delete a webhook and what waits to be sent to it (KEPT)."""
        self._of(tenant).delete_one({"_id": webhook})
        self._of(tenant, "deliveries").delete_many({"hook": webhook})

    def waiting(self, tenant: str, webhook: str, most: int) -> int:
        """Events that wait to be sent, counted up to ``most``."""
        return self._of(tenant, "deliveries").count({"hook": webhook, "open": True}, limit=most)

    # -- for those who send ---------------------------------------------------------------------

    def switched_on(self) -> dict[str, list[Document]]:
        """The webhooks of all tenants that are on, by tenant."""
        found: dict[str, list[Document]] = {}
        for hook in self._connection.every_tenant("webhooks").find({"disabled": False}).sort("_id", 1):
            found.setdefault(hook["tenant"], []).append(hook)
        return found

    def any_on(self) -> bool:
        """Whether any tenant has a webhook that is on."""
        return self._connection.every_tenant("webhooks").find_one({"disabled": False}, ("_id",)) is not None

    def find(self, tenant: str, webhook: str) -> Document | None:
        """The webhook, where it is still there."""
        return self._of(tenant).find_one({"_id": webhook})

    def failed(self, tenant: str, webhook: str, reason: str) -> None:
        """Note what the latest try met (QUICK); empty: it was taken."""
        hooks = self._connection.scoped("webhooks", tenant, Concern.QUICK)
        hooks.update_one({"_id": webhook}, {"$set": {"failing": reason}})
