"""AdminService: API keys."""

from __future__ import annotations

from typing import Any

from antiphon.v1 import admin_pb2 as pb
from antiphon.v1 import admin_pb2_grpc as rpc

from services.common.errors import InvalidArgument, PermissionDenied
from services.common.store import Document, Store
from services.gateway import validation as check
from services.gateway.auth import caller
from services.gateway.mapping.times import timestamp
from services.gateway.threads import Threads

_ROLES: dict[int, str] = {
    pb.KEY_ROLE_CALLER: "caller",
    pb.KEY_ROLE_REVIEWER: "reviewer",
    pb.KEY_ROLE_OPERATOR: "operator",
}
_ROLE_NUMBERS = {word: number for number, word in _ROLES.items()}
MAX_LIFETIME = 100 * 366 * 86_400.0


class AdminService(rpc.AdminServiceServicer):
    """Validates, calls the store, answers. Every call needs an operator's key."""

    def __init__(self, store: Store, threads: Threads) -> None:
        self._store = store
        self._threads = threads

    async def CreateKey(self, request: pb.CreateKeyRequest, context: Any) -> pb.CreateKeyResponse:
        key = check.request_of("CreateKey", request)
        tenant = _own_tenant(request.tenant_id)
        label = check.words("display_name", request.display_name, check.MAX_USER, needed=False)
        role = _ROLES.get(request.role)
        if role is None:
            raise InvalidArgument("role", "choose caller, reviewer or operator")
        lifetime = check.seconds("lifetime", request.lifetime, MAX_LIFETIME) if request.HasField("lifetime") else None
        made, text = await self._threads.run(self._store.keys.create, tenant, role, label, key, lifetime)
        return pb.CreateKeyResponse(key=_key_message(made), secret=text)

    async def ListKeys(self, request: pb.ListKeysRequest, context: Any) -> pb.ListKeysResponse:
        tenant = _own_tenant(request.tenant_id)
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


def _own_tenant(named: str) -> str:
    """The caller's tenant; naming another one is not for this key."""
    check.words("tenant_id", named, check.MAX_ID, needed=False)
    own = caller().tenant
    if named and named != own:
        raise PermissionDenied("this key belongs to another tenant", reason="OTHER_TENANT")
    return own


def _key_message(key: Document) -> pb.Key:
    return pb.Key(
        id=key["_id"],
        tenant_id=key["tenant"],
        display_name=key.get("label") or "",
        role=_ROLE_NUMBERS.get(key["role"], pb.KEY_ROLE_UNSPECIFIED),  # type: ignore[arg-type]
        revoked=bool(key.get("revoked_at")),
        expire_time=timestamp(key.get("expires_at")),
        create_time=timestamp(key.get("created_at")),
    )
