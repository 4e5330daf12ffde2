"""Ids of responses: a turn, and the round whose draft it is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.web.errors import WebError

_ID = re.compile(r"resp_([A-Za-z0-9_]{1,100}?)(?:-r([0-9]{1,4}))?")


@dataclass(frozen=True)
class ResponseId:
    """A draft of a turn as a response: ``resp_TURN``, and ``resp_TURN-r2`` for the draft of round 2."""

    turn_id: str
    round: int = 0

    def __str__(self) -> str:
        return f"resp_{self.turn_id}" + (f"-r{self.round}" if self.round else "")

    @property
    def message_id(self) -> str:
        """The id of the message that it puts out."""
        return str(self).replace("resp_", "msg_", 1)

    @property
    def call_item_id(self) -> str:
        """The id of the item that it puts out where it calls a tool."""
        return str(self).replace("resp_", "fc_", 1)


def read_response_id(text: str) -> ResponseId:
    """The id that a text is. Raises WebError (404), as for an id that nobody has."""
    match = _ID.fullmatch(text)
    if match is None:
        raise no_response()
    return ResponseId(match[1], int(match[2] or 0))


def no_response() -> WebError:
    """There is no such response, or it is another tenant's."""
    return WebError("no such response", status=404, param="response_id", code="response_not_found")
