"""Building requests: request ids, the requests of the five streams, documents cut into chunks."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any, TypeVar, cast

from google.protobuf.message import Message

from antiphon.follow import Follower
from antiphon.v1 import conversation_pb2 as pb
from antiphon.v1.common_pb2 import DecodingSettings, Position
from antiphon.v1.feedback_pb2 import Feedback
from antiphon.v1.knowledge_pb2 import DocumentHeader, IngestDocumentRequest

CHUNK_BYTES = 256 * 1024

M = TypeVar("M", bound=Message)


def new_request_id() -> str:
    """An id that no other request has."""
    return uuid.uuid4().hex


def identified(request: M) -> M:
    """The request with a request id, so that making it twice has one effect; itself where it has or needs none."""
    if "request_id" not in request.DESCRIPTOR.fields_by_name or cast(Any, request).request_id:
        return request
    copy = type(request)()
    copy.CopyFrom(request)
    cast(Any, copy).request_id = new_request_id()
    return copy


def send(
    session_id: str,
    text: str,
    *,
    settings: DecodingSettings | None,
    policy: pb.DoubleTextingPolicy.ValueType,
    min_watermark: int,
    without_knowledge: bool,
    wait: bool,
    request_id: str,
    offer: pb.ToolOffer | None = None,
    tool_results: Iterable[pb.ToolResult] = (),
) -> Follower:
    """Follows SendTurn."""
    request = pb.SendTurnRequest(
        request_id=request_id or new_request_id(),
        session_id=session_id,
        text=text,
        settings=settings,
        policy=policy,
        min_watermark=min_watermark,
        without_knowledge=without_knowledge,
        wait_for_completion=wait,
        offer=offer,
        tool_results=tool_results,
    )
    return Follower("SendTurn", request)


def revise(
    turn_id: str,
    feedback: Feedback | str | None,
    *,
    expected_round: int | None,
    settings: DecodingSettings | None,
    min_watermark: int,
    wait: bool,
    request_id: str,
) -> Follower:
    """Follows ReviseTurn: text is a comment, None draws again."""
    request = pb.ReviseTurnRequest(
        request_id=request_id or new_request_id(),
        turn_id=turn_id,
        expected_round=expected_round,
        settings=settings,
        min_watermark=min_watermark,
        wait_for_completion=wait,
    )
    if feedback is None:
        request.resample.SetInParent()
    elif isinstance(feedback, str):
        request.feedback.comment = feedback
    else:
        request.feedback.CopyFrom(feedback)
    return Follower("ReviseTurn", request)


def edit(
    turn_id: str,
    text: str,
    *,
    settings: DecodingSettings | None,
    min_watermark: int,
    wait: bool,
    request_id: str,
    offer: pb.ToolOffer | None = None,
) -> Follower:
    """Follows EditTurn; the turn that is followed is the new one."""
    request = pb.EditTurnRequest(
        request_id=request_id or new_request_id(),
        turn_id=turn_id,
        text=text,
        settings=settings,
        min_watermark=min_watermark,
        wait_for_completion=wait,
        offer=offer,
    )
    return Follower("EditTurn", request)


def retry(turn_id: str, *, settings: DecodingSettings | None, wait: bool, request_id: str) -> Follower:
    """Follows RetryTurn."""
    request = pb.RetryTurnRequest(
        request_id=request_id or new_request_id(), turn_id=turn_id, settings=settings, wait_for_completion=wait
    )
    return Follower("RetryTurn", request)


def attach(turn_id: str, position: Position | None, *, wait: bool) -> Follower:
    """Follows a turn that is there."""
    request = pb.AttachTurnRequest(turn_id=turn_id, position=position, wait_for_completion=wait)
    return Follower("AttachTurn", request, turn_id, position)


def document(
    name: str,
    content: bytes | str,
    *,
    title: str = "",
    media_type: str = "",
    labels: Iterable[str] = (),
    user_id: str = "",
    request_id: str = "",
) -> list[IngestDocumentRequest]:
    """IngestDocument's messages: the header, then the content in chunks."""
    body = content.encode() if isinstance(content, str) else content
    header = DocumentHeader(
        request_id=request_id or new_request_id(),
        name=name,
        title=title,
        media_type=media_type,
        labels=labels,
        user_id=user_id,
    )
    chunks = (body[start : start + CHUNK_BYTES] for start in range(0, len(body), CHUNK_BYTES))
    return [IngestDocumentRequest(header=header), *(IngestDocumentRequest(chunk=chunk) for chunk in chunks)]
