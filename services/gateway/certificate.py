"""The certificate of an erasure: what was done and searched, as JSON that the deployment's key has signed."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pymongo.errors import DuplicateKeyError

from services.common.certificates import sign
from services.common.store import Document, Store

# What an erasure leaves, for whoever reads the certificate.
_KEPT = (
    "the audit log: ids and hashes, and who made a call, as long as it is kept",
    "this erasure: a hash of the user's name",
    "the database's journal and operation log, until they are overwritten",
    "backups made before, until they are deleted",
)


def signing_key(store: Store) -> Ed25519PrivateKey:
    """The deployment's key for certificates, made at the first use."""
    keys = store.connection.every_tenant("signing")
    while True:
        known = keys.find_one({"_id": "certificates"})
        if known is not None:
            return Ed25519PrivateKey.from_private_bytes(known["private"])
        try:
            keys.insert_one({"_id": "certificates", "private": Ed25519PrivateKey.generate().private_bytes_raw()})
        except DuplicateKeyError:
            continue


def certificate(store: Store, erasure: Document) -> str:
    """The certificate of an erasure that is done; "" before. The same whenever it is asked for."""
    if erasure["status"] != "done":
        return ""
    key = signing_key(store)
    said: dict[str, Any] = {
        "erasure": erasure["_id"],
        "tenant": erasure["tenant"],
        "user_hash": erasure["user_hash"],
        "asked": erasure["created_at"].isoformat(),
        "done": erasure["ended_at"].isoformat(),
        "erased": {entry["collection"]: entry["documents"] for entry in erasure["erased"]},
        "searched": {entry["collection"]: entry["documents"] for entry in erasure.get("searched", ())},
        "versions_trained_on_it": erasure["versions"],
        "kept": list(_KEPT),
    }
    return sign(said, key)
