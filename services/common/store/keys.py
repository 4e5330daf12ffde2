"""API keys: stored as a hash, looked up by id, shown once when they are made."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from pymongo.errors import DuplicateKeyError

from services.common.clock import now
from services.common.errors import Aborted, AlreadyExists, FailedPrecondition, NotFound, Unauthenticated
from services.common.ids import new_id
from services.common.store.connection import Concern, Connection, Document, Scoped
from services.common.store.requests import Request
from services.common.store.turns import SCHEMA_VERSION

# Of several roles in a token the last of these counts.
ROLES = ("end_user", "agent", "caller", "reviewer", "operator")
ALL_SESSIONS, ANY_ACCESS, ACCESS = "sessions:all", "access:*", "access:"
# What keys may do that were made before there were scopes.
FIRST_SCOPES = (ALL_SESSIONS, ANY_ACCESS)


@dataclass(frozen=True)
class Credential:
    """Who calls: a key (or token) of a tenant with a role, and what it was granted beside the role.

    ``key`` is a key's id, or ``jwt:`` and a token's subject; ``user`` the user whom an end user's credential is for.
    """

    tenant: str
    key: str
    role: str
    scopes: frozenset[str] = frozenset()
    user: str = ""

    @property
    def labels(self) -> frozenset[str] | None:
        """Labels of limited access that were granted; None: any."""
        if self.role == "operator" or ANY_ACCESS in self.scopes:
            return None
        return frozenset(one.removeprefix(ACCESS) for one in self.scopes if one.startswith(ACCESS))

    def granted(self, labels: Iterable[str]) -> bool:
        """Whether all of these labels of limited access were granted."""
        return self.labels is None or self.labels.issuperset(labels)


def _digest(secret: str) -> str:
    # The secret has 256 random bits, so that one fast hash is enough; there is nothing to guess.
    return hashlib.sha256(secret.encode()).hexdigest()


class Keys:
    """Operations on the ``keys`` collection. A key reads ``key_<id>.<secret>``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _of(self, tenant: str) -> Scoped:
        return self._connection.scoped("keys", tenant, Concern.KEPT)

    def create(
        self,
        tenant: str,
        role: str,
        label: str,
        request: Request | None = None,
        lifetime: float | None = None,
        scopes: Sequence[str] = (),
        user: str = "",
    ) -> tuple[Document, str]:
        """Make a key (KEPT) and return it with its text, which is not stored and cannot be shown again.

        ``lifetime`` in seconds; None: for ever. ``user``: whom a key of role end_user is for. A repeated request gets
        its key with an empty text. Raises AlreadyExists (the request id with another payload).
        """
        secret = secrets.token_urlsafe(32)
        key: Document = {
            "_id": new_id("key"),
            "schema_version": SCHEMA_VERSION,
            "role": role,
            "label": label,
            "scopes": sorted(set(scopes)),
            "user": user,
            "hash": _digest(secret),
            "created_at": now(),
        }
        if lifetime is not None:
            key["expires_at"] = key["created_at"] + timedelta(seconds=lifetime)
        if request is not None:
            key["request"] = request.document()
        try:
            self._of(tenant).insert_one(key)
        except DuplicateKeyError:
            known = self._of(tenant).find_one({"request.id": request.id if request else ""})
            if known is None:
                raise
            if request is not None and known["request"]["hash"] != request.hash:
                raise AlreadyExists(f"request_id {request.id} was used with another payload") from None
            return known, ""
        return {**key, "tenant": tenant}, f"{key['_id']}.{secret}"

    def authenticate(self, text: str) -> Credential:
        """The credential behind a key's text. Raises Unauthenticated for whatever is wrong with it."""
        key_id, _, secret = text.partition(".")
        key = self._connection.every_tenant("keys").find_one({"_id": key_id})
        known = key["hash"] if key is not None else _digest("")
        right = hmac.compare_digest(known, _digest(secret))
        older = (key or {}).get("older")  # the secret before a rotation, for its time of grace
        if older is not None and older["until"] > now():
            right = hmac.compare_digest(older["hash"], _digest(secret)) or right
        if not right or key is None or key.get("revoked_at"):
            raise Unauthenticated("the API key is unknown or revoked")
        if key.get("expires_at") and key["expires_at"] <= now():
            raise Unauthenticated("the API key has expired")
        scopes = frozenset(key.get("scopes", FIRST_SCOPES))
        return Credential(key["tenant"], key["_id"], key["role"], scopes, key.get("user", ""))

    def ended_among(self, keys: Iterable[str]) -> set[str]:
        """Of these keys' ids, of any tenant, those that are revoked, have expired or are gone."""
        wanted = set(keys)
        every = self._connection.every_tenant("keys")
        good = {
            "_id": {"$in": sorted(wanted)},
            "revoked_at": {"$exists": False},
            "$or": [{"expires_at": {"$exists": False}}, {"expires_at": {"$gt": now()}}],
        }
        return wanted - {str(one["_id"]) for one in every.find(good, ("_id",))}

    def page(self, tenant: str, *, after: str = "", limit: int = 50) -> list[Document]:
        """A tenant's keys without their hashes, oldest first."""
        cursor = self._of(tenant).find({"_id": {"$gt": after}}, {"hash": False})
        return list(cursor.sort("_id", 1).limit(limit))

    def rotate(self, tenant: str, key_id: str, request: Request, grace: float) -> tuple[Document, str]:
        """Give a key a new secret (KEPT); the old one works for ``grace`` seconds more.

        A repeated request gets the key with an empty text. Raises NotFound, FailedPrecondition (KEY_REVOKED).
        """
        secret = secrets.token_urlsafe(32)
        key = self._of(tenant).find_one({"_id": key_id})
        if key is None:
            raise NotFound(f"no key {key_id}")
        if key.get("revoked_at"):
            raise FailedPrecondition("the key is revoked", reason="KEY_REVOKED")
        if key.get("rotation") == request.document():
            return key, ""
        rotated = self._of(tenant).find_one_and_update(
            {"_id": key_id, "hash": key["hash"]},
            {
                "$set": {
                    "hash": _digest(secret),
                    "rotation": request.document(),
                    "older": {"hash": key["hash"], "until": now() + timedelta(seconds=grace)},
                }
            },
        )
        if rotated is None:
            raise Aborted("the key was rotated meanwhile", reason="REVISION_MISMATCH")
        return rotated, f"{key_id}.{secret}"

    def revoke(self, tenant: str, key_id: str) -> Document:
        """Refuse the key from now on (KEPT); twice is the same as once. Raises NotFound."""
        revoked = self._of(tenant).find_one_and_update(
            {"_id": key_id}, [{"$set": {"revoked_at": {"$ifNull": ["$revoked_at", "$$NOW"]}}}]
        )
        if revoked is None:
            raise NotFound(f"no key {key_id}")
        return revoked
