"""Whether a value is the tenant's own: it stands in its documents or facts, as the company's hotline does."""

from __future__ import annotations

import re

from services.common.privacy.numbers import without_extension
from services.common.store.connection import Connection

_OWNED = frozenset({"PHONE", "EMAIL", "IBAN", "ADDRESS", "NAME"})
_GAP = r"[ .()/-]{0,3}"
_NOBODYS = {"$in": [None, ""]}


class OwnValueStore:
    """Answers "is this ours?"."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def is_own(self, tenant: str, kind: str, value: str) -> bool:
        """Whether a telephone number, an e-mail address, an IBAN, an address or a whole name stands in a passage of the
        tenant that no end user brought, or in a fact that rests on nothing that was said in a conversation.

        Reads the tenant's passages until one has it: for values that were found alone."""
        if kind not in _OWNED or (kind == "NAME" and len(value) < 3):
            return False
        pattern = {"$regex": _pattern(kind, value), "$options": "i"}
        unsaid = {f"provenance.{name}": _NOBODYS for name in ("said_by", "turn", "feedback")}
        passages = self._connection.scoped("passages", tenant)
        facts = self._connection.scoped("facts", tenant)
        return bool(
            passages.count({"text": pattern, "user": _NOBODYS}, limit=1)
            or facts.count({"value": pattern, **unsaid}, limit=1)
        )


def _pattern(kind: str, value: str) -> str:
    """How a value may be written: telephone numbers with the country's code or the trunk's 0, words in any case."""
    if kind == "PHONE":
        digits = [sign for sign in without_extension(value) if sign.isdigit()]
        return rf"(?<!\d)(?:\d{{1,5}}{_GAP}){{0,3}}{_GAP.join(digits[-9:])}(?!\d)"
    if kind == "IBAN":
        signs = [sign for sign in value if sign.isalnum()]
        return rf"(?<![A-Za-z0-9]){_GAP.join(signs)}(?![A-Za-z0-9])"
    words = r"\s{1,3}".join(re.escape(word) for word in value.split())
    return rf"(?<![A-Za-z0-9._%+-]){words}(?![A-Za-z0-9])"
