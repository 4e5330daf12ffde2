"""What callers have asked of a document, kept in the document itself: a repeated call gets its first answer.

The entry is written by the very update that the call makes, so that there is no moment in which the effect is there and
the request is not known. A unique index over the entries' keys refuses a request id that another document has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.common.errors import AlreadyExists

KEPT = 32
"""Entries that a document keeps; the oldest is forgotten first."""


@dataclass(frozen=True)
class Request:
    """A caller's ``request_id`` with the method it was sent to and a hash of its payload.

    ``given`` False: the caller sent none, so that the call cannot be repeated and is not written down.
    """

    method: str
    id: str
    hash: str
    given: bool = True

    @property
    def key(self) -> str:
        """What is unique in a tenant."""
        return f"{self.method}/{self.id}"

    def document(self) -> dict[str, Any]:
        return {"method": self.method, "id": self.id, "hash": self.hash}


def used_elsewhere(request: Request) -> AlreadyExists:
    """The error of an id that was used with another payload."""
    return AlreadyExists(f"request_id {request.id} was used with another payload")


def first_answer(document: Mapping[str, Any], request: Request) -> Mapping[str, Any] | None:
    """What this request was answered before, as ``entry`` has kept it; None where it is new to the document.

    Raises AlreadyExists (another payload).
    """
    for known in document.get("asked") or ():
        if known["key"] == request.key:
            if known["hash"] != request.hash:
                raise used_elsewhere(request)
            return known  # type: ignore[no-any-return]
    return None


def unasked(request: Request | None) -> dict[str, Any]:
    """The part of an update's filter that lets a request pass once."""
    return {"asked.key": {"$ne": request.key}} if request is not None and request.given else {}


def entry(request: Request | None, **answer: Any) -> dict[str, Any]:
    """The part of an update that writes a request down with what it is answered."""
    if request is None or not request.given:
        return {}
    kept = {"key": request.key, "hash": request.hash, **answer}
    return {"$push": {"asked": {"$each": [kept], "$slice": -KEPT}}}
