"""All personal data in a text, each stretch of it once."""

from __future__ import annotations

import re
from typing import NamedTuple

from services.common.privacy.addresses import addresses
from services.common.privacy.names import names
from services.common.privacy.numbers import numbers
from services.common.privacy.stated import stated

KINDS = ("ID", "CARD", "IBAN", "EMAIL", "BIRTH", "PLATE", "PHONE", "ADDRESS", "HANDLE", "NAME")
"""The kinds, surest first: where two overlap the surer one holds."""
_RANK = {kind: rank for rank, kind in enumerate(KINDS)}
_NUMBER = re.compile(r"[\d@]")
"""One of these is in all that `numbers` and `stated` find."""


class Finding(NamedTuple):
    """A stretch of a text that is personal data: from ``start`` to ``end`` (exclusive), in characters."""

    start: int
    end: int
    kind: str


def findings(text: str) -> list[Finding]:
    """The personal data in a text, in its order, without overlaps."""
    finders = (numbers, stated, addresses, names) if _NUMBER.search(text) else (addresses, names)
    found = [Finding(*one) for finder in finders for one in finder(text)]
    found.sort(key=lambda one: (_RANK.get(one.kind, len(KINDS)), one.start - one.end, one.start))
    taken = bytearray(len(text))
    kept: list[Finding] = []
    for one in found:
        if one.start < one.end and not any(taken[one.start : one.end]):
            taken[one.start : one.end] = b"\x01" * (one.end - one.start)
            kept.append(one)
    return sorted(kept)
