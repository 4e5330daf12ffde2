"""The google.rpc details of a failed call, read without googleapis-common-protos.

The few messages are described here (https://google.aip.dev/193, google/rpc/status.proto and error_details.proto)
in a descriptor pool of their own, so that they never clash with the real ones where those are installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, duration_pb2, message_factory
from google.protobuf.message import DecodeError

TRAILER = "grpc-status-details-bin"

_Field = descriptor_pb2.FieldDescriptorProto
_SHAPES: Mapping[str, tuple[tuple[str, int, str, bool], ...]] = {
    # message: (field, number, type, repeated); a type in capitals is another message
    "Status": (("details", 3, ".google.protobuf.Any", True),),
    "Violation": (("field", 1, "", False), ("description", 2, "", False)),
    "BadRequest": (("field_violations", 1, ".details.Violation", True),),
    "RetryInfo": (("retry_delay", 1, ".google.protobuf.Duration", False),),
    "ErrorInfo": (("reason", 1, "", False), ("domain", 2, "", False)),
}


def _message_classes() -> dict[str, Any]:
    pool = descriptor_pool.DescriptorPool()
    for known in (any_pb2, duration_pb2):
        pool.AddSerializedFile(known.DESCRIPTOR.serialized_pb)
    file = descriptor_pb2.FileDescriptorProto(name="details.proto", package="details", syntax="proto3")
    file.dependency.extend([any_pb2.DESCRIPTOR.name, duration_pb2.DESCRIPTOR.name])
    for name, shape in _SHAPES.items():
        message = file.message_type.add(name=name)
        for field_name, number, type_name, repeated in shape:
            message.field.add(
                name=field_name,
                number=number,
                label=_Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL,
                type=_Field.TYPE_MESSAGE if type_name else _Field.TYPE_STRING,
                type_name=type_name or None,
            )
    pool.AddSerializedFile(file.SerializeToString())
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"details.{name}")) for name in _SHAPES}


_CLASSES = _message_classes()


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One bad field of a request: its path, such as ``feedback.rating``, and what is wrong with it."""

    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class StatusDetails:
    """What a server says about a failed call beyond code and message.

    ``reason`` is the stable word of google.rpc.ErrorInfo, empty where there is none; ``retry_delay`` the seconds of
    google.rpc.RetryInfo, None where the server gives none.
    """

    reason: str = ""
    violations: tuple[FieldViolation, ...] = field(default=())
    retry_delay: float | None = None


def decode(trailer: bytes) -> StatusDetails:
    """The details in a ``grpc-status-details-bin`` trailer; what is unknown or broken in it is left out."""
    reason, retry_delay = "", None
    violations: list[FieldViolation] = []
    try:
        for detail in _CLASSES["Status"].FromString(trailer).details:
            kind = detail.type_url.rpartition("/")[2]
            if kind == "google.rpc.BadRequest":
                bad = _CLASSES["BadRequest"].FromString(detail.value)
                violations += [FieldViolation(one.field, one.description) for one in bad.field_violations]
            elif kind == "google.rpc.RetryInfo":
                delay = _CLASSES["RetryInfo"].FromString(detail.value).retry_delay
                retry_delay = max(0.0, delay.seconds + delay.nanos / 1e9)
            elif kind == "google.rpc.ErrorInfo":
                reason = _CLASSES["ErrorInfo"].FromString(detail.value).reason
    except DecodeError:
        pass  # a proxy's or a newer server's trailer must not hide the error that it came with
    return StatusDetails(reason, tuple(violations), retry_delay)
