"""Requests as bytes: each RPC takes so many, and bytes that are no request are an answer to the caller, not an error
of the server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError

from services.common.errors import AntiphonError, InvalidArgument, ResourceExhausted

USUAL_BYTES = 512 * 1024
# What brings whole texts, histories, schemas or chunks of files: as much as the server's setting allows.
LARGE = frozenset({"CreateSession", "PutSchema", "AppendImport", "IngestDocument", "EraseFeedback", "ReviewFeedback"})


@dataclass(frozen=True)
class Refused:
    """What stands in a request's place where its bytes are none."""

    error: AntiphonError


def reader(method: str, parse: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """Parses a method's requests; gives Refused instead of raising, which would be logged as the server's failure."""
    name = method.rpartition("/")[2]
    most = None if name in LARGE else USUAL_BYTES

    def read(content: bytes) -> Any:
        if most is not None and len(content) > most:
            error = ResourceExhausted(
                f"{name} takes {most} bytes, the request has {len(content)}", retry_after=3600, reason="TOO_LARGE"
            )
            return Refused(error)
        try:
            return parse(content)
        except (DecodeError, ValueError, RecursionError) as error:
            return Refused(InvalidArgument("", f"the bytes are no {name}Request", reason="MALFORMED"))

    return read


def whole(request: Any) -> Any:
    """The request, or the requests of a stream. Raises what a request was refused for, when it comes to it."""
    if isinstance(request, Refused):
        raise request.error
    return _each(request) if hasattr(request, "__aiter__") else request


async def _each(requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for request in requests:
        if isinstance(request, Refused):
            raise request.error
        yield request
