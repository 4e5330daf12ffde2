"""The course of one call over its tries and streams: what to open, what to let through, when to stop. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import grpc
from google.protobuf.message import Message

from antiphon.errors import CallError, from_rpc_error
from antiphon.follow import Follower
from antiphon.requests import identified
from antiphon.retry import Retries, broken_stream
from antiphon.v1 import conversation_pb2 as pb


@dataclass(frozen=True, slots=True)
class Codec:
    """One RPC: a grpc.Channel's method for it (such as "unary_unary"), its path, and how messages become bytes."""

    kind: str
    path: str
    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]


class Way(Protocol):
    """What a course needs of a Link."""

    def method(self, codec: Codec) -> tuple[int, Any]: ...
    def metadata(self, more: Any) -> Any: ...
    def retries(self, timeout: float | None) -> Retries: ...
    def failed(self, number: int) -> None: ...


class Course:
    """A call as a loop of the client runs it: ``open`` and read, passing answers through ``take`` and ends through
    ``closed`` or ``failed``; wait ``pause`` seconds; open again until ``done``."""

    def __init__(self, way: Way, codec: Codec, request: Any, timeout: float | None, metadata: Any = ()) -> None:
        self.pause = 0.0
        self.done = False
        self._way = way
        self._codec = codec
        self._request = identified(request) if isinstance(request, Message) else request
        self._repeatable = isinstance(request, Message | Sequence)
        self._metadata = way.metadata(metadata)
        self._retries = way.retries(timeout)
        self._number = 0

    def open(self) -> Any:
        """The next call, begun."""
        self.pause = 0.0
        request = iter(self._request) if isinstance(self._request, Sequence) else self._request
        return self._call(self._codec, request)

    def _call(self, codec: Codec, request: Any) -> Any:
        self._number, method = self._way.method(codec)
        return method(request, timeout=self._retries.remaining(), metadata=self._metadata)

    def take(self, response: Any) -> Iterable[Any]:
        """What the reader sees of an answer. A plain stream that has begun can't be repeated: its start is read."""
        self._repeatable = False
        return (response,)

    @property
    def leaving(self) -> bool:
        """True when the stream that is read is to be left: the course is done, or needs another stream."""
        return self.done

    def closed(self) -> None:
        """The stream has ended well, or was left."""
        self.done = True

    def failed(self, raw: Any) -> None:
        """The call broke with this ``grpc.RpcError``: sets ``pause``, or raises CallError if there is no next try."""
        error = from_rpc_error(raw)
        if not self._repeatable:
            raise error from raw
        self._try_again(error, raw)

    def _try_again(self, error: CallError, cause: BaseException | None = None, resuming: bool = False) -> None:
        try:
            self.pause = self._retries.wait_after(error, resuming)
        except CallError:
            raise error from cause
        if error.retry_delay is None:  # a gateway that names a delay is up
            self._way.failed(self._number)


_SERVICE = "/antiphon.v1.ConversationService/"
_STREAMS = {
    request.DESCRIPTOR.name.removesuffix("Request"): Codec(
        "unary_stream",
        _SERVICE + request.DESCRIPTOR.name.removesuffix("Request"),
        request.SerializeToString,
        response.FromString,
    )
    for request, response in (
        (pb.SendTurnRequest, pb.SendTurnResponse),
        (pb.ReviseTurnRequest, pb.ReviseTurnResponse),
        (pb.EditTurnRequest, pb.EditTurnResponse),
        (pb.RetryTurnRequest, pb.RetryTurnResponse),
        (pb.AttachTurnRequest, pb.AttachTurnResponse),
    )
}


class TurnCourse(Course):
    """The course of a turn's events: the call that began it, then AttachTurn until the end."""

    def __init__(self, way: Way, follower: Follower, timeout: float | None, metadata: Any = ()) -> None:
        first = follower.next_call()
        super().__init__(way, _STREAMS[first.method], first.request, timeout, metadata)
        self._follower = follower

    def open(self) -> Any:
        self.pause = 0.0
        wanted = self._follower.next_call()
        return self._call(_STREAMS[wanted.method], wanted.request)

    def take(self, response: Any) -> Iterable[Any]:
        events = self._follower.take(response.event)
        if events:
            self._retries.progressed()
        self.done = self._follower.end is not None
        return events

    @property
    def leaving(self) -> bool:
        return self.done or self._follower.broken

    def closed(self) -> None:
        if not self.done:
            self._try_again(broken_stream(), resuming=self._follower.following)

    def failed(self, raw: Any) -> None:
        error = from_rpc_error(raw)
        if not (error.code is grpc.StatusCode.OUT_OF_RANGE and self._follower.rewind()):
            self._try_again(error, raw, resuming=self._follower.following)
