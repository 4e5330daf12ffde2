"""Single answers: errors, retries, request ids, keys and TLS."""

import time
from typing import Any

import grpc
import pytest
from antiphon.client import (
    CallError,
    DeadlineExceeded,
    FieldViolation,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    RetryPolicy,
    document,
)
from antiphon.v1 import conversation_pb2 as pb
from antiphon.v1 import knowledge_pb2
from antiphon.v1.conversation_pb2 import CreateSessionRequest, CreateSessionResponse, GetTurnRequest, GetTurnResponse

from tests.support.misbehaving_gateway import Fail, Hang, MisbehavingGateway

CREATED = CreateSessionResponse(session=pb.Session(id="session_1"))


def create(client: Any, **options: Any) -> Any:
    return client.conversations.CreateSession(CreateSessionRequest(user_id="ada"), **options)


def test_every_rpc_is_there_under_its_service(reader: Any, gateway: MisbehavingGateway) -> None:
    gateway.script(GetTurnResponse(turn=pb.Turn(id="turn_1", text="hello")))
    answer = reader.value(
        gateway.address, lambda client: client.conversations.GetTurn(GetTurnRequest(turn_id="turn_1"))
    )
    assert answer.turn.text == "hello"
    assert gateway.calls[0].metadata["authorization"] == "Bearer key_1.secret"


def test_a_call_is_repeated_with_the_request_id_it_was_given(reader: Any, gateway: MisbehavingGateway) -> None:
    gateway.script(Fail(grpc.StatusCode.UNAVAILABLE))
    gateway.script(Fail(grpc.StatusCode.CANCELLED))
    gateway.script(CREATED)
    assert reader.value(gateway.address, create) == CREATED
    ids = {call.request.request_id for call in gateway.calls}
    assert len(gateway.calls) == 3
    assert len(ids) == 1
    assert "" not in ids


def test_a_request_id_of_the_caller_is_kept_and_the_request_left_alone(
    reader: Any, gateway: MisbehavingGateway
) -> None:
    gateway.script(CREATED)
    gateway.script(CREATED)
    own = CreateSessionRequest(user_id="ada", request_id="mine")
    reader.value(gateway.address, lambda client: client.conversations.CreateSession(own))
    without = CreateSessionRequest(user_id="ada")
    reader.value(gateway.address, lambda client: client.conversations.CreateSession(without))
    assert gateway.calls[0].request.request_id == "mine"
    assert gateway.calls[1].request.request_id
    assert not without.request_id


def test_a_server_that_names_a_delay_is_given_it(reader: Any, gateway: MisbehavingGateway) -> None:
    gateway.script(Fail(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many open turns", retry_delay=0.15))
    gateway.script(CREATED)
    begun = time.monotonic()
    assert reader.value(gateway.address, create) == CREATED
    assert time.monotonic() - begun >= 0.15


def test_a_delay_beyond_patience_is_raised_at_once_with_the_delay(reader: Any, gateway: MisbehavingGateway) -> None:
    gateway.script(Fail(grpc.StatusCode.RESOURCE_EXHAUSTED, "quota used up", retry_delay=3600.0))
    with pytest.raises(ResourceExhausted, match="quota used up") as raised:
        reader.value(gateway.address, create)
    assert raised.value.retry_delay == 3600.0


def test_a_message_over_the_limit_is_not_repeated(reader: Any, gateway: MisbehavingGateway) -> None:
    gateway.script(Fail(grpc.StatusCode.RESOURCE_EXHAUSTED, "message larger than max"))
    with pytest.raises(ResourceExhausted):
        reader.value(gateway.address, create)
    assert len(gateway.calls) == 1


def test_bad_fields_are_named(reader: Any, gateway: MisbehavingGateway) -> None:
    violations = {"user_id": "must not be empty", "history[1].speaker": "must be the assistant"}
    gateway.script(Fail(grpc.StatusCode.INVALID_ARGUMENT, "2 bad fields", violations=violations))
    with pytest.raises(InvalidArgument, match="user_id: must not be empty") as raised:
        reader.value(gateway.address, create)
    assert raised.value.violations == (
        FieldViolation("user_id", "must not be empty"),
        FieldViolation("history[1].speaker", "must be the assistant"),
    )
    assert raised.value.code is grpc.StatusCode.INVALID_ARGUMENT


def test_no_retries_where_none_are_wanted(reader: Any, gateway: MisbehavingGateway) -> None:
    gateway.script(Fail(grpc.StatusCode.UNAVAILABLE))
    with pytest.raises(CallError):
        reader.value(gateway.address, create, policy=RetryPolicy(patience=0))
    assert len(gateway.calls) == 1


def test_a_timeout_is_an_error_of_the_family(reader: Any, gateway: MisbehavingGateway) -> None:
    gateway.script(Hang())
    with pytest.raises(DeadlineExceeded):
        reader.value(gateway.address, lambda client: create(client, timeout=0.2))


def test_a_dead_gateway_is_passed_over(
    reader: Any, gateway: MisbehavingGateway, other_gateway: MisbehavingGateway
) -> None:
    gateway.stop()
    other_gateway.script(CREATED)
    assert reader.value(f"{gateway.address}, {other_gateway.address}", create) == CREATED


def test_metadata_goes_along(reader: Any, gateway: MisbehavingGateway) -> None:
    gateway.script(CREATED)
    reader.value(gateway.address, lambda client: create(client, metadata=(("traceparent", "00-1-2-01"),)))
    assert gateway.calls[0].metadata["traceparent"] == "00-1-2-01"


def test_a_document_is_sent_again_from_its_start(reader: Any, gateway: MisbehavingGateway) -> None:
    gateway.script(Fail(grpc.StatusCode.UNAVAILABLE))
    gateway.script(knowledge_pb2.IngestDocumentResponse(watermark=7))
    text = "# Plans\n" + "The basic plan costs 9 euros.\n" * 20_000
    answer = reader.value(
        gateway.address, lambda client: client.knowledge.IngestDocument(document("plans.md", text, labels=["eu"]))
    )
    assert answer.watermark == 7
    first, second = (call.request for call in gateway.calls)
    assert first == second
    assert first[0].header.name == "plans.md"
    assert first[0].header.request_id
    assert list(first[0].header.labels) == ["eu"]
    assert b"".join(part.chunk for part in first[1:]).decode() == text


def test_a_stream_of_requests_that_can_be_read_once_is_sent_once(reader: Any, gateway: MisbehavingGateway) -> None:
    gateway.script(Fail(grpc.StatusCode.UNAVAILABLE))
    with pytest.raises(CallError):
        reader.value(gateway.address, lambda client: client.knowledge.IngestDocument(iter(document("a", "b"))))
    assert len(gateway.calls) == 1


def test_what_the_server_does_not_know_is_not_found(reader: Any, gateway: MisbehavingGateway) -> None:
    gateway.script(Fail(grpc.StatusCode.NOT_FOUND, "no turn turn_9"))
    with pytest.raises(NotFound, match="no turn turn_9"):
        reader.value(gateway.address, lambda client: client.conversations.GetTurn(GetTurnRequest(turn_id="turn_9")))


def test_a_client_needs_an_address(reader: Any) -> None:
    with pytest.raises(ValueError, match="address"):
        reader.client(" , ")
