"""JSON Web Tokens beside API keys: signed by whom the JWKS names, for this audience, with a tenant and a role."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import jwt

from services.common.errors import PermissionDenied, Unauthenticated
from services.common.store import Credential
from services.common.store.keys import ACCESS, ALL_SESSIONS, ROLES
from services.gateway.jwks import FETCH_TIMEOUT, KeySet

# Asymmetric alone: with HS256 a public key would do as the secret.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LEEWAY = 10.0  # seconds that two clocks may differ


@dataclass(frozen=True)
class TokenRules:
    """What a token must say; claims may be paths such as ``realm_access.roles``."""

    issuer: str
    audience: str
    tenant_claim: str = "tenant"
    role_claim: str = "role"
    scope_claim: str = "scope"
    groups_claim: str = "groups"


class Tokens:
    """Makes credentials of tokens; safe to share between threads."""

    def __init__(self, keys: KeySet, rules: TokenRules) -> None:
        self._keys = keys
        self._rules = rules

    async def ready(self, text: str) -> None:
        """Wait, on the loop and not in a thread, until the token's key has been looked for."""
        with suppress(jwt.PyJWTError, ValueError):
            fetching = self._keys.awaited(str(jwt.get_unverified_header(text).get("kid", "")))
            if fetching is not None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(fetching)), FETCH_TIMEOUT)

    def credential(self, text: str, *, wait: bool = True) -> tuple[Credential, float]:
        """Whose token it is, and when it expires (seconds since 1970); ``wait`` for keys that have to be fetched.

        Raises Unauthenticated (TOKEN_EXPIRED, or INVALID_CREDENTIAL for everything else that is wrong with it) and
        PermissionDenied where a good token names no role.
        """
        rules = self._rules
        try:
            header = jwt.get_unverified_header(text)
            claims = jwt.decode(
                text,
                self._keys.key(str(header.get("kid", "")), wait=wait),
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
