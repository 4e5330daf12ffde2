"""JSON Web Tokens beside API keys: signed by whom the JWKS names, for this audience, with a tenant and a role."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import structlog

from services.common.errors import PermissionDenied, Unauthenticated, Unavailable
from services.common.store import Credential
from services.common.store.keys import ACCESS, ALL_SESSIONS, ROLES

log = structlog.get_logger(__name__)
# Asymmetric alone: with HS256 a public key would do as the secret.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LEEWAY = 10.0  # seconds that two clocks may differ
FETCH_TIMEOUT = 5.0
FRESH_SECONDS = 300.0  # a key that its owner withdrew is gone from here after that long
FETCH_AGAIN = 10.0  # an unknown key id makes us look again, but not more often than this
MAX_JWKS_BYTES = 2**20


@dataclass(frozen=True)
class TokenRules:
    """What a token must say; claims may be paths such as ``realm_access.roles``."""

    issuer: str
    audience: str
    tenant_claim: str = "tenant"
    role_claim: str = "role"
    scope_claim: str = "scope"
    groups_claim: str = "groups"


class KeySet:
    """The public keys of a JWKS: a file, read again when it changes, or a URL, fetched again after a while."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._keys: dict[str, jwt.PyJWK] = {}
        self._stamp: tuple[int, int] | None = None
        self._fetched = float("-inf")

    def key(self, key_id: str) -> jwt.PyJWK:
        """The key of this id. Raises Unauthenticated for an unknown one, Unavailable where none can be read."""
        with self._lock:
            age = time.monotonic() - self._fetched
            if (self._changed() if not self._remote else age > FRESH_SECONDS) or (
                key_id not in self._keys and self._remote and age > FETCH_AGAIN
            ):
                self._load()
            found = self._keys.get(key_id)
        if found is None:
            raise Unauthenticated("the token is signed with an unknown key")
        return found

    @property
    def _remote(self) -> bool:
        return self._source.startswith(("https://", "http://"))

    def _changed(self) -> bool:
        try:
            status = Path(self._source).stat()
        except OSError:
            return not self._keys
        return (status.st_mtime_ns, status.st_size) != self._stamp

    def _load(self) -> None:
        """Read the keys; where that fails the ones known so far stay good."""
        self._fetched = time.monotonic()
        try:
            if self._remote:
                with urllib.request.urlopen(self._source, timeout=FETCH_TIMEOUT) as answer:
                    content = answer.read(MAX_JWKS_BYTES)
            else:
                status = Path(self._source).stat()
                content = Path(self._source).read_bytes()
                self._stamp = (status.st_mtime_ns, status.st_size)
            self._keys = _parse(json.loads(content))
        except (OSError, ValueError, TypeError, AttributeError) as error:
            log.error("jwks_unreadable", source=self._source, error=repr(error))
            if not self._keys:
                raise Unavailable("the keys that tokens are checked with cannot be read") from error


def _parse(document: Mapping[str, Any]) -> dict[str, jwt.PyJWK]:
    keys: dict[str, jwt.PyJWK] = {}
    for one in document.get("keys", ()):
        if one.get("kty") == "oct" or one.get("use", "sig") != "sig":
            continue
        try:
            keys[one.get("kid", "")] = jwt.PyJWK(one)
        except jwt.PyJWTError as error:
            log.warning("jwk_ignored", kid=one.get("kid"), error=str(error))
    return keys


class Tokens:
    """Makes credentials of tokens; safe to share between threads, blocks while keys are fetched."""

    def __init__(self, keys: KeySet, rules: TokenRules) -> None:
        self._keys = keys
        self._rules = rules

    def credential(self, text: str) -> tuple[Credential, float]:
        """Whose token it is, and when it expires (seconds since 1970).

        Raises Unauthenticated (TOKEN_EXPIRED, or INVALID_CREDENTIAL for everything else that is wrong with it) and
        PermissionDenied where a good token names no role.
        """
        rules = self._rules
        try:
            header = jwt.get_unverified_header(text)
            claims = jwt.decode(
                text,
                self._keys.key(str(header.get("kid", ""))),
                algorithms=ALGORITHMS,
                audience=rules.audience,
                issuer=rules.issuer,
                leeway=LEEWAY,
                options={"require": ["exp", "sub", "iss", "aud"]},
            )
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("the token has expired", reason="TOKEN_EXPIRED") from None
        except (jwt.PyJWTError, ValueError) as error:
            raise Unauthenticated(f"the token is not good: {error}") from None
        tenant = _claim(claims, rules.tenant_claim)
        if not isinstance(tenant, str) or not tenant:
            raise Unauthenticated(f"the token names no tenant ({rules.tenant_claim})")
        subject = str(claims["sub"])
        role = _highest_role(_claim(claims, rules.role_claim))
        groups = _words(_claim(claims, rules.groups_claim)) if rules.groups_claim else []
        scopes = {
            one for one in _words(_claim(claims, rules.scope_claim)) if one == ALL_SESSIONS or one.startswith(ACCESS)
        }
        scopes |= {f"{ACCESS}{one}" for one in groups if one != "*"}
        user = subject if role == "end_user" else ""
        return Credential(tenant, f"jwt:{subject}", role, frozenset(scopes), user), float(claims["exp"])


def _claim(claims: Mapping[str, Any], path: str) -> Any:
    """A claim by its whole name, else by its path."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for name in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found


def _words(claim: Any) -> list[str]:
    """What a claim lists: words with spaces between them, or a list."""
    listed = claim.split() if isinstance(claim, str) else claim if isinstance(claim, list) else []
    return [one for one in listed if isinstance(one, str)]


def _highest_role(claim: Any) -> str:
    named = _words(claim)
    for role in reversed(ROLES):
        if role in named:
            return role
    raise PermissionDenied("the token names no role", reason="NO_ROLE")
