"""Certificates: what a deployment says as JSON, signed with its key (Ed25519), for whoever holds one to check."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

MOST_CHARACTERS = 1_000_000


def sign(said: Mapping[str, Any], key: Ed25519PrivateKey) -> str:
    """The certificate that says this: JSON with ``public_key`` and ``signature`` (base64) beside what is said."""
    signature = base64.b64encode(key.sign(_text(said))).decode()
    public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    return json.dumps({**said, "public_key": public, "signature": signature}, ensure_ascii=False, sort_keys=True)


def read(text: str) -> dict[str, Any]:
    """What a certificate says, its key and signature included. Raises ValueError where it is none."""
    if len(text) > MOST_CHARACTERS:
        raise ValueError("longer than any certificate")
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("no certificate: it is no JSON") from None
    if not isinstance(said, dict) or not all(isinstance(said.get(name), str) for name in ("public_key", "signature")):
        raise ValueError("no certificate: it has no public_key and signature")
    return said


def check(text: str, public_key: str) -> bool:
    """Whether this certificate was signed with the key of this public half (base64), as the deployment published it."""
    try:
        said = read(text)
        signature = base64.b64decode(said.pop("signature"), validate=True)
        said.pop("public_key")
        Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True)).verify(signature, _text(said))
    except (ValueError, binascii.Error, InvalidSignature):
        return False
    return True


def _text(said: Mapping[str, Any]) -> bytes:
    return json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
