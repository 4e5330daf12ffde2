"""Stands before every RPC: admits the caller, binds names to the log, turns errors into statuses."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import grpc
import structlog

from services.common.errors import AntiphonError, Unavailable
from services.common.store import DATABASE_AWAY
from services.gateway.auth import Keyring, set_caller
from services.gateway.errors import rich_status

log = structlog.get_logger(__name__)
Handler = Any
PREFIX = "/antiphon."


class Guard(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # the class is not generic at run time
    """Wraps each handler once; health and reflection pass through untouched."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._wrapped: dict[str, Handler] = {}

    async def intercept_service(
        self, continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler]], details: grpc.HandlerCallDetails
    ) -> Handler:
        method: str = details.method
        if method not in self._wrapped:
            handler = await continuation(details)
            if handler is None or not method.startswith(PREFIX):
                return handler
            self._wrapped[method] = self._wrap(method, handler)
        return self._wrapped[method]

    def _wrap(self, method: str, handler: Handler) -> Handler:
        codecs = {
            "request_deserializer": handler.request_deserializer,
            "response_serializer": handler.response_serializer,
        }
        if handler.request_streaming and handler.response_streaming:
            raise TypeError(f"{method}: no RPC of the contract streams both ways")
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(self._stream(method, handler.unary_stream), **codecs)
        if handler.request_streaming:
            return grpc.stream_unary_rpc_method_handler(self._single(method, handler.stream_unary), **codecs)
        return grpc.unary_unary_rpc_method_handler(self._single(method, handler.unary_unary), **codecs)

    def _single(self, method: str, behaviour: Any) -> Callable[[Any, Any], Awaitable[Any]]:
        offered = inspect.iscoroutinefunction(behaviour)

        async def answer(request: Any, context: Any) -> Any:
            try:
                await self._admit(method, context)
                if offered:
                    return await behaviour(request, context)
            except Exception as error:
                await refuse(method, context, error)
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{method} is not offered by this server")

        return answer

    def _stream(self, method: str, behaviour: Any) -> Callable[[Any, Any], Awaitable[None]]:
        offered = inspect.isasyncgenfunction(behaviour)

        async def answer(request: Any, context: Any) -> None:
            try:
                await self._admit(method, context)
                if offered:
                    responses: AsyncIterator[Any] = behaviour(request, context)
                    # closed at once when the client goes, also where that is noticed in the write
                    async with aclosing(responses):  # type: ignore[type-var]
                        async for response in responses:
                            await context.write(response)
                    return
            except Exception as error:
                await refuse(method, context, error)
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{method} is not offered by this server")

        return answer

    async def _admit(self, method: str, context: Any) -> None:
        credential = await self._keyring.admit(method, context.invocation_metadata() or ())
        if credential is not None:
            set_caller(credential)
            structlog.contextvars.bind_contextvars(tenant=credential.tenant, key=credential.key)


async def refuse(method: str, context: Any, error: Exception) -> None:
    """End the call with the error's status; what is not an answer to the caller is logged and INTERNAL."""
    if isinstance(error, asyncio.CancelledError | grpc.aio.AbortError):
        raise error
    if isinstance(error, AntiphonError):
        known = error
    elif isinstance(error, DATABASE_AWAY):
        log.warning("database_away", method=method, error=repr(error))
        known = Unavailable("the database does not answer; try again")
    elif isinstance(error, grpc.aio.UsageError):  # the client went while we wrote to it
        raise error
    else:
        log.exception("call_failed", method=method)
        known = AntiphonError("an error of the server; its log says more")
    status = rich_status(known)
    context.set_trailing_metadata(status.trailing_metadata)
    await context.abort(status.code, status.details)
