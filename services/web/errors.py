"""Errors as OpenAI's clients read them: a status and ``{"error": {message, type, param, code}}``; one place for all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from antiphon.errors import CallError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

log = structlog.get_logger(__name__)

# gRPC status: HTTP status, the error's type, whether a client should repeat the call by itself.
_STATUSES: Mapping[str, tuple[int, str, bool]] = {
    "INVALID_ARGUMENT": (400, "invalid_request_error", False),
    "OUT_OF_RANGE": (400, "invalid_request_error", False),
    "UNAUTHENTICATED": (401, "authentication_error", False),
    "PERMISSION_DENIED": (403, "permission_error", False),
    "NOT_FOUND": (404, "not_found_error", False),
    "FAILED_PRECONDITION": (409, "conflict_error", False),
    "ABORTED": (409, "conflict_error", False),
    "ALREADY_EXISTS": (422, "idempotency_error", False),
    "RESOURCE_EXHAUSTED": (429, "rate_limit_error", True),
    "CANCELLED": (499, "cancelled_error", False),
    "UNIMPLEMENTED": (501, "invalid_request_error", False),
    "UNAVAILABLE": (503, "service_unavailable_error", True),
    "DEADLINE_EXCEEDED": (504, "timeout_error", True),
}
_UNKNOWN = (500, "server_error", True)
_TYPES = {400: "invalid_request_error", 404: "not_found_error", 405: "invalid_request_error"}
MISSING = "(missing)"
"""In a request's names for the contract's fields: the parameter whose thing is not there where a gateway says that."""
BROKEN = "an error of the server; its log says more"


class WebError(Exception):
    """A request that this service refuses itself. ``param`` names the parameter at fault, ``code`` is a stable word."""

    def __init__(
        self, message: str, *, status: int = 400, param: str | None = None, code: str | None = None, type: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.param = param
        self.code = code
        self.type = type or _TYPES.get(status, "invalid_request_error")


class Unsupported(WebError):
    """A parameter that means something elsewhere and nothing here."""

    def __init__(self, param: str, why: str = "") -> None:
        super().__init__(
            f"Unsupported parameter: '{param}'{': ' + why if why else ''}", param=param, code="unsupported_parameter"
        )


def error_body(error: Exception, params: Mapping[str, str] | None = None) -> tuple[int, dict[str, Any]]:
    """The status and the error object. ``params`` are a request's names for the contract's fields."""
    if isinstance(error, WebError):
        return error.status, _object(error.message, error.type, error.param, error.code)
    if isinstance(error, CallError):
        status, type, _ = _STATUSES.get(error.code.name, _UNKNOWN)
        field = error.violations[0].field if error.violations else None
        param = (params or {}).get(field, field) if field else None
        if error.code.name == "NOT_FOUND":
            param = param or (params or {}).get(MISSING)
        message = "; ".join(f"{param}: {one.reason}" for one in error.violations[:1]) or error.message
        return status, _object(message, type, param, error.reason.lower() or error.code.name.lower())
    return 500, _object(BROKEN, "server_error", None, "internal")


def _object(message: str, type: str, param: str | None, code: str | None) -> dict[str, Any]:
    return {"error": {"message": message, "type": type, "param": param, "code": code}}


def error_headers(error: Exception) -> dict[str, str]:
    """When to come back, and whether to: what the official clients obey."""
    headers: dict[str, str] = {}
    again = False
    if isinstance(error, CallError):
        again = _STATUSES.get(error.code.name, _UNKNOWN)[2]
        if error.retry_delay is not None:
            headers["retry-after-ms"] = str(round(error.retry_delay * 1000))
            headers["retry-after"] = str(max(1, round(error.retry_delay)))
            if error.code.name == "RESOURCE_EXHAUSTED":
                headers["x-ratelimit-remaining-requests"] = "0"
                headers["x-ratelimit-reset-requests"] = f"{error.retry_delay:.3f}s"
    if isinstance(error, CallError) and error.code.name == "UNAUTHENTICATED":
        headers["www-authenticate"] = "Bearer"
    return {**headers, "x-should-retry": "true" if again else "false"}


def error_response(error: Exception, params: Mapping[str, str] | None = None) -> JSONResponse:
    """The error as an answer."""
    status, body = error_body(error, params)
    return JSONResponse(body, status, error_headers(error))


async def answer_error(request: Request, error: Exception) -> JSONResponse:
    """Starlette's hook for what a handler raises; the unforeseen is logged."""
    if isinstance(error, HTTPException):
        message = {404: f"no such path: {request.url.path}", 405: "the path does not take this method"}.get(
            error.status_code, error.detail
        )
        response = error_response(WebError(message, status=error.status_code))
        response.headers.update(error.headers or {})
        return response
    if not isinstance(error, WebError | CallError):
        log.exception("request_failed", path=request.url.path, exc_info=error)
    return error_response(error)
