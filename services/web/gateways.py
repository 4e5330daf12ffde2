"""The gateways as this service calls them: every call with its caller's own credentials, retried where that is safe."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

import grpc
from antiphon.channels import AioLink
from antiphon.errors import CallError, Unauthenticated
from antiphon.follow import Follower
from antiphon.link import Setup
from antiphon.retry import RetryPolicy
from antiphon.v1.conversation_pb2 import TurnEvent
from antiphon.v1.conversation_pb2_grpc import ConversationServiceStub
from antiphon.v1.feedback_pb2_grpc import FeedbackServiceStub
from antiphon.v1.knowledge_pb2_grpc import KnowledgeServiceStub
from antiphon.v1.state_pb2_grpc import StateServiceStub
from google.protobuf.message import Message
from grpc import aio
from grpc_health.v1 import health_pb2

from services.web.settings import WebSettings

if TYPE_CHECKING:  # at run time there is one kind of stub for both kinds of channel
    from antiphon.v1.conversation_pb2_grpc import ConversationServiceAsyncStub
    from antiphon.v1.feedback_pb2_grpc import FeedbackServiceAsyncStub
    from antiphon.v1.knowledge_pb2_grpc import KnowledgeServiceAsyncStub
    from antiphon.v1.state_pb2_grpc import StateServiceAsyncStub

Metadata = tuple[tuple[str, str], ...]

# What a caller says about itself and its trace; nothing else of a request's headers goes on.
_PASSED_ON = ("authorization", "traceparent", "tracestate")
_HEADER = re.compile(r"[\x20-\x7e]*")
_OPTIONS = (
    # Calls spread over all gateways that a name stands for.
    ("grpc.service_config", '{"loadBalancingConfig": [{"round_robin": {}}]}'),
    ("grpc.max_metadata_size", 128 * 1024),
)
_HEALTH = "/grpc.health.v1.Health/Check"


def metadata_of(headers: Mapping[str, str]) -> Metadata:
    """The metadata of a call made for a request with these headers. Raises Unauthenticated for a key that is none."""
    given = tuple((name, headers[name]) for name in _PASSED_ON if name in headers)
    for name, value in given:
        if not _HEADER.fullmatch(value):
            raise Unauthenticated(grpc.StatusCode.UNAUTHENTICATED, f"the header {name} holds what no header may hold")
    return given


def _setup(settings: WebSettings) -> Setup:
    """How the service's settings say to connect."""
    tls: bool | bytes = settings.web_gateway_tls
    if settings.web_gateway_ca is not None:
        tls = settings.web_gateway_ca.read_bytes()
    certificate = None
    if settings.web_certificate is not None and settings.web_certificate_key is not None:
        certificate = settings.web_certificate.read_bytes(), settings.web_certificate_key.read_bytes()
    return Setup(
        settings.web_gateways,
        tls=tls,
        certificate=certificate,
        policy=RetryPolicy(patience=settings.web_patience_seconds, limits=False),
        timeout=settings.web_call_seconds,
        options=_OPTIONS,
    )


class Gateways:
    """Connections to the gateways, of one event loop. What fails for good raises ``antiphon.errors.CallError``."""

    def __init__(self, setup: WebSettings | Setup) -> None:
        """Connect at the first call. A ``Setup`` may have a key that goes with every call."""
        self.link = AioLink(setup if isinstance(setup, Setup) else _setup(setup))
        channel = cast(aio.Channel, self.link)
        self.conversations: ConversationServiceAsyncStub = ConversationServiceStub(channel)
        self.states: StateServiceAsyncStub = StateServiceStub(channel)
        self.feedback: FeedbackServiceAsyncStub = FeedbackServiceStub(channel)
        self.knowledge: KnowledgeServiceAsyncStub = KnowledgeServiceStub(channel)
        self._health = self.link.unary_unary(
            _HEALTH, health_pb2.HealthCheckRequest.SerializeToString, health_pb2.HealthCheckResponse.FromString
        )

    async def follow(
        self, follower: Follower, metadata: Metadata, timeout: float | None = None
    ) -> AsyncIterator[TurnEvent]:
        """A turn's events until its end; gateways may die meanwhile."""
        events: Any = self.link.follow(follower, timeout, metadata)
        async with aclosing(events):
            async for event in events:
                yield event

    async def serving(self) -> bool:
        """Whether a gateway says that it takes calls."""
        request: Message = health_pb2.HealthCheckRequest()
        try:
            answer = await self._health(request, timeout=2.0)
        except CallError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    async def close(self) -> None:
        """Close the connections."""
        await self.link.close()
