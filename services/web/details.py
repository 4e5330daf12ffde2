"""What a gateway says about a refused call beyond code and message, as Connect's error details with their JSON."""

from __future__ import annotations

import json
from typing import Any

from antiphon.errors import CallError
from connectrpc.errors import ErrorDetail
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToDict
from google.rpc import error_details_pb2  # type: ignore[import-untyped]
from protobuf import Message
from protobuf.wkt import Any as AnyMessage
from protobuf.wkt import Struct

DOMAIN = "antiphon"


class ReadableDetail(ErrorDetail):
    """A detail that also shows its JSON (the protocol's ``debug``), for callers without google.rpc's messages."""

    def __init__(self, message: Any) -> None:
        """Take a message of google.protobuf."""
        super().__init__(
            AnyMessage(
                type_url=f"type.googleapis.com/{message.DESCRIPTOR.full_name}", value=message.SerializeToString()
            )
        )
        self._shown = Struct.from_json(json.dumps(MessageToDict(message)))

    def value(self, *_: object) -> Message | None:  # type: ignore[override]
        """The detail's JSON as a message."""
        return self._shown


def details_of(error: CallError) -> list[ErrorDetail]:
    """ErrorInfo (the reason), BadRequest (the fields at fault), RetryInfo (when to come back), as far as there are."""
    messages: list[Any] = []
    if error.reason:
        messages.append(error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN))
    if error.violations:
        violation = error_details_pb2.BadRequest.FieldViolation
        messages.append(
            error_details_pb2.BadRequest(
                field_violations=[violation(field=one.field, description=one.reason) for one in error.violations]
            )
        )
    if error.retry_delay is not None:
        delay = Duration()
        delay.FromMilliseconds(round(error.retry_delay * 1000))
        messages.append(error_details_pb2.RetryInfo(retry_delay=delay))
    return [ReadableDetail(message) for message in messages]
