"""Identifiers: a short kind, then 26 characters that sort by creation time."""

from __future__ import annotations

import os
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(kind: str) -> str:
    """A fresh identifier such as ``turn_01kb3…``: 48 bits of milliseconds, then 80 random bits.

    The layout is that of a ULID (Crockford's base 32, lower case). It is unguessable but no secret.
    """
    value = (int(time.time() * 1000) << 80) | int.from_bytes(os.urandom(10), "big")
    return f"{kind}_" + "".join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5))
