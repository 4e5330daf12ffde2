"""Stands before every RPC: admits the caller, audits, traces and counts the call, turns errors into statuses.

Who calls is found out before the request is read: of a stranger no more than the call's metadata and what the
connection's window lets through is ever held.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, nullcontext, suppress
from typing import Any

import grpc
import structlog

from services.common import metrics
from services.common.errors import AntiphonError, PermissionDenied, ResourceExhausted, Unauthenticated, Unavailable
from services.common.store import DATABASE_AWAY, Credential
from services.common.telemetry import call_span
from services.gateway.audit import AuditLog
from services.gateway.auth import Keyring, caller, set_caller
from services.gateway.errors import rich_status
from services.gateway.limits import CallRate
from services.gateway.open_calls import OpenCalls
from services.gateway.wire import reader, whole

log = structlog.get_logger(__name__)
Handler = Any
PREFIX = "/antiphon."
MOST_STRANGERS = 256  # calls whose credential is being looked up


class Guard(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # the class is not generic at run time
    """Wraps each handler once; health and reflection pass through untouched."""

    def __init__(
        self, keyring: Keyring, audit: AuditLog, rate: CallRate, open_calls: OpenCalls, max_metadata_bytes: int
    ) -> None:
        self._keyring = keyring
        self._open_calls = open_calls
        self._audit = audit
        self._rate = rate
        self._max_metadata = max_metadata_bytes
        self._strangers = 0
        self._wrapped: dict[str, Handler] = {}

    async def intercept_service(
        self, continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler]], details: grpc.HandlerCallDetails
    ) -> Handler:
        method: str = details.method
        if not method.startswith(PREFIX):
            return await continuation(details)
        if method not in self._wrapped:
            handler = await continuation(details)
            if handler is None:
                return None
            self._wrapped[method] = self._wrap(method, handler)
        try:
            await self._identify(details.invocation_metadata)
        except Exception as error:
            return _refusing(method, error)
        return self._wrapped[method]

    def _wrap(self, method: str, handler: Handler) -> Handler:
        codecs = {
            "request_deserializer": reader(method, handler.request_deserializer),
            "response_serializer": handler.response_serializer,
        }
        if handler.request_streaming and handler.response_streaming:
            raise TypeError(f"{method}: no RPC of the contract streams both ways")
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(self._stream(method, handler.unary_stream), **codecs)
        if handler.request_streaming:
            lasting = self._single(method, handler.stream_unary, lasts=True)
            return grpc.stream_unary_rpc_method_handler(lasting, **codecs)
        return grpc.unary_unary_rpc_method_handler(self._single(method, handler.unary_unary), **codecs)

    def _single(self, method: str, behaviour: Any, *, lasts: bool = False) -> Callable[[Any, Any], Awaitable[Any]]:
        offered = inspect.iscoroutinefunction(behaviour)

        async def answer(request: Any, context: Any) -> Any:
            with call_span(method, context.invocation_metadata()):
                entry = ""
                try:
                    request, entry = await self._admit(method, request, context)
                    if offered:
                        with self._open_calls.hold(caller()) if lasts else nullcontext():
                            response = await behaviour(request, context)
                        await self._audit.end(caller(), entry)
                        metrics.CALLS.labels(_name(method), "OK").inc()
                        return response
                except asyncio.CancelledError as gone:
                    await self._left(entry, gone)
                    raise
                except Exception as error:
                    await self._refuse(method, context, error, entry)
                await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{method} is not offered by this server")

        return answer

    def _stream(self, method: str, behaviour: Any) -> Callable[[Any, Any], Awaitable[None]]:
        offered = inspect.isasyncgenfunction(behaviour)

        async def answer(request: Any, context: Any) -> None:
            with call_span(method, context.invocation_metadata()):
                entry = ""
                try:
                    request, entry = await self._admit(method, request, context)
                    if offered:
                        responses: AsyncIterator[Any] = behaviour(request, context)
                        # closed at once when the client goes, also where that is noticed in the write
                        with self._open_calls.hold(caller()):
                            async with aclosing(responses):  # type: ignore[type-var]
                                async for response in responses:
                                    await context.write(response)
                        await self._audit.end(caller(), entry)
                        metrics.CALLS.labels(_name(method), "OK").inc()
                        return
                except asyncio.CancelledError as gone:
                    await self._left(entry, gone)
                    raise
                except Exception as error:
                    await self._refuse(method, context, error, entry)
                await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{method} is not offered by this server")

        return answer

    async def _left(self, entry: str, gone: asyncio.CancelledError) -> None:
        """Says in the audit log that the caller left before the end."""
        if entry:
            with suppress(Exception):
                await asyncio.shield(self._audit.end(caller(), entry, gone))

    async def _admit(self, method: str, request: Any, context: Any) -> tuple[Any, str]:
        """The request as it is to be answered, and its entry in the audit log; raises what refuses the call."""
        who = caller()
        structlog.contextvars.bind_contextvars(tenant=who.tenant, key=who.key)
        request = whole(request)
        try:
            await self._keyring.admit(method, request, who)
        except AntiphonError as error:
            await self._audit.refused(method, request, who, context.peer(), error)
            raise
        return request, await self._audit.begin(method, request, who, context.peer())

    async def _identify(self, metadata: Any) -> None:
        """Bind the caller to this call; raises what refuses everyone alike."""
        metadata = metadata or ()
        size = sum(len(name) + len(value) for name, value in metadata)
        if size > self._max_metadata:
            raise ResourceExhausted(
                f"the call's metadata has {size} bytes, at most {self._max_metadata} are taken",
                retry_after=0,
                reason="METADATA_TOO_LARGE",
            )
        credential = self._keyring.known(metadata) or await self._look_up(metadata)
        set_caller(credential)
        self._rate.take(credential.tenant)

    async def _look_up(self, metadata: Any) -> Credential:
        if self._strangers >= MOST_STRANGERS:
            raise ResourceExhausted(
                "too many callers are being looked up at once; try again", retry_after=1.0, reason="TOO_MANY_STRANGERS"
            )
        self._strangers += 1
        try:
            return await self._keyring.identify(metadata)
        finally:
            self._strangers -= 1

    async def _refuse(self, method: str, context: Any, error: Exception, entry: str = "") -> None:
        """End the call with the error's status, and say so in the log and in the audit entry, if there is one."""
        if entry:
            try:
                await self._audit.end(caller(), entry, error)
            except Exception as lost:
                log.error("audit_end_not_written", entry=entry, error=repr(lost))
        await refuse(method, context, error)


def _name(method: str) -> str:
    return method.rpartition("/")[2]


def _refusing(method: str, error: Exception) -> Handler:
    """A handler that ends the call without reading its request: one that takes a stream reads when it likes."""

    async def answer(_requests: Any, context: Any) -> None:
        await refuse(method, context, error)

    return grpc.stream_unary_rpc_method_handler(answer)


async def refuse(method: str, context: Any, error: Exception) -> None:
    """End the call with the error's status; what is not an answer to the caller is logged and INTERNAL."""
    if isinstance(error, asyncio.CancelledError | grpc.aio.AbortError):
        raise error
    if isinstance(error, AntiphonError):
        known = error
        # Who is not let in is news; a wrong id or a busy session is between the caller and its program.
        level = log.warning if isinstance(error, Unauthenticated | PermissionDenied | ResourceExhausted) else log.info
        level("call_refused", method=method, status=error.status, reason=error.reason, peer=context.peer())
    elif isinstance(error, DATABASE_AWAY):
        log.warning("database_away", method=method, error=repr(error))
        known = Unavailable("the database does not answer; try again")
    elif isinstance(error, grpc.aio.UsageError):  # the client went while we wrote to it
        raise error
    else:
        log.exception("call_failed", method=method)
        known = AntiphonError("an error of the server; its log says more")
    metrics.CALLS.labels(_name(method), known.status).inc()
    status = rich_status(known)
    context.set_trailing_metadata(status.trailing_metadata)
    await context.abort(status.code, status.details)
