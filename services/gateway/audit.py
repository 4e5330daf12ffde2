"""Which calls are written into the audit log, and what of their requests: ids and names, never a user's words."""

from __future__ import annotations

import contextvars
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from services.common.errors import AntiphonError
from services.common.facts import fact_id
from services.common.store import Credential, Document, Store
from services.common.store.audit import DONE, FAILED, REFUSED
from services.common.store.erasures import user_hash
from services.common.store.knowledge import document_id
from services.gateway.threads import Threads

# Requests are written down before they are checked, so what they say is cut.
MOST_LETTERS, MOST_ITEMS = 200, 100
REFUSED_SECONDS, REFUSED_KEPT = 60.0, 10_000
_noted: contextvars.ContextVar[Document] = contextvars.ContextVar("noted")


def _fields(*names: str) -> Callable[[Any, str], Document]:
    def take(request: Any, _tenant: str) -> Document:
        return {name: getattr(request, name) for name in names if _filled(request, name)}

    return take


def _filled(request: Any, name: str) -> bool:
    descriptor = request.DESCRIPTOR.fields_by_name[name]
    return request.HasField(name) if descriptor.has_presence else bool(getattr(request, name))


def _key(request: Any, _tenant: str) -> Document:
    granted = {"scopes": list(request.scopes)[:MOST_ITEMS]} if request.scopes else {}
    return {"tenant_id": request.tenant_id, "role": _word(request, "role"), **granted}


def _word(request: Any, name: str) -> str:
    """What a field's number is called; the number where it is unknown."""
    number = getattr(request, name)
    known = request.DESCRIPTOR.fields_by_name[name].enum_type.values_by_number.get(number)
    return known.name if known is not None else str(number)


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


def _tenant_changed(request: Any, tenant: str) -> Document:
    changed = _fields("tenant_id", "disabled")(request, tenant)
    if request.HasField("privacy"):
        # The values that stay are counted: an entry outlives them.
        asked = request.privacy
        changed["privacy"] = {"mode": _word(asked, "mode"), "keep": len(asked.keep)}
        if asked.reveal_role:
            changed["privacy"]["reveal_role"] = _word(asked, "reveal_role")
    return changed


def _webhook(request: Any, _tenant: str) -> Document:
    # Paths and queries may hold what only the receiver is to know.
    return {"host": request.url.partition("://")[2].partition("/")[0].rpartition("@")[2]}


def _nothing(_request: Any, _tenant: str) -> Document:
    return {}


def _fact(request: Any, _tenant: str) -> Document:
    # The words stay out: an entry outlives what it is about.
    return {"fact_id": fact_id(request.entity, request.slot), "authority": request.authority}


def _document(request: Any, _tenant: str) -> Document:
    return {"document": document_id(request.name)}


def _schema(request: Any, _tenant: str) -> Document:
    digest = hashlib.sha256(request.definition.encode()).hexdigest()
    return {"name": request.name, "definition": digest[:32]}


def _reviewed(request: Any, _tenant: str) -> Document:
    return {"records": len(request.feedback_ids), "refuse": request.refuse}


def _export(request: Any, tenant: str) -> Document:
    user = {"user": user_hash(tenant, request.user_id)} if request.user_id else {}
    return {**user, **_fields("session_id", "after_id", "reveal")(request, tenant)}


# Promotions, trainings, replays, corrections, teaching, what comes in and goes out in bulk, changes of keys and
# tenants, erasures, and who read this log.
AUDITED: dict[str, Callable[[Any, str], Document]] = {
    "PromoteVersion": _fields("version_id", "expected_epoch", "force"),
    "SetCanary": _fields("version_id", "share", "expected_epoch"),
    "RollbackVersion": _fields("expected_epoch"),
    "StartTraining": _fields("kind", "promote"),
    "CancelTraining": _fields("training_id"),
    "WatchTraining": _fields("training_id"),
    "ReplayDraft": _fields("turn_id", "round"),
    "PutSchema": _schema,
    "CorrectState": _corrections,
    "TeachFact": _fact,
    "RetractFact": _fields("fact_id", "expected_revision"),
    "UndoFact": _fields("fact_id", "revision", "expected_revision"),
    "ConfirmCandidate": _fields("candidate_id", "reject"),
    "IngestDocument": _nothing,
    "OpenImport": _nothing,
    "CloseImport": _fields("import_id", "total_lines"),
    "ExportFeedback": _export,
    "ReviewFeedback": _reviewed,
    "ListAuditEntries": _fields("tenant_id", "action"),
    "ListKeys": _fields("tenant_id"),
    "CreateKey": _key,
    "RotateKey": _fields("key_id"),
    "RevokeKey": _fields("key_id"),
    "CreateWebhook": _webhook,
    "UpdateWebhook": _fields("webhook_id", "disabled"),
    "DeleteWebhook": _fields("webhook_id"),
    "CreateTenant": _fields("tenant_id"),
    "UpdateTenant": _tenant_changed,
    "SetQuotas": _quotas,
    "SetRetention": _retention,
    "EraseUser": _user,
    "EraseSession": _fields("session_id"),
    "EraseFeedback": _erased_feedback,
    "DeleteDocument": _document,
}


def _cut(value: Any) -> Any:
    return value[:MOST_LETTERS] if isinstance(value, str) else value


def note(**fields: Any) -> None:
    """Add to the entry of the call that is being answered what its request did not say yet: ids, numbers."""
    _noted.get({}).update(fields)


class AuditLog:
    """Writes an entry before such a call and its outcome after; where the entry cannot be written, nothing is done.

    Of calls that a role may not make each caller leaves one entry a minute for each RPC: who may do nothing cannot fill
    the log either.
    """

    def __init__(self, store: Store, threads: Threads, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._threads = threads
        self._clock = clock
        self._refused: OrderedDict[tuple[str, str, str], float] = OrderedDict()

    async def refused(self, method: str, request: Any, who: Credential, peer: str, error: AntiphonError) -> None:
        """Write down that a call was refused before it was looked at; seldom, where there are many."""
        at, key = self._clock(), (who.tenant, who.key, method)
        if at - self._refused.get(key, float("-inf")) < REFUSED_SECONDS:
            return
        self._refused[key] = at
        self._refused.move_to_end(key)
        while len(self._refused) > REFUSED_KEPT:
            self._refused.popitem(last=False)
        await self.end(who, await self.begin(method, request, who, peer), error)

    async def begin(self, method: str, request: Any, who: Credential, peer: str) -> str:
        """The new entry's id; "" for a call that is not audited."""
        take = AUDITED.get(method.rpartition("/")[2])
        if take is None:
            return ""
        action = method.rpartition("/")[2]
        details = {name: _cut(value) for name, value in take(request, who.tenant).items()}
        _noted.set({})
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
        noted = {name: _cut(value) for name, value in _noted.get({}).items()}
        await self._threads.run(self._store.audit.end, who.tenant, entry, outcome, reason, noted)
