"""AdminService: tenants, API keys, quotas, retention, and erasing a user."""

from __future__ import annotations

import json
import re
from typing import Any

from antiphon.v1 import admin_pb2 as pb
from antiphon.v1 import admin_pb2_grpc as rpc

from services.common.errors import InvalidArgument, PermissionDenied
from services.common.store import Document, Store
from services.common.store.keys import FIRST_SCOPES
from services.common.store.tenants import FIRST
from services.gateway import validation as check
from services.gateway.auth import caller
from services.gateway.certificate import certificate
from services.gateway.mapping.tenants import (
    erasure_message,
    privacy_document,
    quotas_document,
    retention_document,
    tenant_message,
)
from services.gateway.mapping.times import timestamp
from services.gateway.threads import Threads

_ROLES: dict[int, str] = {
    pb.KEY_ROLE_CALLER: "caller",
    pb.KEY_ROLE_REVIEWER: "reviewer",
    pb.KEY_ROLE_OPERATOR: "operator",
    pb.KEY_ROLE_END_USER: "end_user",
    pb.KEY_ROLE_AGENT: "agent",
}
_ROLE_NUMBERS = {word: number for number, word in _ROLES.items()}
MAX_LIFETIME = 100 * 366 * 86_400.0
MAX_GRACE = 7 * 86_400.0
_TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class AdminService(rpc.AdminServiceServicer):
    """Validates, calls the store, answers. Every call needs an operator's key."""

    def __init__(self, store: Store, threads: Threads) -> None:
        self._store = store
        self._threads = threads

    # -- tenants --------------------------------------------------------------------------------

    async def CreateTenant(self, request: pb.CreateTenantRequest, context: Any) -> pb.CreateTenantResponse:
        key = check.request_of("CreateTenant", request)
        _first_tenant()
        if not _TENANT.fullmatch(request.tenant_id):
            raise InvalidArgument("tenant_id", 'lower-case letters, digits and "-", at most 40')
        name = check.words("display_name", request.display_name, check.MAX_USER, needed=False)
        fields = {
            "display_name": name or request.tenant_id,
            "quotas": quotas_document(request.quotas),
            "retention": retention_document(request.retention),
        }
        made = await self._threads.run(self._store.tenants.create, request.tenant_id, key, fields)
        return pb.CreateTenantResponse(tenant=tenant_message(made))

    async def GetTenant(self, request: pb.GetTenantRequest, context: Any) -> pb.GetTenantResponse:
        tenant = await self._tenant(request.tenant_id)
        return pb.GetTenantResponse(tenant=tenant_message(await self._threads.run(self._store.tenants.get, tenant)))

    async def ListTenants(self, request: pb.ListTenantsRequest, context: Any) -> pb.ListTenantsResponse:
        _first_tenant()
        size = check.page_size(request.page_size)
        after = check.words("page_token", request.page_token, check.MAX_ID, needed=False)
        found = await self._threads.run(self._store.tenants.page, after, size)
        following = found[-1]["_id"] if len(found) == size else ""
        return pb.ListTenantsResponse(tenants=map(tenant_message, found), next_page_token=following)

    async def UpdateTenant(self, request: pb.UpdateTenantRequest, context: Any) -> pb.UpdateTenantResponse:
        check.request_of("UpdateTenant", request)
        if request.HasField("display_name") or request.HasField("disabled") or not request.HasField("privacy"):
            _first_tenant()  # how personal data is masked is the tenant's own to say
        tenant = await self._tenant(request.tenant_id)
        fields: Document = {}
        if request.HasField("display_name"):
            fields["display_name"] = check.words("display_name", request.display_name, check.MAX_USER)
        if request.HasField("disabled"):
            if request.disabled and tenant == FIRST:
                raise InvalidArgument("disabled", "the first tenant sees to the others and stays on")
            fields["disabled"] = request.disabled
        if request.HasField("privacy"):
            fields["privacy"] = privacy_document(request.privacy)
        return pb.UpdateTenantResponse(tenant=await self._changed(tenant, fields))

    async def SetQuotas(self, request: pb.SetQuotasRequest, context: Any) -> pb.SetQuotasResponse:
        check.request_of("SetQuotas", request)
        _first_tenant()
        tenant = await self._tenant(request.tenant_id)
        return pb.SetQuotasResponse(tenant=await self._changed(tenant, {"quotas": quotas_document(request.quotas)}))

    async def SetRetention(self, request: pb.SetRetentionRequest, context: Any) -> pb.SetRetentionResponse:
        check.request_of("SetRetention", request)
        tenant = await self._tenant(request.tenant_id)
        kept = retention_document(request.retention)
        return pb.SetRetentionResponse(tenant=await self._changed(tenant, {"retention": kept}))

    async def _changed(self, tenant: str, fields: Document) -> pb.Tenant:
        if not fields:
            return tenant_message(await self._threads.run(self._store.tenants.get, tenant))
        return tenant_message(await self._threads.run(self._store.tenants.update, tenant, fields))

    async def _tenant(self, named: str) -> str:
        """The tenant that a call is about. Raises PermissionDenied for another one's, NotFound for none."""
        check.words("tenant_id", named, check.MAX_ID, needed=False)
        own = caller().tenant
        if not named or named == own:
            return own
        _first_tenant()
        await self._threads.run(self._store.tenants.get, named)
        return named

    # -- erasing a user -------------------------------------------------------------------------

    async def EraseUser(self, request: pb.EraseUserRequest, context: Any) -> pb.EraseUserResponse:
        key = check.request_of("EraseUser", request)
        user = check.words("user_id", request.user_id, check.MAX_USER)
        tenant = await self._tenant(request.tenant_id)
        begun = await self._threads.run(
            lambda: self._store.erasures.begin(tenant, user, key, withdraw=request.withdraw_versions)
        )
        return pb.EraseUserResponse(erasure=erasure_message(begun))

    async def GetErasure(self, request: pb.GetErasureRequest, context: Any) -> pb.GetErasureResponse:
        tenant = await self._tenant(request.tenant_id)
        erasure = check.identifier("erasure_id", request.erasure_id)

        def read() -> pb.Erasure:
            found = self._store.erasures.get(tenant, erasure)
            message = erasure_message(found)
            message.certificate = certificate(self._store, found)
            return message

        return pb.GetErasureResponse(erasure=await self._threads.run(read))

    # -- the audit log --------------------------------------------------------------------------

    async def ListAuditEntries(self, request: pb.ListAuditEntriesRequest, context: Any) -> pb.ListAuditEntriesResponse:
        tenant = await self._tenant(request.tenant_id)
        size = check.page_size(request.page_size)
        before = check.words("page_token", request.page_token, check.MAX_ID, needed=False)
        action = check.words("action", request.action, check.MAX_ID, needed=False)
        found = await self._threads.run(self._store.audit.page, tenant, action=action, before=before, limit=size)
        following = found[-1]["_id"] if len(found) == size else ""
        return pb.ListAuditEntriesResponse(entries=map(_entry_message, found), next_page_token=following)

    # -- keys -----------------------------------------------------------------------------------

    async def CreateKey(self, request: pb.CreateKeyRequest, context: Any) -> pb.CreateKeyResponse:
        key = check.request_of("CreateKey", request)
        tenant = await self._tenant(request.tenant_id)
        label = check.words("display_name", request.display_name, check.MAX_USER, needed=False)
        role = _ROLES.get(request.role)
        if role is None:
            raise InvalidArgument("role", f"choose one of {', '.join(_ROLES.values())}")
        user = check.words("user_id", request.user_id, check.MAX_USER, needed=False)
        check.key_grants(role, request.scopes, user)
        lifetime = check.seconds("lifetime", request.lifetime, MAX_LIFETIME) if request.HasField("lifetime") else None
        made, text = await self._threads.run(
            self._store.keys.create, tenant, role, label, key, lifetime, list(request.scopes), user
        )
        return pb.CreateKeyResponse(key=_key_message(made), secret=text)

    async def ListKeys(self, request: pb.ListKeysRequest, context: Any) -> pb.ListKeysResponse:
        tenant = await self._tenant(request.tenant_id)
        size = check.page_size(request.page_size)
        after = check.words("page_token", request.page_token, check.MAX_ID, needed=False)
        keys = await self._threads.run(self._store.keys.page, tenant, after=after, limit=size)
        following = keys[-1]["_id"] if len(keys) == size else ""
        return pb.ListKeysResponse(keys=[_key_message(key) for key in keys], next_page_token=following)

    async def RevokeKey(self, request: pb.RevokeKeyRequest, context: Any) -> pb.RevokeKeyResponse:
        check.request_of("RevokeKey", request)
        key_id = check.identifier("key_id", request.key_id)
        revoked = await self._threads.run(self._store.keys.revoke, caller().tenant, key_id)
        return pb.RevokeKeyResponse(key=_key_message(revoked))

    async def RotateKey(self, request: pb.RotateKeyRequest, context: Any) -> pb.RotateKeyResponse:
        key = check.request_of("RotateKey", request)
        key_id = check.identifier("key_id", request.key_id)
        grace = check.seconds("grace", request.grace, MAX_GRACE) if request.HasField("grace") else 0.0
        rotated, text = await self._threads.run(self._store.keys.rotate, caller().tenant, key_id, key, grace)
        return pb.RotateKeyResponse(key=_key_message(rotated), secret=text)


def _first_tenant() -> None:
    """Raises PermissionDenied unless the caller belongs to the deployment's first tenant."""
    if caller().tenant != FIRST:
        raise PermissionDenied("this needs an operator's key of the first tenant", reason="OTHER_TENANT")


def _entry_message(entry: Document) -> pb.AuditEntry:
    return pb.AuditEntry(
        id=entry["_id"],
        time=timestamp(entry["at"]),
        actor=entry["actor"],
        role=entry["role"],
        action=entry["action"],
        details=json.dumps(entry["details"] | (entry.get("result") or {}), ensure_ascii=False),
        peer=entry["peer"],
        outcome=entry["outcome"],
        reason=entry.get("reason", ""),
    )


def _key_message(key: Document) -> pb.Key:
    return pb.Key(
        id=key["_id"],
        tenant_id=key["tenant"],
        display_name=key.get("label") or "",
        role=_ROLE_NUMBERS.get(key["role"], pb.KEY_ROLE_UNSPECIFIED),  # type: ignore[arg-type]
        revoked=bool(key.get("revoked_at")),
        expire_time=timestamp(key.get("expires_at")),
        create_time=timestamp(key.get("created_at")),
        scopes=key.get("scopes", FIRST_SCOPES),
        user_id=key.get("user") or "",
    )
