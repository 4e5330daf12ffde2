"""Users of a test: each talks in a session of its own over raw streams, and writes down what it is told."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Sequence
from typing import Any

import grpc
from antiphon.v1 import conversation_pb2 as pb
from antiphon.v1 import conversation_pb2_grpc as rpc
from antiphon.v1.common_pb2 import Position

from services.common.ids import new_id
from tests.support.history import History, Told

PATIENCE = 60.0
PAUSE = 0.05  # seconds before the next gateway is tried
AGAIN = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}
OPTIONS = [
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 200),
    ("grpc.enable_retries", 0),
]
_numbers = itertools.count(1)


def words_of(name: str, count: int) -> str:
    """A message no word of which stands anywhere else, so that text in the wrong place is known as such."""
    return " ".join(f"{name}.{index}" for index in range(count))


class Caller:
    """One user in one session. Unlike `antiphon.client` it mends nothing: what gateways send is what it has."""

    def __init__(self, history: History, addresses: Sequence[str], key: str) -> None:
        """Create a session through the first address; the others are tried when a call breaks."""
        self.history = history
        self.name = f"c{next(_numbers)}"
        self._channels = [grpc.insecure_channel(address, OPTIONS) for address in addresses]
        self._stubs = [rpc.ConversationServiceStub(channel) for channel in self._channels]
        self._metadata = (("authorization", f"Bearer {key}"),)
        self._threads: list[threading.Thread] = []
        self._said = itertools.count(1)
        self._closing = threading.Event()
        request = pb.CreateSessionRequest(user_id=self.name, request_id=new_id("request"))
        self.session: str = self.call("CreateSession", request).session.id

    def call(self, method: str, request: Any, timeout: float = 30.0) -> Any:
        """One answer, asked for again at the next gateway while none answers."""
        deadline = time.monotonic() + PATIENCE
        for stub in itertools.cycle(self._stubs):
            try:
                return getattr(stub, method)(request, metadata=self._metadata, timeout=timeout)
            except grpc.RpcError as error:
                if _code(error) not in AGAIN or time.monotonic() > deadline:
                    raise
                self._closing.wait(PAUSE)
        raise AssertionError("a caller without gateways")

    def say(self, count: int = 40, *, expected: tuple[str, ...] = ("completed",), words: str = "") -> Told:
        """Send a message of so many words and return once it is accepted; a thread follows the reply.

        Messages are sent one after the other, so that the order in which they must be answered is known.
        """
        told = self.send(count, expected=expected, words=words)
        told.wait_for_turn(PATIENCE)
        return told

    def send(self, count: int = 40, *, expected: tuple[str, ...] = ("completed",), words: str = "") -> Told:
        """As ``say``, and return before it is accepted."""
        text = words or words_of(f"{self.name}t{next(self._said)}", count)
        return self._begin(Told(self.session, text, new_id("request"), expected))

    def ask(self, words: str) -> Told:
        """Send a message to a generator with a model and return once it is accepted."""
        told = self._begin(Told(self.session, words, new_id("request"), free=True))
        told.wait_for_turn(PATIENCE)
        return told

    def attach(self, turn: str, words: str) -> Told:
        """Follow a turn of this session that was accepted elsewhere, from its beginning."""
        return self._begin(Told(self.session, words, "", turn=turn))

    def _begin(self, told: Told) -> Told:
        self.history.add(told)
        thread = threading.Thread(target=self._follow, args=(told,), name=told.words[:8], daemon=True)
        self._threads.append(thread)
        thread.start()
        return told

    def cancel(self, told: Told) -> tuple[pb.CancelTurnResponse, float]:
        """Cancel a turn; the answer and the seconds from request to answer."""
        request = pb.CancelTurnRequest(turn_id=told.turn, request_id=new_id("request"))
        begun = time.perf_counter()
        answer = self._stubs[0].CancelTurn(request, metadata=self._metadata, timeout=10)
        return answer, time.perf_counter() - begun

    def _follow(self, told: Told) -> None:
        """Read streams until the end, each from where the one before broke, each at the next gateway."""
        deadline = time.monotonic() + PATIENCE
        rewound = False
        for stub in itertools.cycle(self._stubs):
            resumed = bool(told.turn) and not rewound
            told.opened(resumed=resumed)
            try:
                for response in self._stream(stub, told, resumed):
                    told.heard(response.event)
                if not told.end:
                    told.failed("a stream ended well without an end")
                return
            except grpc.RpcError as error:
                code = _code(error)
                if self._closing.is_set():
                    return
                # The database has lost a write that was not promised: the position is no longer known.
                rewound = code is grpc.StatusCode.OUT_OF_RANGE
                if not rewound and (code not in AGAIN or time.monotonic() > deadline):
                    told.failed(f"{code} {error}")
                    return
                self._closing.wait(PAUSE)
            except ValueError:  # "Cannot invoke RPC: Channel closed!"
                if not self._closing.is_set():
                    raise
                return

    def _stream(self, stub: Any, told: Told, resumed: bool) -> Any:
        if not told.turn:
            request = pb.SendTurnRequest(session_id=told.session, text=told.words, request_id=told.request)
            return stub.SendTurn(request, metadata=self._metadata, timeout=PATIENCE)
        attach = pb.AttachTurnRequest(turn_id=told.turn)
        if resumed:
            attach.position.CopyFrom(Position(round=told.place[0], attempt=told.place[1], offset=len(told.text)))
        return stub.AttachTurn(attach, metadata=self._metadata, timeout=PATIENCE)

    def close(self) -> None:
        """End all streams and wait for the threads."""
        self._closing.set()
        for channel in self._channels:
            channel.close()
        for thread in self._threads:
            thread.join(10)


def _code(error: grpc.RpcError) -> grpc.StatusCode:
    code: grpc.StatusCode = error.code()
    return code
