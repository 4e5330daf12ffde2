"""What the client raises: one family, with the code, the field and the delay that the server named."""

from __future__ import annotations

from typing import Any

import grpc

from antiphon.status_details import TRAILER, FieldViolation, StatusDetails, decode
from antiphon.v1.conversation_pb2 import TurnEvent


class AntiphonError(Exception):
    """Base of everything this package raises on purpose."""


class TurnNotCompleted(AntiphonError):
    """A reply was awaited, and the turn was cancelled or has failed; ``event`` is its end."""

    def __init__(self, event: TurnEvent) -> None:
        self.event = event
        if event.WhichOneof("event") == "failed":
            error = event.failed.error
            super().__init__(f"turn {event.turn_id} has failed: {error.reason}: {error.message}")
        else:
            super().__init__(f"turn {event.turn_id} was cancelled")


class CallError(AntiphonError):
    """A call that the server or the network has refused.

    ``code`` is the gRPC status; ``message`` is for people; ``reason`` a stable word for machines, such as
    SESSION_BUSY, or empty; ``violations`` the fields that were wrong; ``retry_delay`` the seconds after which the
    server lets the same call be made again, None where it names none.
    """

    def __init__(self, code: grpc.StatusCode, message: str, details: StatusDetails | None = None) -> None:
        details = details or StatusDetails()
        self.code = code
        self.message = message
        self.reason: str = details.reason
        self.violations: tuple[FieldViolation, ...] = details.violations
        self.retry_delay: float | None = details.retry_delay
        reasons = [details.reason] if details.reason not in ("", code.name) else []  # "NOT_FOUND" is said once
        told = [code.name, *reasons, message]
        super().__init__(": ".join(told + [f"{one.field}: {one.reason}" for one in details.violations]))


class Unauthenticated(CallError):
    """The key is missing, unknown or revoked."""


class PermissionDenied(CallError):
    """The key's role does not allow this."""


class InvalidArgument(CallError):
    """The request was refused whole, nothing was stored; ``violations`` say why."""


class NotFound(CallError):
    """No such thing in this tenant."""


class AlreadyExists(CallError):
    """The request id (or the name) was used for something else."""


class FailedPrecondition(CallError):
    """The thing is not in the state that the call needs; ``reason`` says which."""


class Aborted(CallError):
    """What was expected (round, revision, epoch) is not what is there any more: read again."""


class OutOfRange(CallError):
    """A position or a line that does not exist."""


class ResourceExhausted(CallError):
    """A limit or a quota; retried by the client for as long as its patience lasts."""


class Unavailable(CallError):
    """No gateway answers, or one cannot do its work now; retried like ResourceExhausted."""


class DeadlineExceeded(CallError):
    """The ``timeout`` of the call was over. What was accepted goes on at the server."""


class Unimplemented(CallError):
    """This server does not offer the call."""


_BY_CODE: dict[grpc.StatusCode, type[CallError]] = {
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDenied,
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgument,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExists,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPrecondition,
    grpc.StatusCode.ABORTED: Aborted,
    grpc.StatusCode.OUT_OF_RANGE: OutOfRange,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ResourceExhausted,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.UNIMPLEMENTED: Unimplemented,
}


def call_error(code: grpc.StatusCode, message: str, details: StatusDetails | None = None) -> CallError:
    """The member of the family for ``code``; CallError itself for those without a class of their own."""
    return _BY_CODE.get(code, CallError)(code, message, details)


def from_rpc_error(raw: Any) -> CallError:
    """What a ``grpc.RpcError`` of the sync or the async API says."""
    trailers = raw.trailing_metadata() or ()
    trailer = next((value for name, value in trailers if name == TRAILER), None)
    details = decode(trailer) if isinstance(trailer, bytes) else None
    return call_error(raw.code() or grpc.StatusCode.UNKNOWN, raw.details() or "", details)
