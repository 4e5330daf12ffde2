"""Whatever is sent: the right status, the field named, nothing stored, and nobody dies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from antiphon.v1 import (
    admin_pb2,
    common_pb2,
    conversation_pb2,
    feedback_pb2,
    knowledge_pb2,
    model_pb2,
    state_pb2,
)
from google.protobuf import message_factory
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from services.common.bus import Consumer, Delivery
from services.common.bus.events import event
from services.common.bus.search import search_queue
from tests.support.gateway import Client, FakeWorkers, events_of
from tests.support.messages import messages

# What is refused does not depend on the broker.
pytestmark = pytest.mark.parametrize("stack", ["redis"], indirect=True)

MODULES = (admin_pb2, conversation_pb2, feedback_pb2, knowledge_pb2, model_pb2, state_pb2)
METHODS = {
    f"/{service.full_name}/{method.name}": method
    for module in MODULES
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}
Code = grpc.StatusCode
CLEAN = {
    Code.OK, Code.INVALID_ARGUMENT, Code.NOT_FOUND, Code.FAILED_PRECONDITION, Code.ABORTED, Code.ALREADY_EXISTS,
    Code.OUT_OF_RANGE, Code.PERMISSION_DENIED, Code.RESOURCE_EXHAUSTED, Code.UNIMPLEMENTED,
}  # fmt: skip


class Caller:
    """Calls any method of the contract by its path."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def call(self, path: str, request: Any) -> tuple[Code, list[Any], grpc.RpcError | None]:
        """Status, answers and error of one call; a list of requests goes to a method that takes a stream."""
        method = METHODS[path]
        answer = message_factory.GetMessageClass(method.output_type)
        shape = ("stream" if method.client_streaming else "unary") + "_"
        shape += "stream" if method.server_streaming else "unary"
        serialize: Callable[[Any], bytes] = lambda message: message.SerializeToString()  # noqa: E731
        stub = getattr(self._client.channel, shape)(
            path, request_serializer=serialize, response_deserializer=answer.FromString
        )
        given_ = iter(request) if method.client_streaming else request
        try:
            found = stub(given_, metadata=self._client.metadata, timeout=30)
            if method.name == "WatchTenant":  # without an end
                first = next(found)
                found.cancel()
                return Code.OK, [first], None
            return Code.OK, list(found) if method.server_streaming else [found], None
        except grpc.RpcError as error:
            return error.code(), [], error


def fields_at_fault(error: grpc.RpcError) -> list[str]:
    status = rpc_status.from_call(error)
    found = error_details_pb2.BadRequest()
    for detail in status.details if status is not None else ():
        if detail.Is(found.DESCRIPTOR):
            detail.Unpack(found)
    return [one.field for one in found.field_violations]


@pytest.fixture
def caller(client: Client) -> Caller:
    return Caller(client)


@pytest.fixture
def answered_searches(workers: FakeWorkers) -> Iterator[None]:
    """A knowledge worker that finds nothing."""

    def answer(delivery: Delivery) -> None:
        asked = json.loads(delivery.body)
        found = event(asked["id"], "searched", 0, passages=[], facts=[], watermark=0, error="")
        workers.events.put(asked["reply_to"], found)
        delivery.ack()

    queue = search_queue(redis=workers.bus.redis)
    consumer = Consumer(workers.bus, queue, answer, threads=1, prefetch=4).start()
    assert consumer.connected.wait(10)
    yield
    consumer.stop(2)


def stored(workers: FakeWorkers, tenant: str) -> dict[str, int]:
    """How many documents a tenant has, by collection."""
    database = workers.store.connection.database
    counts = {name: database[name].count_documents({"tenant": tenant}) for name in database.list_collection_names()}
    counts.pop("audit", None)  # a refused call leaves its trace there
    return {name: count for name, count in counts.items() if count}


@pytest.mark.parametrize("path", METHODS)
def test_no_message_of_the_contract_breaks_the_gateway(
    path: str, client: Client, caller: Caller, workers: FakeWorkers, tenant: str, answered_searches: None, stack: Any
) -> None:
    session = client.session()
    turn = events_of(client.send(session, "hi"))[0].turn_id
    other = stack.gateways.client(stack.address, f"{tenant}-other")
    foreign_session = other.session()
    foreign_turn = events_of(other.send(foreign_session, "hi"))[0].turn_id
    ids = [session, turn, foreign_session, foreign_turn, "", "turn_none", "x" * 300]
    one = messages(METHODS[path].input_type, ids)
    requests = st.lists(one, max_size=4) if METHODS[path].client_streaming else one
    before, before_other = stored(workers, tenant), stored(workers, f"{tenant}-other")

    @settings(
        max_examples=10,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        database=None,
    )
    @given(request=requests)
    def refused_or_served(request: Any) -> None:
        nonlocal before
        code, _, error = caller.call(path, request)
        assert code in CLEAN, f"{code}: {error}"
        after = stored(workers, tenant)
        if code == Code.INVALID_ARGUMENT:
            assert error is not None
            assert fields_at_fault(error) != [], error.details()
            assert after == before
        before = after

    refused_or_served()
    assert stored(workers, f"{tenant}-other") == before_other
    assert client.session(), "the gateway still answers"
    other.channel.close()


def request_of(path: str, **fields: Any) -> Any:
    return message_factory.GetMessageClass(METHODS[path].input_type)(**fields)


TALK, STATE, FEEDBACK, KNOW, ADMIN = (
    f"/antiphon.v1.{name}Service/" for name in ("Conversation", "State", "Feedback", "Knowledge", "Admin")
)
CONSTRAINT = feedback_pb2.Constraint
MUST, MUST_NOT = feedback_pb2.CONSTRAINT_KIND_MUST_INCLUDE, feedback_pb2.CONSTRAINT_KIND_MUST_NOT_INCLUDE
LENGTH = feedback_pb2.CONSTRAINT_KIND_LENGTH
WORDS = feedback_pb2.LENGTH_UNIT_WORDS
CONTRADICTION = feedback_pb2.Feedback(
    constraints=[CONSTRAINT(kind=MUST, value="tea"), CONSTRAINT(kind=MUST_NOT, value="tea")]
)
IMPOSSIBLE = feedback_pb2.Feedback(constraints=[CONSTRAINT(kind=LENGTH, unit=WORDS, min=9, max=3)])
HISTORY = [conversation_pb2.HistoryMessage(speaker=conversation_pb2.SPEAKER_ASSISTANT, text="hi")]
PAST = Timestamp(seconds=1)


def held_to(**form: Any) -> common_pb2.DecodingSettings:
    return common_pb2.DecodingSettings(reply_format=common_pb2.ReplyFormat(**{"kind": 2, **form}))


INVALID: list[tuple[str, dict[str, Any], str]] = [
    (f"{TALK}CreateSession", {}, "user_id"),
    (f"{TALK}CreateSession", {"user_id": "u" * 300}, "user_id"),
    (f"{TALK}CreateSession", {"user_id": "u", "policy": 9}, "policy"),
    (f"{TALK}CreateSession", {"user_id": "u", "history": HISTORY}, "history[0].speaker"),
    (f"{TALK}CreateSession", {"user_id": "u", "labels": {"k" * 65: "v"}}, "labels.key"),
    (f"{TALK}CreateSession", {"user_id": "u", "request_id": "r" * 129}, "request_id"),
    (f"{TALK}SendTurn", {"text": "hi"}, "session_id"),
    (f"{TALK}SendTurn", {"session_id": "s", "text": "  "}, "text"),
    (f"{TALK}SendTurn", {"session_id": "s", "text": "x" * 32_001}, "text"),
    (f"{TALK}SendTurn", {"session_id": "s", "text": "x", "min_watermark": -1}, "min_watermark"),
    (f"{TALK}SendTurn", {"session_id": "s", "text": "x", "timeout": Duration(seconds=-1)}, "timeout"),
    (f"{TALK}SendTurn", {"session_id": "s", "text": "x", "settings": common_pb2.DecodingSettings(temperature=3)},
     "settings.temperature"),
    (f"{TALK}SendTurn", {"session_id": "s", "text": "x", "settings": common_pb2.DecodingSettings(top_p=float("nan"))},
     "settings.top_p"),
    (f"{TALK}SendTurn", {"session_id": "s", "text": "x", "settings": common_pb2.DecodingSettings(beams=17)},
     "settings.beams"),
    (f"{TALK}SendTurn", {"session_id": "s", "text": "x", "settings": common_pb2.DecodingSettings(stop=[""])},
     "settings.stop[0]"),
    (f"{TALK}SendTurn", {"session_id": "s", "text": "t", "settings": held_to(kind=9)}, "settings.reply_format.kind"),
    (f"{TALK}SendTurn", {"session_id": "s", "text": "t", "settings": held_to(kind=1, schema="{}")},
     "settings.reply_format.schema"),
    (f"{TALK}SendTurn", {"session_id": "s", "text": "t", "settings": held_to(name="a b")},
     "settings.reply_format.name"),
    (f"{TALK}SendTurn", {"session_id": "s", "text": "t", "settings": held_to(strict=True)},
     "settings.reply_format.schema"),
    (f"{TALK}ReviseTurn", {"turn_id": "t", "resample": {}, "settings": held_to(schema='{"a": NaN}')},
     "settings.reply_format.schema"),
    (f"{TALK}RetryTurn", {"turn_id": "t", "settings": held_to(schema='{"type": "array"}')},
     "settings.reply_format.schema"),
    (f"{TALK}EditTurn", {"turn_id": "t", "text": "t", "settings": held_to(description="d\0")},
     "settings.reply_format.description"),
    (f"{TALK}ReviseTurn", {"turn_id": "t"}, "basis"),
    (f"{TALK}ReviseTurn", {"turn_id": "t", "feedback": feedback_pb2.Feedback()}, "feedback"),
    (f"{TALK}ReviseTurn", {"turn_id": "t", "feedback": feedback_pb2.Feedback(rating=6)}, "feedback.rating"),
    (f"{TALK}ReviseTurn", {"turn_id": "t", "feedback": CONTRADICTION}, "feedback.constraints[1].value"),
    (f"{TALK}ReviseTurn", {"turn_id": "t", "feedback": IMPOSSIBLE}, "feedback.constraints[0].min"),
    (f"{TALK}EditTurn", {"turn_id": "t"}, "text"),
    (f"{TALK}AttachTurn", {"turn_id": "t", "position": common_pb2.Position(round=-1)}, "position.round"),
    (f"{TALK}CancelTurn", {}, "turn_id"),
    (f"{TALK}PostReply", {"turn_id": "t"}, "text"),
    (f"{TALK}ListTurns", {"session_id": "s", "page_token": "x"}, "page_token"),
    (f"{TALK}ListSessions", {"page_size": -1}, "page_size"),
    (f"{TALK}WatchTenant", {"session_id": "s" * 200}, "session_id"),
    (f"{TALK}GetActivity", {"start_time": Timestamp(seconds=2), "end_time": Timestamp(seconds=1)}, "end_time"),
    (f"{TALK}GetActivity", {"start_time": Timestamp(seconds=1)}, "start_time"),
    (f"{STATE}PutSchema", {"name": "a b", "definition": "services: []"}, "name"),
    (f"{STATE}PutSchema", {"name": "a", "definition": "services:\n  - slots: []\n"}, "definition.services[0]"),
    (f"{STATE}PutSchema", {"name": "a", "definition": "{"}, "definition"),
    (f"{STATE}CorrectState", {"session_id": "s"}, "corrections"),
    (f"{FEEDBACK}SubmitFeedback", {"turn_id": "t"}, "feedback"),
    (f"{KNOW}TeachFact", {"entity": "e", "slot": "s"}, "value"),
    (f"{KNOW}TeachFact", {"entity": "e", "slot": "s", "value": "v", "valid_to": PAST}, "valid_to"),
    (f"{KNOW}Search", {}, "query"),
    (f"{KNOW}Search", {"query": "q", "limit": 101}, "limit"),
    (f"{KNOW}UsedBy", {}, "used"),
    (f"{ADMIN}CreateKey", {}, "role"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "fields", "field"), INVALID, ids=lambda value: value if isinstance(value, str) else ""
)
def test_bad_input_is_refused_with_its_field(path: str, fields: dict[str, Any], field: str, caller: Caller) -> None:
    code, _, error = caller.call(path, request_of(path, **fields))
    assert code == Code.INVALID_ARGUMENT
    assert error is not None
    assert fields_at_fault(error) == [field]


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        (f"{TALK}GetSession", {"session_id": "SESSION"}),
        (f"{TALK}SendTurn", {"session_id": "SESSION", "text": "hi"}),
        (f"{TALK}EndSession", {"session_id": "SESSION"}),
        (f"{TALK}Takeover", {"session_id": "SESSION"}),
        (f"{TALK}Return", {"session_id": "SESSION"}),
        (f"{TALK}WatchTenant", {"session_id": "SESSION"}),
        (f"{TALK}Handoff", {"session_id": "SESSION"}),
        (f"{TALK}EraseSession", {"session_id": "SESSION"}),
        (f"{TALK}ListTurns", {"session_id": "SESSION"}),
        (f"{TALK}GetTurn", {"turn_id": "TURN"}),
        (f"{TALK}CancelTurn", {"turn_id": "TURN"}),
        (f"{TALK}AttachTurn", {"turn_id": "TURN"}),
        (f"{TALK}AcceptDraft", {"turn_id": "TURN"}),
        (f"{TALK}PostReply", {"turn_id": "TURN", "text": "hi"}),
        (f"{TALK}EditTurn", {"turn_id": "TURN", "text": "hi"}),
        (f"{TALK}RetryTurn", {"turn_id": "TURN"}),
        (f"{TALK}ReviseTurn", {"turn_id": "TURN", "resample": conversation_pb2.Resample()}),
        (f"{STATE}GetState", {"session_id": "SESSION"}),
        (f"{FEEDBACK}SubmitFeedback", {"turn_id": "TURN", "feedback": feedback_pb2.Feedback(rating=5)}),
    ],
)
@pytest.mark.parametrize("whose", ["nobody's", "another tenant's"])
def test_ids_of_others_are_as_unknown_as_ids_that_never_were(
    path: str, fields: dict[str, Any], whose: str, caller: Caller, workers: FakeWorkers, stack: Any, tenant: str
) -> None:
    session, turn = "session_none", "turn_none"
    if whose == "another tenant's":
        other = stack.gateways.client(stack.address, f"{tenant}-other")
        session = other.session()
        turn = events_of(other.send(session, "hi"))[0].turn_id
        other.channel.close()
    names = {"SESSION": session, "TURN": turn}
    filled = {name: names.get(value, value) if isinstance(value, str) else value for name, value in fields.items()}
    before = stored(workers, f"{tenant}-other")
    code, _, _ = caller.call(path, request_of(path, **filled))
    assert code == Code.NOT_FOUND
    assert stored(workers, f"{tenant}-other") == before


def test_a_document_is_refused_whole(caller: Caller, workers: FakeWorkers, tenant: str) -> None:
    part = knowledge_pb2.IngestDocumentRequest
    header = part(header=knowledge_pb2.DocumentHeader(name="a.md"))
    cases: list[tuple[list[Any], str]] = [
        ([], "header"),
        ([part(chunk=b"text")], "header"),
        ([header, header], "header"),
        ([header, part(chunk=b"\xff\xfe")], "chunk"),
        ([header, part(chunk=b"  ")], "chunk"),
        ([header, part()], "part"),
        ([part(header=knowledge_pb2.DocumentHeader(name="a", media_type="image/png"))], "header.media_type"),
    ]
    for parts, field in cases:
        code, _, error = caller.call(f"{KNOW}IngestDocument", parts)
        assert (code, fields_at_fault(error) if error else []) == (Code.INVALID_ARGUMENT, [field])
    assert "sources" not in stored(workers, tenant)
    assert "uploads" not in stored(workers, tenant)
