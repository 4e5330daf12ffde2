"""A gateway that does to each call what a script says: a real gRPC server, to test clients against."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event
from typing import Any, NoReturn

import grpc
from antiphon.v1 import conversation_pb2 as pb
from antiphon.v1 import conversation_pb2_grpc, knowledge_pb2, knowledge_pb2_grpc
from antiphon.v1.common_pb2 import Position
from antiphon.v1.conversation_pb2 import TurnEvent
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]
from grpc_status import rpc_status

TURN = "turn_1"


def event(round_number: int, attempt: int, offset: int, **kind: Any) -> TurnEvent:
    """An event after which the stream stands at this position."""
    return TurnEvent(turn_id=TURN, position=Position(round=round_number, attempt=attempt, offset=offset), **kind)


def accepted(round_number: int = 0, attempt: int = 0) -> TurnEvent:
    return event(round_number, attempt, 0, accepted=pb.TurnAccepted(session_id="session_1", turn_number=1))


def delta(text: str, start: int, attempt: int = 1, round_number: int = 0) -> TurnEvent:
    """Text that begins at code point ``start``."""
    return event(round_number, attempt, start + len(text), delta=pb.TurnDelta(text=text))


def restarted(attempt: int, kept: int = 0, round_number: int = 0) -> TurnEvent:
    return event(round_number, attempt, kept, restarted=pb.TurnRestarted(reason="WORKER_LOST"))


def completed(text: str, attempt: int = 1, round_number: int = 0) -> TurnEvent:
    draft = pb.Draft(id="draft_1", round=round_number, text=text)
    return event(round_number, attempt, len(text), completed=pb.TurnCompleted(draft=draft))


def failed(reason: str) -> TurnEvent:
    return event(0, 5, 0, failed=pb.TurnFailed(error=pb.TurnError(reason=reason, message="given up")))


@dataclass(frozen=True)
class Fail:
    """Break the call with this status; ``retry_delay`` in seconds goes into a RetryInfo."""

    code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE
    message: str = "broken on purpose"
    retry_delay: float | None = None
    reason: str = ""
    violations: dict[str, str] = field(default_factory=dict)

    def abort(self, context: Any) -> NoReturn:
        details: list[Message] = []
        if self.retry_delay is not None:
            delay = Duration()
            delay.FromNanoseconds(int(self.retry_delay * 1e9))
            details.append(error_details_pb2.RetryInfo(retry_delay=delay))
        if self.reason:
            details.append(error_details_pb2.ErrorInfo(reason=self.reason, domain="antiphon"))
        if self.violations:
            violation = error_details_pb2.BadRequest.FieldViolation
            listed = [violation(field=name, description=why) for name, why in self.violations.items()]
            details.append(error_details_pb2.BadRequest(field_violations=listed))
        packed = [AnyMessage() for _ in details]
        for box, detail in zip(packed, details, strict=True):
            box.Pack(detail)
        status = status_pb2.Status(code=self.code.value[0], message=self.message, details=packed)
        context.abort_with_status(rpc_status.to_status(status))
        raise AssertionError("abort_with_status does not return")


@dataclass(frozen=True)
class Hang:
    """Say nothing more until the client leaves."""


Step = Message | Fail | Hang


@dataclass
class Call:
    """A call as it arrived."""

    method: str
    request: Any
    metadata: dict[str, str | bytes]


class MisbehavingGateway(
    conversation_pb2_grpc.ConversationServiceServicer, knowledge_pb2_grpc.KnowledgeServiceServicer
):
    """Answers its n-th call by its n-th script; a stream whose script is over ends well, end event or not."""

    def __init__(self, credentials: grpc.ServerCredentials | None = None, port: int = 0) -> None:
        self.calls: list[Call] = []
        self._scripts: deque[Sequence[Step]] = deque()
        self._server = grpc.server(ThreadPoolExecutor(8))
        conversation_pb2_grpc.add_ConversationServiceServicer_to_server(self, self._server)
        knowledge_pb2_grpc.add_KnowledgeServiceServicer_to_server(self, self._server)
        if credentials is None:
            self.port = self._server.add_insecure_port(f"localhost:{port}")
        else:
            self.port = self._server.add_secure_port(f"localhost:{port}", credentials)
        self._server.start()

    @property
    def address(self) -> str:
        return f"localhost:{self.port}"

    @property
    def methods(self) -> list[str]:
        """The methods that were called, in order."""
        return [call.method for call in self.calls]

    def script(self, *steps: Step) -> None:
        """What the next call without a script will see."""
        self._scripts.append(steps)

    def stop(self) -> None:
        """Cut every connection and answer no more."""
        self._server.stop(None).wait()

    def _stream(self, method: str, request: Any, context: Any, envelope: Any) -> Iterator[Any]:
        self.calls.append(Call(method, request, dict(context.invocation_metadata())))
        for step in self._scripts.popleft():
            if isinstance(step, Fail):
                step.abort(context)
            if isinstance(step, Hang):
                self._wait_for_the_client_to_leave(context)
                return
            yield envelope(event=step)

    @staticmethod
    def _wait_for_the_client_to_leave(context: Any) -> None:
        gone = Event()
        if context.add_callback(gone.set):
            gone.wait(30)

    def _answer(self, method: str, request: Any, context: Any) -> Any:
        self.calls.append(Call(method, request, dict(context.invocation_metadata())))
        (step,) = self._scripts.popleft()
        if isinstance(step, Fail):
            step.abort(context)
        if isinstance(step, Hang):
            self._wait_for_the_client_to_leave(context)
        return step

    def SendTurn(self, request: pb.SendTurnRequest, context: Any) -> Iterator[pb.SendTurnResponse]:
        return self._stream("SendTurn", request, context, pb.SendTurnResponse)

    def ReviseTurn(self, request: pb.ReviseTurnRequest, context: Any) -> Iterator[pb.ReviseTurnResponse]:
        return self._stream("ReviseTurn", request, context, pb.ReviseTurnResponse)

    def EditTurn(self, request: pb.EditTurnRequest, context: Any) -> Iterator[pb.EditTurnResponse]:
        return self._stream("EditTurn", request, context, pb.EditTurnResponse)

    def RetryTurn(self, request: pb.RetryTurnRequest, context: Any) -> Iterator[pb.RetryTurnResponse]:
        return self._stream("RetryTurn", request, context, pb.RetryTurnResponse)

    def AttachTurn(self, request: pb.AttachTurnRequest, context: Any) -> Iterator[pb.AttachTurnResponse]:
        return self._stream("AttachTurn", request, context, pb.AttachTurnResponse)

    def CreateSession(self, request: pb.CreateSessionRequest, context: Any) -> pb.CreateSessionResponse:
        answer: pb.CreateSessionResponse = self._answer("CreateSession", request, context)
        return answer

    def GetTurn(self, request: pb.GetTurnRequest, context: Any) -> pb.GetTurnResponse:
        answer: pb.GetTurnResponse = self._answer("GetTurn", request, context)
        return answer

    def IngestDocument(
        self, request_iterator: Iterator[knowledge_pb2.IngestDocumentRequest], context: Any
    ) -> knowledge_pb2.IngestDocumentResponse:
        answer: knowledge_pb2.IngestDocumentResponse = self._answer("IngestDocument", list(request_iterator), context)
        return answer
