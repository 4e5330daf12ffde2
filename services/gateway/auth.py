"""Who calls: the API key or token of a call, looked at once in a while, and the role that each RPC needs."""

from __future__ import annotations

import contextvars
import hashlib
import time
from collections.abc import Iterable

from services.common.errors import NotFound, PermissionDenied, Unauthenticated
from services.common.store import Credential, Store
from services.common.store.keys import ROLES
from services.gateway.threads import Threads
from services.gateway.tokens import Tokens

_caller: contextvars.ContextVar[Credential] = contextvars.ContextVar("caller")

# What a caller's key may do; everything not named here or below needs an operator's.
CALLER = frozenset(
    "GetSchema ListSchemas GetState SubmitFeedback Search GetIngestion WatchIngestion ListFacts FactHistory".split()
)
REVIEWER_SERVICES = frozenset({"StateService", "FeedbackService", "KnowledgeService"})
# Open to everyone: what load balancers and grpcurl ask before they have a key.
OPEN_SERVICES = ("/grpc.health.v1.", "/grpc.reflection.")


def caller() -> Credential:
    """The credential of the call that is being answered."""
    return _caller.get()


def set_caller(credential: Credential) -> None:
    """Bind a call's credential; each call runs in a context of its own."""
    _caller.set(credential)


def needed_role(method: str) -> str:
    """The lowest role for ``/antiphon.v1.StateService/GetState``; "" where no key is needed."""
    if method.startswith(OPEN_SERVICES):
        return ""
    service, _, name = method.rpartition("/")
    service = service.rpartition(".")[2]
    if service == "ConversationService" or name in CALLER:
        return "caller"
    return "reviewer" if service in REVIEWER_SERVICES else "operator"


def require_role(method: str, credential: Credential) -> None:
    """Raises PermissionDenied where the call needs a higher role than the caller's."""
    needed = needed_role(method)
    if needed and ROLES.index(credential.role) < ROLES.index(needed):
        raise PermissionDenied(f"this call needs a key of role {needed}, yours is {credential.role}")


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

    async def identify(self, metadata: Iterable[tuple[str, str | bytes]]) -> Credential:
        """The caller's credential. Raises Unauthenticated, and PermissionDenied (TENANT_DISABLED)."""
        text = _bearer(metadata)
        digest = hashlib.sha256(text.encode()).digest()
        known = self._known.get(digest)
        if known is not None and known[0] > time.time():
            return known[1]
        credential, expires = await self._threads.run(self._authenticate, text)
        if len(self._known) >= self.LIMIT:
            self._known.clear()
        self._known[digest] = (min(time.time() + self._seconds, expires), credential)
        return credential

    def _authenticate(self, text: str) -> tuple[Credential, float]:
        """The credential, and until when it may be remembered (seconds since 1970)."""
        expires = float("inf")
        if text.count(".") == 2:  # a key has one dot
            if self._tokens is None:
                raise Unauthenticated("this gateway takes API keys, not tokens")
            credential, expires = self._tokens.credential(text)
            try:
                self._store.tenants.get(credential.tenant)
            except NotFound:
                raise PermissionDenied(f"no tenant {credential.tenant}", reason="OTHER_TENANT") from None
        else:
            credential = self._store.keys.authenticate(text)
        if self._store.tenants.disabled(credential.tenant):
            raise PermissionDenied("the tenant is switched off", reason="TENANT_DISABLED")
        return credential, expires


def _bearer(metadata: Iterable[tuple[str, str | bytes]]) -> str:
    for name, value in metadata:
        if name == "authorization":
            scheme, _, text = (value if isinstance(value, str) else value.decode("ascii", "replace")).partition(" ")
            if scheme.lower() == "bearer" and text.strip():
                return text.strip()
    raise Unauthenticated("send the API key or token as metadata: authorization: Bearer key_…")
