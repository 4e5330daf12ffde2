"""Who calls: the API key or token of a call, looked at once in a while, and whether it may make the call."""

from __future__ import annotations

import contextvars
import hashlib
import time
from collections.abc import Iterable
from typing import Any

from services.common.errors import NotFound, PermissionDenied, Unauthenticated
from services.common.store import Credential, Store
from services.gateway import access
from services.gateway.access import Whose
from services.gateway.threads import Threads, tenant_of_call
from services.gateway.tokens import Tokens

_caller: contextvars.ContextVar[Credential] = contextvars.ContextVar("caller")
_whose: contextvars.ContextVar[Whose] = contextvars.ContextVar("whose")
MAX_ID = 128  # a longer one is refused by whoever validates the request


def caller() -> Credential:
    """The credential of the call that is being answered."""
    return _caller.get()


def set_caller(credential: Credential) -> None:
    """Bind a call's credential; each call runs in a context of its own."""
    _caller.set(credential)
    tenant_of_call.set(credential.tenant)


def whose() -> Whose:
    """On whose sessions the call that is being answered may be."""
    return _whose.get()


def request_space() -> str:
    """What the request ids of this call's credential are told apart by: "" for those that act for the whole tenant."""
    credential = _caller.get(None)
    return "" if credential is None or _whose.get(Whose.ALL) is Whose.ALL else credential.key


def sees_suggestions() -> bool:
    """Whether this call's credential sees the drafts that are an agent's alone. A caller does not: it shows
    users what it reads."""
    credential = _caller.get(None)
    return credential is not None and credential.role in ("agent", "reviewer", "operator")


class Keyring:
    """Checks keys against the store, tokens against their issuer's keys, and remembers good ones for a few seconds,
    hashed."""

    LIMIT = 10_000

    def __init__(self, store: Store, threads: Threads, seconds: float, tokens: Tokens | None = None) -> None:
        self._store = store
        self._threads = threads
        self._seconds = seconds
        self._tokens = tokens
        self._known: dict[bytes, tuple[float, Credential]] = {}

    def known(self, metadata: Iterable[tuple[str, str | bytes]]) -> Credential | None:
        """The caller's credential where it was looked at a moment ago. Raises Unauthenticated where there is none."""
        known = self._known.get(_digest(_bearer(metadata)))
        return known[1] if known is not None and known[0] > time.time() else None

    async def identify(self, metadata: Iterable[tuple[str, str | bytes]]) -> Credential:
        """The caller's credential. Raises Unauthenticated, and PermissionDenied (TENANT_DISABLED)."""
        text = _bearer(metadata)
        if text.count(".") == 2 and self._tokens is not None:
            await self._tokens.ready(text)
        credential, expires = await self._threads.run(self._authenticate, text)
        if len(self._known) >= self.LIMIT:
            self._known.clear()
        self._known[_digest(text)] = (min(time.time() + self._seconds, expires), credential)
        return credential

    async def admit(self, method: str, request: Any, credential: Credential) -> None:
        """Raises PermissionDenied where the role may not make the call, and NotFound where the call names a session, or
        a turn of one, that is not the credential's to see: exactly as one that never was."""
        allowed = access.whose(method, credential)
        if allowed is Whose.NONE:
            name = method.rpartition("/")[2]
            raise PermissionDenied(f"{name} is not for a credential of role {credential.role}: see docs/access.md")
        _whose.set(allowed)
        if allowed is not Whose.ALL or credential.labels is not None:
            session, turn = (_named(request, field) for field in ("session_id", "turn_id"))
            if session or turn:
                await self._threads.run(self._check_sight, credential, allowed, session, turn)

    def _check_sight(self, credential: Credential, allowed: Whose, session_id: str, turn_id: str) -> None:
        named = {session_id} - {""}
        if turn_id:
            named.add(self._store.turns.session_of(credential.tenant, turn_id))
        for name in named:
            session = self._store.sessions.get(credential.tenant, name)
            if not access.may_see(session, credential, allowed):
                raise NotFound(f"no turn {turn_id}" if turn_id else f"no session {session_id}")

    def _authenticate(self, text: str) -> tuple[Credential, float]:
        """The credential, and until when it may be remembered (seconds since 1970)."""
        expires = float("inf")
        if text.count(".") == 2:  # a key has one dot
            if self._tokens is None:
                raise Unauthenticated("this gateway takes API keys, not tokens")
            credential, expires = self._tokens.credential(text, wait=False)
            try:
                self._store.tenants.get(credential.tenant)
            except NotFound:
                raise PermissionDenied(f"no tenant {credential.tenant}", reason="OTHER_TENANT") from None
        else:
            credential = self._store.keys.authenticate(text)
        if self._store.tenants.disabled(credential.tenant):
            raise PermissionDenied("the tenant is switched off", reason="TENANT_DISABLED")
        return credential, expires


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _named(request: Any, field: str) -> str:
    """What the request names in a field; "" where it has none, or one that cannot be an id."""
    value = str(getattr(request, field, ""))
    return value if len(value) <= MAX_ID else ""


def _bearer(metadata: Iterable[tuple[str, str | bytes]]) -> str:
    for name, value in metadata:
        if name == "authorization":
            scheme, _, text = (value if isinstance(value, str) else value.decode("ascii", "replace")).partition(" ")
            if scheme.lower() == "bearer" and text.strip():
                return text.strip()
    raise Unauthenticated("send the API key or token as metadata: authorization: Bearer key_…")
