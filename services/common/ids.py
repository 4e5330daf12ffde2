"""Identifiers: a short kind, then 26 characters that sort by creation time."""

from __future__ import annotations

import os
import time
from datetime import datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(kind: str) -> str:
    """A fresh identifier such as ``turn_01kb3…``: 48 bits of milliseconds, then 80 random bits.

    The layout is that of a ULID (Crockford's base 32, lower case). It is unguessable but no secret.
    """
    return _written(kind, (int(time.time() * 1000) << 80) | int.from_bytes(os.urandom(10), "big"))


def least_id(kind: str, moment: datetime) -> str:
    """The least identifier that can have been made from that moment on: a bound to look for by ids."""
    return _written(kind, max(0, int(moment.timestamp() * 1000)) << 80)


def _written(kind: str, value: int) -> str:
    return f"{kind}_" + "".join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5))
