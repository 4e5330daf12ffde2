"""The way to the gateways: channels, credentials, and the shape of a channel that generated stubs can stand on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

import grpc

from antiphon.course import Codec, Course, TurnCourse
from antiphon.follow import Follower
from antiphon.retry import Pool, Retries, RetryPolicy

C = TypeVar("C")

OPTIONS: list[tuple[str, Any]] = [
    # A gateway that hangs with open sockets answers no ping: what runs there goes on at another one after six seconds.
    # Gateways take a ping every two seconds; a client that sends more is sent away (GOAWAY). gRPC waits for an answer
    # as long as its HTTP/2 layer says, a minute by default, whatever the keepalive timeout is.
    ("grpc.keepalive_time_ms", 3_000),
    ("grpc.keepalive_timeout_ms", 3_000),
    ("grpc.http2.ping_timeout_ms", 3_000),
    ("grpc.http2.max_pings_without_data", 0),
    # A gateway that restarts should be found again within seconds; gRPC's own longest wait is two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 5_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # A page of long turns is larger than gRPC's own 4 MiB.
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    # This client retries by itself: it knows the request ids.
    ("grpc.enable_retries", 0),
    # Two clients of one process have connections of their own: what breaks one leaves the other alone.
    ("grpc.use_local_subchannel_pool", 1),
]


@dataclass(frozen=True)
class Setup:
    """How a client connects.

    ``key`` is an API key or a token, or a function that gives the one to send now (tokens expire). ``tls``: False for
    plain text, True for TLS by the system's roots, bytes for TLS by these PEM roots, or whole channel credentials.
    ``certificate`` is the client's own for mutual TLS, as PEM: its chain and its private key. ``timeout``
    in seconds holds for single answers that are given none; streams have none.
    """

    addresses: str | Sequence[str]
    key: str | Callable[[], str] = ""
    tls: bool | bytes | grpc.ChannelCredentials = False
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    timeout: float | None = 30.0
    options: Sequence[tuple[str, Any]] = ()
    certificate: tuple[bytes, bytes] | None = None

    def __post_init__(self) -> None:
        if self.certificate is not None and not isinstance(self.tls, bool | bytes):
            raise ValueError("whole credentials bring their certificate themselves")

    def credentials(self) -> grpc.ChannelCredentials | None:
        """None for plain text."""
        if isinstance(self.tls, grpc.ChannelCredentials):
            return self.tls
        if not self.tls and self.certificate is None:
            return None
        chain, key = self.certificate or (None, None)
        roots = self.tls if isinstance(self.tls, bytes) else None
        return grpc.ssl_channel_credentials(roots, key, chain)

    def bearer(self) -> str:
        """The key or token to send now; "" for none."""
        return self.key() if callable(self.key) else self.key

    def channel_options(self) -> list[tuple[str, Any]]:
        """The client's options, then the caller's, which win."""
        return [*OPTIONS, *self.options]


class Link(Generic[C]):
    """Stands in for a channel under generated stubs.

    Calls take ``timeout`` (seconds, retries included) and ``metadata``, are repeated where that is safe and raise
    CallError. The I/O, sync or async, is the subclass's: ``connect``, ``answer`` and ``stream``.
    """

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.pool = Pool(setup.addresses, self.connect)
        self._methods: dict[tuple[int, str], tuple[C, Any]] = {}

    def connect(self, address: str) -> C:
        """A channel to one gateway."""
        raise TypeError(f"{type(self).__name__} does no I/O")

    def answer(self, course: Course) -> Any:
        """The one answer of a course's call."""
        raise TypeError(f"{type(self).__name__} does no I/O")

    def stream(self, course: Course) -> Any:
        """What a course lets through of its calls' answers, until it is done."""
        raise TypeError(f"{type(self).__name__} does no I/O")

    def follow(self, follower: Follower, timeout: float | None, metadata: Any = ()) -> Any:
        """The turn's events until its end, over as many streams as it takes."""
        return self.stream(TurnCourse(self, follower, timeout, metadata))

    def unary_unary(
        self,
        path: str,
        request_serializer: Callable[[Any], bytes],
        response_deserializer: Callable[[bytes], Any],
        _registered_method: bool = False,
    ) -> Any:
        """As grpc.Channel.unary_unary."""
        return partial(self._answer, Codec("unary_unary", path, request_serializer, response_deserializer))

    def stream_unary(
        self,
        path: str,
        request_serializer: Callable[[Any], bytes],
        response_deserializer: Callable[[bytes], Any],
        _registered_method: bool = False,
    ) -> Any:
        """As grpc.Channel.stream_unary; repeated only if the requests are a list or a tuple."""
        return partial(self._answer, Codec("stream_unary", path, request_serializer, response_deserializer))

    def unary_stream(
        self,
        path: str,
        request_serializer: Callable[[Any], bytes],
        response_deserializer: Callable[[bytes], Any],
        _registered_method: bool = False,
    ) -> Any:
        """As grpc.Channel.unary_stream; repeated until the first answer has come."""
        return partial(self._stream, Codec("unary_stream", path, request_serializer, response_deserializer))

    def _answer(self, codec: Codec, request: Any, timeout: float | None = None, metadata: Any = ()) -> Any:
        timeout = self.setup.timeout if timeout is None else timeout
        return self.answer(Course(self, codec, request, timeout, metadata))

    def _stream(self, codec: Codec, request: Any, timeout: float | None = None, metadata: Any = ()) -> Any:
        return self.stream(Course(self, codec, request, timeout, metadata))

    # -- what a course needs --------------------------------------------------------------------

    def method(self, codec: Codec) -> tuple[int, Any]:
        """The callable for one RPC on the current channel, and the number of that channel."""
        number, channel = self.pool.current()
        known = self._methods.get((number, codec.path))
        if known is None or known[0] is not channel:
            make = getattr(channel, codec.kind)
            known = (channel, make(codec.path, request_serializer=codec.encode, response_deserializer=codec.decode))
            self._methods[number, codec.path] = known
        return number, known[1]

    def metadata(self, more: Iterable[tuple[str, str | bytes]] | None) -> tuple[tuple[str, str | bytes], ...]:
        """The caller's metadata with the key before it."""
        bearer = self.setup.bearer()
        own = (("authorization", f"Bearer {bearer}"),) if bearer else ()
        return (*own, *(more or ()))

    def retries(self, timeout: float | None) -> Retries:
        """The bookkeeping of one call's failures."""
        return Retries(self.setup.policy, len(self.pool.addresses), timeout)

    def failed(self, number: int) -> None:
        """Use the next gateway from now on."""
        self.pool.failed(number)
