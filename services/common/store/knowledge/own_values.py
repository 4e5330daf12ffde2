"""Whether a value is the tenant's own: it stands in its documents or facts, as the company's hotline does."""

from __future__ import annotations

import re

from services.common.store.connection import Connection

_OWNED = frozenset({"PHONE", "EMAIL", "IBAN", "ADDRESS"})
_GAP = r"[ .()/-]{0,3}"


class OwnValueStore:
    """Answers "is this ours?"."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def is_own(self, tenant: str, kind: str, value: str) -> bool:
        """Whether a telephone number, an e-mail address, an IBAN or an address stands in a passage or a fact of the
        tenant that no end user brought. Reads the tenant's passages: for values that were found alone."""
        if kind not in _OWNED:
            return False
        pattern = {"$regex": _pattern(kind, value), "$options": "i"}
        nobodys = {"user": {"$in": [None, ""]}}
        passages = self._connection.scoped("passages", tenant)
        facts = self._connection.scoped("facts", tenant)
        return bool(
            passages.count({"text": pattern, **nobodys}, limit=1) or facts.count({"value": pattern, **nobodys}, limit=1)
        )


def _pattern(kind: str, value: str) -> str:
    if kind in ("PHONE", "IBAN"):
        signs = [re.escape(sign) for sign in value if sign.isalnum()]
        return rf"(?<!\d){_GAP.join(signs)}(?!\d)"
    return re.escape(value)
