"""The errors a caller can act on; the gateway maps each to one gRPC status."""

from __future__ import annotations


class AntiphonError(Exception):
    """Base of every error that is answered to a caller.

    ``status`` is the name of the gRPC status; ``reason`` a stable upper-case word for machines.
    """

    status = "INTERNAL"
    reason = "INTERNAL"

    def __init__(self, message: str, *, reason: str = "", field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        if reason:
            self.reason = reason


class InvalidArgument(AntiphonError):
    """The request is malformed; ``field`` names the field, nothing was stored."""

    status = "INVALID_ARGUMENT"
    reason = "INVALID_FIELD"

    def __init__(self, field: str, message: str, *, reason: str = "") -> None:
        super().__init__(f"{field}: {message}" if field else message, reason=reason, field=field)
        self.violation = message


class NotFound(AntiphonError):
    """No such document in this tenant."""

    status = "NOT_FOUND"
    reason = "NOT_FOUND"


class AlreadyExists(AntiphonError):
    """The request id was used before with another payload."""

    status = "ALREADY_EXISTS"
    reason = "REQUEST_ID_REUSED"


class FailedPrecondition(AntiphonError):
    """The document is not in the state that the call needs."""

    status = "FAILED_PRECONDITION"
    reason = "FAILED_PRECONDITION"


class OutOfRange(AntiphonError):
    """A position or line number beyond what there is."""

    status = "OUT_OF_RANGE"
    reason = "OUT_OF_RANGE"


class Aborted(AntiphonError):
    """A compare-and-set lost: the expected revision, round or epoch is no longer the current one."""

    status = "ABORTED"
    reason = "REVISION_MISMATCH"


class ResourceExhausted(AntiphonError):
    """A limit is reached; try again after ``retry_after`` seconds."""

    status = "RESOURCE_EXHAUSTED"
    reason = "LIMIT_REACHED"

    def __init__(self, message: str, *, retry_after: float, reason: str = "") -> None:
        super().__init__(message, reason=reason)
        self.retry_after = retry_after


class Unauthenticated(AntiphonError):
    """No credential, or one that is unknown or revoked."""

    status = "UNAUTHENTICATED"
    reason = "INVALID_CREDENTIAL"


class PermissionDenied(AntiphonError):
    """The credential's role does not allow this call."""

    status = "PERMISSION_DENIED"
    reason = "ROLE_TOO_LOW"


class Unavailable(AntiphonError):
    """The database or the broker does not answer; the same call may succeed later."""

    status = "UNAVAILABLE"
    reason = "UNAVAILABLE"
