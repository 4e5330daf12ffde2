"""Every RPC of the public contract over HTTP by the Connect protocol (https://connectrpc.com/docs/protocol): JSON and
binary, gRPC-Web too, made from the descriptors, so that what the contract has is here.

The five streams of a turn are followed as the Python client follows them: a gateway that dies is not seen here.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing
from typing import Any, cast

import structlog
from antiphon.errors import CallError
from antiphon.follow import Follower
from antiphon.requests import identified
from antiphon.v1 import admin_pb2, conversation_pb2, feedback_pb2, knowledge_pb2, model_pb2, state_pb2, webhook_pb2
from connectrpc.code import Code
from connectrpc.codec import Codec
from connectrpc.compat import google_protobuf_binary_codec
from connectrpc.errors import ConnectError
from connectrpc.method import IdempotencyLevel, MethodInfo, StreamType
from connectrpc.request import RequestContext
from connectrpc.server import ConnectASGIApplication, Endpoint
from google.protobuf import json_format
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from services.web.details import details_of
from services.web.gateways import Gateways, Metadata, metadata_of

log = structlog.get_logger(__name__)

CONTRACT = (admin_pb2, conversation_pb2, feedback_pb2, knowledge_pb2, model_pb2, state_pb2, webhook_pb2)
SERVICES = tuple(service for module in CONTRACT for service in module.DESCRIPTOR.services_by_name.values())
# Streams that follow a turn, and go on at another gateway.
FOLLOWED = frozenset({"SendTurn", "ReviseTurn", "EditTurn", "RetryTurn", "AttachTurn"})

Context = RequestContext[Any, Any]


class JsonCodec(Codec[Any, Any]):
    """Proto3 JSON; a field that the contract does not have is an error, since a misspelt wish must not be dropped."""

    def name(self) -> str:
        """As content types call it."""
        return "json"

    def encode(self, message: Message) -> bytes:
        """One line of JSON."""
        return json.dumps(json_format.MessageToDict(message), ensure_ascii=False, separators=(",", ":")).encode()

    def decode(self, data: bytes | bytearray, message_class: type[Any]) -> Any:
        """The message; an empty body is an empty message."""
        message = message_class()
        if data:
            json_format.Parse(bytes(data).decode("utf-8"), message)
        return message


class Contract(ConnectASGIApplication[Gateways]):
    """One service of the contract as an ASGI application."""

    def __init__(self, service: str, gateways: Gateways, endpoints: dict[str, Any], max_bytes: int) -> None:
        """``endpoints`` by path; ``max_bytes`` a message may have."""
        super().__init__(
            service=gateways,
            endpoints=lambda _: endpoints,
            read_max_bytes=max_bytes,
            codecs=[JsonCodec(), google_protobuf_binary_codec()],
        )
        self._path = f"/{service}"

    @property
    def path(self) -> str:
        """Where it is mounted."""
        return self._path


def contract(gateways: Gateways, max_bytes: int) -> list[Contract]:
    """An application for each service of the contract."""
    return [
        Contract(
            service.full_name,
            gateways,
            {f"/{service.full_name}/{method.name}": _endpoint(gateways, method) for method in service.methods},
            max_bytes,
        )
        for service in SERVICES
    ]


def _endpoint(gateways: Gateways, method: MethodDescriptor) -> Any:
    """How one RPC is answered: by the same call at a gateway, with the request's credentials."""
    request, response = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
    kinds = {
        (False, False): (StreamType.UNARY, gateways.link.unary_unary),
        (True, False): (StreamType.CLIENT_STREAM, gateways.link.stream_unary),
        (False, True): (StreamType.SERVER_STREAM, gateways.link.unary_stream),
    }
    kind, make = kinds[method.client_streaming, method.server_streaming]
    service = method.containing_service.full_name
    info: MethodInfo[Any, Any] = MethodInfo(
        name=method.name,
        service_name=service,
        input=request,
        output=response,
        idempotency_level=IdempotencyLevel.UNKNOWN,
        stream_type=kind,
    )
    call = make(f"/{service}/{method.name}", request.SerializeToString, response.FromString)
    if method.name in FOLLOWED:
        return Endpoint.server_stream(info, _followed(gateways, method.name, response))
    if kind is StreamType.SERVER_STREAM:
        return Endpoint.server_stream(info, _streamed(call))
    if kind is StreamType.CLIENT_STREAM:
        return Endpoint.client_stream(info, _answered(call))
    return Endpoint.unary(info, _answered(call))


def _answered(call: Callable[..., Awaitable[Any]]) -> Callable[[Any, Context], Awaitable[Any]]:
    """One answer; ``request`` is a message, or the messages of a client's stream as they come."""

    async def answer(request: Any, context: Context) -> Any:
        try:
            return await call(request, timeout=_seconds(context), metadata=_metadata(context))
        except Exception as error:
            raise connect_error(error, context) from error

    return answer


def _streamed(call: Callable[..., AsyncGenerator[Any, None]]) -> Callable[[Any, Context], AsyncIterator[Any]]:
    async def stream(request: Any, context: Context) -> AsyncIterator[Any]:
        try:
            async with aclosing(call(request, timeout=_seconds(context), metadata=_metadata(context))) as responses:
                async for response in responses:
                    yield response
        except Exception as error:
            raise connect_error(error, context) from error

    return stream


def _followed(gateways: Gateways, method: str, response: type[Message]) -> Callable[[Any, Context], AsyncIterator[Any]]:
    async def stream(request: Any, context: Context) -> AsyncIterator[Any]:
        envelope: Any = response
        try:
            events: Any = gateways.follow(follower_of(method, request), _metadata(context), _seconds(context))
            async with aclosing(events):
                async for event in events:
                    yield envelope(event=event)
        except Exception as error:
            raise connect_error(error, context) from error

    return stream


def follower_of(method: str, request: Any) -> Follower:
    """Follows the turn of a stream's request."""
    if method != "AttachTurn":
        return Follower(method, identified(request))
    position = request.position if request.HasField("position") else None
    return Follower(method, request, request.turn_id, position)


def _metadata(context: Context) -> Metadata:
    return metadata_of(cast(Any, context.request_headers))


def _seconds(context: Context) -> float | None:
    """What the caller lets the call take; None where it does not say."""
    return None if context.timeout_ms is None else max(0.0, context.timeout_ms / 1000)


def connect_error(error: Exception, context: Context | None = None) -> ConnectError:
    """The error as the protocol tells it, with the google.rpc details that the gateway gave."""
    if isinstance(error, ConnectError):
        return error
    if not isinstance(error, CallError):
        log.exception("call_failed", method=context.method.name if context else "", exc_info=error)
        return ConnectError(Code.INTERNAL, "an error of the server; its log says more")
    name = error.code.name
    code = Code.CANCELED if name == "CANCELLED" else Code[name]
    if context is not None and error.retry_delay is not None:
        context.response_headers["retry-after-ms"] = str(round(error.retry_delay * 1000))
    return ConnectError(code, error.message, details_of(error))


def paths() -> Iterable[str]:
    """The path of every RPC."""
    return (f"/{service.full_name}/{method.name}" for service in SERVICES for method in service.methods)
