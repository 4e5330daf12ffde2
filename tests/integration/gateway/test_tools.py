"""Tools at the gateway: what is offered is kept with the turn, what is wrong is refused by its field."""

from __future__ import annotations

import json
from typing import Any

import grpc
import pytest
from antiphon.v1 import conversation_pb2 as pb
from antiphon.v1.common_pb2 import DecodingSettings
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from services.common.ids import new_id
from services.common.tools.calls import call_text, read_call
from tests.support.gateway import Client, FakeWorkers, Script, events_of

pytestmark = pytest.mark.parametrize("stack", ["redis"], indirect=True)

SCHEMA = json.dumps({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})
WEATHER = pb.Tool(name="get_weather", description="The weather in a city.", parameters=SCHEMA)
CALL = pb.ToolCall(id="call_1", name="get_weather", arguments='{"city": "Oslo"}')


def offer(*tools: pb.Tool, choice: int = pb.TOOL_CHOICE_AUTO, name: str = "") -> pb.ToolOffer:
    return pb.ToolOffer(tools=tools or (WEATHER,), choice=choice, name=name)  # type: ignore[arg-type]


def tool(**fields: Any) -> pb.Tool:
    return pb.Tool(**{"name": "f", **fields})


def result(call_id: str, output: str = "12 degrees") -> pb.ToolResult:
    return pb.ToolResult(call_id=call_id, output=output)


def asked(session: str, text: str = "", **fields: Any) -> pb.SendTurnRequest:
    return pb.SendTurnRequest(session_id=session, text=text, **fields)


def fault(client: Client, request: Any) -> tuple[grpc.StatusCode, str]:
    """Status and field of a refused call."""
    try:
        if isinstance(request, pb.SendTurnRequest):
            list(client.conversation.SendTurn(request, metadata=client.metadata, timeout=20))
        else:
            client.call("CreateSession", request)
    except grpc.RpcError as error:
        status = rpc_status.from_call(error)
        for detail in status.details if status is not None else ():
            found = error_details_pb2.BadRequest()
            if detail.Is(found.DESCRIPTOR):
                detail.Unpack(found)
                return error.code(), found.field_violations[0].field
        return error.code(), ""
    return grpc.StatusCode.OK, ""


def turns_of(workers: FakeWorkers, tenant: str) -> int:
    return int(workers.store.connection.database["turns"].count_documents({"tenant": tenant}))


def test_what_is_offered_and_answered_is_kept_with_the_turn(client: Client, workers: FakeWorkers) -> None:
    workers.script = lambda _text: Script([call_text("get_weather", '{"city": "Oslo"}')])
    session = client.session(history=[
        pb.HistoryMessage(speaker=pb.SPEAKER_USER, text="The weather in Oslo?"),
        pb.HistoryMessage(speaker=pb.SPEAKER_ASSISTANT, tool_calls=[CALL]),
    ])  # fmt: skip
    given = offer(choice=pb.TOOL_CHOICE_REQUIRED, name="get_weather")
    key = new_id("request")
    events = events_of(client.send(session, "", tool_results=[result("call_1")], offer=given, request_id=key))
    turn = client.turn(events[0].turn_id)
    assert turn.offer == given
    assert list(turn.tool_results) == [result("call_1")]
    assert turn.text == "<tool_response>\n12 degrees\n</tool_response>"
    assert not turn.HasField("state")
    seeded = client.call("ListTurns", pb.ListTurnsRequest(session_id=session)).turns[0]
    assert list(seeded.drafts[0].tool_calls) == [CALL]
    call = read_call(seeded.drafts[0].text)
    assert call is not None
    assert call.arguments == CALL.arguments
    again = events_of(client.send(session, "", tool_results=[result("call_1")], offer=given, request_id=key))
    assert again[0].turn_id == turn.id


def test_an_edited_turn_keeps_its_tools_unless_it_is_given_others(client: Client) -> None:
    session = client.session()
    first = events_of(client.send(session, "hello", offer=offer()))[0].turn_id

    def edit(turn: str, **fields: Any) -> pb.Turn:
        request = pb.EditTurnRequest(turn_id=turn, text="hi", **fields)
        events = [one.event for one in client.conversation.EditTurn(request, metadata=client.metadata, timeout=20)]
        return client.turn(events[0].turn_id)

    kept = edit(first)
    assert kept.offer == offer()
    assert edit(kept.id, offer=offer(tool(name="other"))).offer.tools[0].name == "other"


BAD_OFFERS = {
    "a name with a space": (offer(tool(name="a b")), "offer.tools[0].name"),
    "no name": (offer(tool(name="")), "offer.tools[0].name"),
    "a long name": (offer(tool(name="f" * 65)), "offer.tools[0].name"),
    "a name with a line break": (offer(tool(name="f\n")), "offer.tools[0].name"),
    "a name twice": (offer(tool(), tool()), "offer.tools[1].name"),
    "too many": (offer(*(tool(name=f"f{n}") for n in range(129))), "offer.tools"),
    "too much": (offer(*(tool(name=f"f{n}", description="d" * 3_999) for n in range(40))), "offer.tools"),
    "a long description": (offer(tool(description="d" * 4_001)), "offer.tools[0].description"),
    "a huge schema": (offer(tool(parameters='{"title": "' + "x" * 32_000 + '"}')), "offer.tools[0].parameters"),
    "no JSON": (offer(tool(parameters="{")), "offer.tools[0].parameters"),
    "no object": (offer(tool(parameters="[]")), "offer.tools[0].parameters"),
    "not of an object": (offer(tool(parameters='{"type": "string"}')), "offer.tools[0].parameters"),
    "a reference elsewhere": (offer(tool(parameters='{"$ref": "http://a/b"}')), "offer.tools[0].parameters"),
    "nested deeply": (offer(tool(parameters='{"a":' * 40 + "1" + "}" * 40)), "offer.tools[0].parameters"),
    "what can't be kept": (offer(tool(parameters='{"not": {}}', strict=True)), "offer.tools[0].parameters"),
    "an unknown choice": (offer(choice=9), "offer.choice"),
    "a choice of none": (pb.ToolOffer(choice=pb.TOOL_CHOICE_REQUIRED), "offer.choice"),
    "a name of none": (offer(choice=pb.TOOL_CHOICE_REQUIRED, name="other"), "offer.name"),
    "a name without having to": (offer(name="get_weather"), "offer.name"),
}


@pytest.mark.parametrize("case", BAD_OFFERS)
def test_a_bad_offer_is_refused_by_its_field_and_nothing_is_stored(
    case: str, client: Client, workers: FakeWorkers, tenant: str
) -> None:
    given, field = BAD_OFFERS[case]
    session = client.session()
    assert fault(client, asked(session, "hello", offer=given)) == (grpc.StatusCode.INVALID_ARGUMENT, field)
    assert turns_of(workers, tenant) == 0


def test_results_of_no_call_are_refused(client: Client, workers: FakeWorkers, tenant: str) -> None:
    invalid = grpc.StatusCode.INVALID_ARGUMENT
    session = client.session()
    assert fault(client, asked(session, tool_results=[result("call_1")])) == (invalid, "tool_results[0].call_id")
    events_of(client.send(session, "hello"))
    before = turns_of(workers, tenant)
    for results, field in (
        ([result("call_1")], "tool_results[0].call_id"),
        ([result("")], "tool_results[0].call_id"),
        ([result("a"), result("a")], "tool_results[1].call_id"),
        ([result("a", "x" * 200_000)], "tool_results[0].output"),
        ([result(f"c{n}") for n in range(129)], "tool_results"),
    ):
        assert fault(client, asked(session, tool_results=results)) == (invalid, field)
    assert fault(client, asked(session)) == (invalid, "text")
    assert turns_of(workers, tenant) == before


@pytest.mark.parametrize(
    ("messages", "field"),
    [
        ([{"tool_calls": [CALL]}, {"text": "hi"}], "history[0].tool_calls"),
        ([{"text": "hi"}, {"text": "ho", "tool_results": [result("x")]}], "history[1].tool_results"),
        ([{"tool_results": [result("x")]}, {"text": "hi"}], "history[0].tool_results[0].call_id"),
        ([{"text": "hi"}, {}], "history[1].text"),
        ([{"text": "hi"}, {"tool_calls": [CALL, CALL]}], "history[1].tool_calls[1].id"),
        ([{"text": "hi"}, {"tool_calls": [pb.ToolCall(id="a", name="b")]}], "history[1].tool_calls[0].arguments"),
        ([{"text": "hi"}, {"tool_calls": [pb.ToolCall(id="a", arguments="{}")]}], "history[1].tool_calls[0].name"),
    ],
)
def test_a_history_whose_calls_and_results_do_not_fit_is_refused(
    messages: list[dict[str, Any]], field: str, client: Client, workers: FakeWorkers, tenant: str
) -> None:
    speakers = (pb.SPEAKER_USER, pb.SPEAKER_ASSISTANT)
    history = [pb.HistoryMessage(speaker=speakers[n % 2], **message) for n, message in enumerate(messages)]
    request = pb.CreateSessionRequest(user_id="ann", history=history)
    assert fault(client, request) == (grpc.StatusCode.INVALID_ARGUMENT, field)
    assert turns_of(workers, tenant) == 0


def test_settings_and_tools_go_together(client: Client) -> None:
    session = client.session()
    settings = DecodingSettings(max_tokens=50)
    turn = events_of(client.send(session, "hello", offer=offer(), settings=settings))[0].turn_id
    assert client.turn(turn).offer.tools[0].parameters == SCHEMA
