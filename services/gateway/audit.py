"""Which calls are written into the audit log, and what of their requests: ids and names, never a user's words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.common.errors import AntiphonError
from services.common.store import Credential, Document, Store
from services.common.store.audit import DONE, FAILED, REFUSED
from services.common.store.erasures import user_hash
from services.gateway.threads import Threads

# Requests are written down before they are checked, so what they say is cut.
MOST_LETTERS, MOST_ITEMS = 200, 100


def _fields(*names: str) -> Callable[[Any, str], Document]:
    def take(request: Any, _tenant: str) -> Document:
        return {name: getattr(request, name) for name in names if _filled(request, name)}

    return take


def _filled(request: Any, name: str) -> bool:
    descriptor = request.DESCRIPTOR.fields_by_name[name]
    return request.HasField(name) if descriptor.has_presence else bool(getattr(request, name))


def _key(request: Any, _tenant: str) -> Document:
    role = request.DESCRIPTOR.fields_by_name["role"].enum_type.values_by_number.get(request.role)
    return {"tenant_id": request.tenant_id, "role": role.name if role else str(request.role)}


def _corrections(request: Any, _tenant: str) -> Document:
    # The values stay out: they are what a user said, and an entry outlives an erasure.
    slots = [f"{one.service}.{one.slot}"[:MOST_LETTERS] for one in list(request.corrections)[:MOST_ITEMS]]
    return {"session_id": request.session_id, "slots": slots}


def _user(request: Any, tenant: str) -> Document:
    tenant = request.tenant_id or tenant
    return {"tenant_id": tenant, "user": user_hash(tenant, request.user_id), "withdraw": request.withdraw_versions}


def _erased_feedback(request: Any, _tenant: str) -> Document:
    return {"records": len(request.feedback_ids), "import_id": request.import_id}


def _quotas(request: Any, _tenant: str) -> Document:
    given = {field.name: value for field, value in request.quotas.ListFields()}
    return {"tenant_id": request.tenant_id, "quotas": given}


def _retention(request: Any, _tenant: str) -> Document:
    given = {field.name: value.seconds for field, value in request.retention.ListFields()}
    return {"tenant_id": request.tenant_id, "seconds": given}


# Promotions, replays, corrections, changes of keys and tenants, erasures.
AUDITED: dict[str, Callable[[Any, str], Document]] = {
    "PromoteVersion": _fields("version_id", "expected_epoch", "force"),
    "SetCanary": _fields("version_id", "share", "expected_epoch"),
    "RollbackVersion": _fields("expected_epoch"),
    "ReplayDraft": _fields("turn_id", "round"),
    "CorrectState": _corrections,
    "CreateKey": _key,
    "RotateKey": _fields("key_id"),
    "RevokeKey": _fields("key_id"),
    "CreateTenant": _fields("tenant_id"),
    "UpdateTenant": _fields("tenant_id", "disabled"),
    "SetQuotas": _quotas,
    "SetRetention": _retention,
    "EraseUser": _user,
    "EraseSession": _fields("session_id"),
    "EraseFeedback": _erased_feedback,
    "DeleteDocument": _fields("name"),
}


def _cut(value: Any) -> Any:
    return value[:MOST_LETTERS] if isinstance(value, str) else value


class AuditLog:
    """Writes an entry before such a call and its outcome after; where the entry cannot be written, nothing is done."""

    def __init__(self, store: Store, threads: Threads) -> None:
        self._store = store
        self._threads = threads

    async def begin(self, method: str, request: Any, who: Credential, peer: str) -> str:
        """The new entry's id; "" for a call that is not audited."""
        take = AUDITED.get(method.rpartition("/")[2])
        if take is None:
            return ""
        action = method.rpartition("/")[2]
        details = {name: _cut(value) for name, value in take(request, who.tenant).items()}
        begin = self._store.audit.begin
        return await self._threads.run(begin, who.tenant, who.key, who.role, action, details, peer)

    async def end(self, who: Credential, entry: str, error: BaseException | None = None) -> None:
        """Write down how the call of this entry went; does nothing for ""."""
        if not entry:
            return
        if error is None:
            outcome, reason = DONE, ""
        elif isinstance(error, AntiphonError):
            outcome, reason = REFUSED, error.reason
        else:
            outcome, reason = FAILED, type(error).__name__
        await self._threads.run(self._store.audit.end, who.tenant, entry, outcome, reason)
