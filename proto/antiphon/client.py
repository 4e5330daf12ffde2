"""The Python client of antiphon.v1; needs grpcio and protobuf alone.

    from antiphon.client import Client
    from antiphon.v1.conversation_pb2 import CreateSessionRequest

    with Client("localhost:50051", key="key_….…") as client:
        session = client.conversations.CreateSession(CreateSessionRequest(user_id="ada")).session
        with client.send(session.id, "What does the basic plan cost?") as stream:
            for event in stream:
                print(event.delta.text, end="", flush=True)
        draft = client.revise(stream.turn_id, "shorter, and mention the trial").result()

``send``, ``revise``, ``edit``, ``retry`` and ``attach`` are streams of TurnEvent that find their way around broken
connections and dead gateways by themselves: no text comes twice, none is missing, and the deltas since the last
``restarted`` add up to the completed draft. Every RPC is there under its service (``client.knowledge.TeachFact``), as
in the generated stubs, and takes ``timeout`` and ``metadata``; calls are given a request id if they have none and are
repeated with it. What fails for good raises a CallError. `AsyncClient` is the same for asyncio.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import grpc
from grpc import aio

from antiphon import requests
from antiphon.channels import AioLink, AsyncTurnStream, SyncLink, TurnStream
from antiphon.errors import (
    Aborted,
    AlreadyExists,
    AntiphonError,
    CallError,
    DeadlineExceeded,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    OutOfRange,
    PermissionDenied,
    ResourceExhausted,
    TurnNotCompleted,
    Unauthenticated,
    Unavailable,
    Unimplemented,
)
from antiphon.follow import Follower
from antiphon.link import Setup
from antiphon.retry import RetryPolicy
from antiphon.status_details import FieldViolation
from antiphon.v1.admin_pb2_grpc import AdminServiceStub
from antiphon.v1.common_pb2 import DecodingSettings, Position
from antiphon.v1.conversation_pb2 import DoubleTextingPolicy, ToolOffer, ToolResult
from antiphon.v1.conversation_pb2_grpc import ConversationServiceStub
from antiphon.v1.feedback_pb2 import Feedback
from antiphon.v1.feedback_pb2_grpc import FeedbackServiceStub
from antiphon.v1.knowledge_pb2 import IngestDocumentRequest
from antiphon.v1.knowledge_pb2_grpc import KnowledgeServiceStub
from antiphon.v1.model_pb2 import ReplayDraftRequest, ReplayDraftResponse
from antiphon.v1.model_pb2_grpc import ModelServiceStub
from antiphon.v1.state_pb2_grpc import StateServiceStub
from antiphon.v1.webhook_pb2_grpc import WebhookServiceStub

if TYPE_CHECKING:  # at run time there is one kind of stub for both kinds of channel
    from antiphon.v1.admin_pb2_grpc import AdminServiceAsyncStub
    from antiphon.v1.conversation_pb2_grpc import ConversationServiceAsyncStub
    from antiphon.v1.feedback_pb2_grpc import FeedbackServiceAsyncStub
    from antiphon.v1.knowledge_pb2_grpc import KnowledgeServiceAsyncStub
    from antiphon.v1.model_pb2_grpc import ModelServiceAsyncStub
    from antiphon.v1.state_pb2_grpc import StateServiceAsyncStub
    from antiphon.v1.webhook_pb2_grpc import WebhookServiceAsyncStub

__all__ = [
    "Aborted",
    "AlreadyExists",
    "AntiphonError",
    "AsyncClient",
    "AsyncTurnStream",
    "CallError",
    "Client",
    "DeadlineExceeded",
    "FailedPrecondition",
    "FieldViolation",
    "InvalidArgument",
    "NotFound",
    "OutOfRange",
    "PermissionDenied",
    "ResourceExhausted",
    "RetryPolicy",
    "TurnNotCompleted",
    "TurnStream",
    "Unauthenticated",
    "Unavailable",
    "Unimplemented",
    "document",
]

S = TypeVar("S")


def document(
    name: str,
    content: bytes | str,
    *,
    title: str = "",
    media_type: str = "",
    labels: Iterable[str] = (),
    user_id: str = "",
    request_id: str = "",
) -> Iterator[IngestDocumentRequest]:
    """An upload for ``knowledge.IngestDocument``: a header and the content in chunks, fit to be sent again."""
    parts = requests.document(
        name, content, title=title, media_type=media_type, labels=labels, user_id=user_id, request_id=request_id
    )
    # The stubs ask for an iterator; a list is what the client can send a second time.
    return cast(Iterator[IngestDocumentRequest], parts)


class _Conversing(Generic[S]):
    """The streams of both clients; ``S`` is the kind of stream they return.

    ``timeout`` bounds the whole of a stream in seconds, reconnecting included. ``wait`` asks for the end only, as
    the one event. A ``request_id`` is made where none is given.
    """

    def _follow(self, follower: Follower, timeout: float | None) -> S:
        raise TypeError(f"{type(self).__name__} is no client")

    def send(
        self,
        session_id: str,
        text: str,
        *,
        settings: DecodingSettings | None = None,
        policy: DoubleTextingPolicy.ValueType = DoubleTextingPolicy.DOUBLE_TEXTING_POLICY_UNSPECIFIED,
        min_watermark: int = 0,
        without_knowledge: bool = False,
        wait: bool = False,
        request_id: str = "",
        timeout: float | None = None,
        offer: ToolOffer | None = None,
        tool_results: Iterable[ToolResult] = (),
    ) -> S:
        """Send a user's message, or what tools answered, and follow the reply (SendTurn)."""
        follower = requests.send(
            session_id,
            text,
            settings=settings,
            policy=policy,
            min_watermark=min_watermark,
            without_knowledge=without_knowledge,
            wait=wait,
            request_id=request_id,
            offer=offer,
            tool_results=tool_results,
        )
        return self._follow(follower, timeout)

    def revise(
        self,
        turn_id: str,
        feedback: Feedback | str | None,
        *,
        expected_round: int | None = None,
        settings: DecodingSettings | None = None,
        min_watermark: int = 0,
        wait: bool = False,
        request_id: str = "",
        timeout: float | None = None,
    ) -> S:
        """Ask for another draft and follow it (ReviseTurn). Text is a comment; None draws again."""
        follower = requests.revise(
            turn_id,
            feedback,
            expected_round=expected_round,
            settings=settings,
            min_watermark=min_watermark,
            wait=wait,
            request_id=request_id,
        )
        return self._follow(follower, timeout)

    def edit(
        self,
        turn_id: str,
        text: str,
        *,
        settings: DecodingSettings | None = None,
        min_watermark: int = 0,
        wait: bool = False,
        request_id: str = "",
        timeout: float | None = None,
    ) -> S:
        """Say the last message in other words and follow the new turn (EditTurn)."""
        follower = requests.edit(
            turn_id, text, settings=settings, min_watermark=min_watermark, wait=wait, request_id=request_id
        )
        return self._follow(follower, timeout)

    def retry(
        self,
        turn_id: str,
        *,
        settings: DecodingSettings | None = None,
        wait: bool = False,
        request_id: str = "",
        timeout: float | None = None,
    ) -> S:
        """Try a failed turn again and follow it (RetryTurn)."""
        return self._follow(requests.retry(turn_id, settings=settings, wait=wait, request_id=request_id), timeout)

    def attach(
        self, turn_id: str, position: Position | None = None, *, wait: bool = False, timeout: float | None = None
    ) -> S:
        """Follow a turn that is there, from a position on (AttachTurn)."""
        return self._follow(requests.attach(turn_id, position, wait=wait), timeout)


class Client(_Conversing[TurnStream]):
    """The blocking client; threads may share it.

    ``addresses``: one gateway or several ("a:50051,b:50051"), tried in turn. ``key``: an API key or a token, or a
    function that gives the one to send now. ``tls``: False for plain text, True for the system's roots, bytes for these
    PEM roots, or whole credentials. ``certificate``: the client's own, for gateways that want one (mutual TLS): its
    chain and its private key as PEM. ``timeout``: seconds a single answer may take where a call names none; None is for
    ever. ``options``: gRPC channel options.
    """

    def __init__(
        self,
        addresses: str | Sequence[str],
        key: str | Callable[[], str] = "",
        *,
        tls: bool | bytes | grpc.ChannelCredentials = False,
        certificate: tuple[bytes, bytes] | None = None,
        policy: RetryPolicy | None = None,
        timeout: float | None = 30.0,
        options: Sequence[tuple[str, Any]] = (),
    ) -> None:
        self._link = SyncLink(Setup(addresses, key, tls, policy or RetryPolicy(), timeout, options, certificate))
        channel = cast(grpc.Channel, self._link)
        self.conversations: ConversationServiceStub = ConversationServiceStub(channel)
        self.states: StateServiceStub = StateServiceStub(channel)
        self.feedback: FeedbackServiceStub = FeedbackServiceStub(channel)
        self.knowledge: KnowledgeServiceStub = KnowledgeServiceStub(channel)
        self.models: ModelServiceStub = ModelServiceStub(channel)
        self.admin: AdminServiceStub = AdminServiceStub(channel)
        self.webhooks: WebhookServiceStub = WebhookServiceStub(channel)

    def replay(self, turn_id: str, round: int | None = None, *, timeout: float | None = 90.0) -> ReplayDraftResponse:
        """Have a draft written again from its manifest and compared (ReplayDraft); no round: the latest draft."""
        return self.models.ReplayDraft(ReplayDraftRequest(turn_id=turn_id, round=round), timeout=timeout)

    def _follow(self, follower: Follower, timeout: float | None) -> TurnStream:
        return TurnStream(follower, self._link.follow(follower, timeout))

    def close(self) -> None:
        """Close the connections; a later call opens them again."""
        self._link.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient(_Conversing[AsyncTurnStream]):
    """The client for asyncio, of one event loop. Arguments as Client's."""

    def __init__(
        self,
        addresses: str | Sequence[str],
        key: str | Callable[[], str] = "",
        *,
        tls: bool | bytes | grpc.ChannelCredentials = False,
        certificate: tuple[bytes, bytes] | None = None,
        policy: RetryPolicy | None = None,
        timeout: float | None = 30.0,
        options: Sequence[tuple[str, Any]] = (),
    ) -> None:
        self._link = AioLink(Setup(addresses, key, tls, policy or RetryPolicy(), timeout, options, certificate))
        channel = cast(aio.Channel, self._link)
        self.conversations: ConversationServiceAsyncStub = ConversationServiceStub(channel)
        self.states: StateServiceAsyncStub = StateServiceStub(channel)
        self.feedback: FeedbackServiceAsyncStub = FeedbackServiceStub(channel)
        self.knowledge: KnowledgeServiceAsyncStub = KnowledgeServiceStub(channel)
        self.models: ModelServiceAsyncStub = ModelServiceStub(channel)
        self.admin: AdminServiceAsyncStub = AdminServiceStub(channel)
        self.webhooks: WebhookServiceAsyncStub = WebhookServiceStub(channel)

    async def replay(
        self, turn_id: str, round: int | None = None, *, timeout: float | None = 90.0
    ) -> ReplayDraftResponse:
        """Have a draft written again from its manifest and compared (ReplayDraft); no round: the latest draft."""
        return await self.models.ReplayDraft(ReplayDraftRequest(turn_id=turn_id, round=round), timeout=timeout)

    def _follow(self, follower: Follower, timeout: float | None) -> AsyncTurnStream:
        return AsyncTurnStream(follower, self._link.follow(follower, timeout))

    async def close(self) -> None:
        """Close the connections; a later call opens them again."""
        await self._link.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
