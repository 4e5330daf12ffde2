"""Every error's gRPC status with google.rpc details; the one place where the two meet."""

from __future__ import annotations

import grpc
from google.protobuf import any_pb2
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]
from grpc_status import rpc_status

from services.common.errors import AntiphonError, InvalidArgument, ResourceExhausted, Unavailable

DOMAIN = "antiphon"
RETRY_UNAVAILABLE = 0.5


def rich_status(error: AntiphonError) -> grpc.Status:
    """Status with BadRequest (a field is at fault), RetryInfo (try again later) and ErrorInfo (the reason)."""
    code = grpc.StatusCode[error.status]
    details: list[any_pb2.Any] = [_pack(error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN))]
    if isinstance(error, InvalidArgument):
        violation = error_details_pb2.BadRequest.FieldViolation(field=error.field, description=error.violation)
        details.append(_pack(error_details_pb2.BadRequest(field_violations=[violation])))
    delay = None
    if isinstance(error, ResourceExhausted):
        delay = error.retry_after
    elif isinstance(error, Unavailable):
        delay = RETRY_UNAVAILABLE
    if delay is not None:
        wait = Duration()
        wait.FromMilliseconds(round(delay * 1000))
        details.append(_pack(error_details_pb2.RetryInfo(retry_delay=wait)))
    status: grpc.Status = rpc_status.to_status(
        status_pb2.Status(code=code.value[0], message=error.message, details=details)
    )
    return status


def _pack(detail: object) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(detail)  # type: ignore[arg-type]
    return packed
