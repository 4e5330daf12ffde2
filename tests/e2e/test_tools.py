"""Function tools over HTTP by OpenAI's own client: calls whole and streamed, their results, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.support.described import check_described
from tests.support.http import Browser

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 9}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
WEATHER = {"name": "get_weather", "description": "The weather in a city.", "parameters": SCHEMA, "strict": True}
CHAT_TOOLS: Any = [
    {"type": "function", "function": WEATHER},
    {"type": "function", "function": {"name": "say_nothing"}},
]
TOOLS: Any = [{"type": "function", **WEATHER}, {"type": "function", "name": "say_nothing", "parameters": None}]
ASKED: Any = {"role": "user", "content": "What will the weather be in Oslo?"}


def chat(client: OpenAI, *messages: Any, **fields: Any) -> Any:
    return client.chat.completions.create(
        model="antiphon", messages=list(messages) or [ASKED], **{"tools": CHAT_TOOLS, **fields}
    )


def called_with(arguments: str) -> None:
    """The echo engine's arguments end with what was asked; notes of what other tests taught may stand before."""
    made = json.loads(arguments)
    assert made["city"].endswith(ASKED["content"])
    assert {**made, "city": ""} == {"city": "", "days": 1}


def sessions(browser: Browser) -> int:
    return len(browser.call("ConversationService/ListSessions", pageSize=500).get("sessions", []))


def test_a_chat_calls_a_tool_and_speaks_of_its_answer(client: OpenAI) -> None:
    completion = chat(client)
    (choice,) = completion.choices
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
    (call,) = choice.message.tool_calls
    assert (call.type, call.function.name) == ("function", "get_weather")
    called_with(call.function.arguments)
    answer = {"role": "tool", "tool_call_id": call.id, "content": "twelve degrees"}
    spoken = chat(client, ASKED, choice.message, answer).choices[0]
    assert spoken.finish_reason == "stop"
    assert "twelve degrees" in spoken.message.content
    thanks = chat(client, ASKED, choice.message, answer, spoken.message, {"role": "user", "content": "Thank you"})
    assert thanks.choices[0].message.content.endswith("Thank you")


def test_a_stream_of_a_call_adds_up_to_it(client: OpenAI) -> None:
    with client.chat.completions.stream(model="antiphon", messages=[ASKED], tools=CHAT_TOOLS) as stream:
        completion = stream.get_final_completion()
    (call,) = completion.choices[0].message.tool_calls or []
    assert completion.choices[0].finish_reason == "tool_calls"
    assert json.loads(call.function.arguments)["days"] == 1
    chunks = [chunk.choices[0].delta for chunk in chat(client, stream=True) if chunk.choices]
    pieces = [delta.tool_calls[0] for delta in chunks if delta.tool_calls]
    assert [piece.id for piece in pieces if piece.id] == [pieces[0].id]
    assert pieces[0].function.name == "get_weather"
    assert "".join(piece.function.arguments for piece in pieces) == call.function.arguments
    assert not any(delta.content for delta in chunks)


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ("none", None),
        ("auto", None),
        ("required", "get_weather"),
        ({"type": "function", "function": {"name": "say_nothing"}}, "say_nothing"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_is_called_goes_by_the_choice(client: OpenAI, choice: Any, called: str | None, stream: bool) -> None:
    hello = {"role": "user", "content": "hello there"}
    if stream:
        with client.chat.completions.stream(
            model="antiphon", messages=[hello], tools=CHAT_TOOLS, tool_choice=choice, parallel_tool_calls=False
        ) as told:  # type: ignore[arg-type]
            message: Any = told.get_final_completion().choices[0].message
    else:
        message = chat(client, hello, tool_choice=choice, parallel_tool_calls=False).choices[0].message
    assert [call.function.name for call in message.tool_calls or []] == ([called] if called else [])
    assert message.content is None if called else message.content.endswith("hello there")


def test_a_session_goes_on_with_what_the_tool_answered(client: OpenAI, browser: Browser) -> None:
    raw = client.chat.completions.with_raw_response.create(model="antiphon", messages=[ASKED], tools=CHAT_TOOLS)
    session = str(raw.headers["x-antiphon-session"])
    message = raw.parse().choices[0].message
    (call,) = message.tool_calls or []
    answer = {"role": "tool", "tool_call_id": call.id, "content": "rain"}
    headers = {"x-antiphon-session": session}
    spoken = chat(client, ASKED, message, answer, extra_headers=headers).choices[0].message
    assert "rain" in spoken.content
    turns = browser.call("ConversationService/ListTurns", sessionId=session)["turns"]
    assert [turn.get("toolResults") for turn in turns] == [None, [{"callId": call.id, "output": "rain"}]]
    assert turns[0]["drafts"][0]["toolCalls"][0]["name"] == "get_weather"
    assert turns[0]["drafts"][0]["manifest"]["tools"]["called"] == "get_weather"
    with pytest.raises(openai.BadRequestError) as refused:
        chat(client, ASKED, message, {**answer, "tool_call_id": "call_none", "content": "snow"}, extra_headers=headers)
    assert refused.value.param == "messages[2].tool_call_id"


def test_a_response_calls_a_tool_and_goes_on(client: OpenAI, browser: Browser) -> None:
    first = client.responses.create(model="antiphon", input=ASKED["content"], tools=TOOLS)
    (item,) = first.output
    assert item.type == "function_call"
    assert (item.name, item.status) == ("get_weather", "completed")
    called_with(item.arguments)
    assert first.output_text == ""
    assert [tool.name for tool in first.tools] == ["get_weather", "say_nothing"]  # type: ignore[union-attr]
    later = client.responses.retrieve(first.id)
    assert (later.output, later.tools, later.tool_choice) == (first.output, first.tools, "auto")
    check_described(later.to_dict(), "Response")
    answer: Any = [{"type": "function_call_output", "call_id": item.call_id, "output": "twelve degrees"}]
    second = client.responses.create(model="antiphon", input=answer, previous_response_id=first.id)
    assert "twelve degrees" in second.output_text
    (given,) = client.responses.input_items.list(second.id).data
    assert (given.type, given.output) == ("function_call_output", "twelve degrees")  # type: ignore[union-attr]
    third = client.responses.create(model="antiphon", input="and then?", previous_response_id=second.id)
    assert third.output_text.endswith("and then?")
    # another way on from the call: a branch has the call and takes its result
    branch = client.responses.create(model="antiphon", input=answer, previous_response_id=first.id, tools=TOOLS)
    assert "twelve degrees" in branch.output_text
    # and the whole conversation at once
    whole = [{"role": "user", "content": "hi"}, item.to_dict(exclude_unset=True), *answer]
    whole[1].pop("id"), whole[1].pop("status")
    assert "twelve degrees" in client.responses.create(model="antiphon", input=whole).output_text


def test_a_streamed_call_is_gone_on_with_from_any_event(client: OpenAI, browser: Browser) -> None:
    events = list(client.responses.create(model="antiphon", input=ASKED["content"], tools=TOOLS, stream=True))
    kinds = [event.type for event in events]
    assert kinds[:3] == ["response.created", "response.in_progress", "response.output_item.added"]
    assert kinds[-3:] == [
        "response.function_call_arguments.done", "response.output_item.done", "response.completed"
    ]  # fmt: skip
    assert set(kinds[3:-3]) == {"response.function_call_arguments.delta"}
    final: Any = events[-1]
    (item,) = final.response.output
    assert "".join(event.delta for event in events if event.type.endswith("arguments.delta")) == item.arguments
    numbers = [event.sequence_number for event in events]
    assert numbers == sorted(set(numbers))
    for event in events:
        check_described(event.to_dict(), "ResponseEvent")
    for place, number in enumerate(numbers):
        rest = list(client.responses.retrieve(final.response.id, stream=True, starting_after=number))
        told = "".join(event.delta for event in rest if event.type.endswith("arguments.delta"))
        had = "".join(event.delta for event in events[: place + 1] if event.type.endswith("arguments.delta"))
        assert had + told == item.arguments
        assert not rest or rest[-1].type == "response.completed"


def test_another_draft_of_a_call_is_a_call(client: OpenAI, browser: Browser) -> None:
    first = client.responses.create(model="antiphon", input=ASKED["content"], tools=TOOLS)
    again = browser.http.post(f"/v1/responses/{first.id}/revise", json={}).json()
    assert again["output"][0]["type"] == "function_call"
    assert again["output"][0]["call_id"] != first.output[0].call_id  # type: ignore[union-attr]
    spoken = client.responses.create(model="antiphon", input="hello there friend", tools=TOOLS)
    shorter = browser.http.post(f"/v1/responses/{spoken.id}/revise", json={"comment": "shorter"}).json()
    assert shorter["output"][0]["type"] == "message"


def test_a_call_that_is_cut_is_incomplete(client: OpenAI) -> None:
    response = client.responses.create(model="antiphon", input=ASKED["content"], tools=TOOLS, max_output_tokens=70)
    assert response.status == "incomplete"
    assert response.output[0].status == "incomplete"  # type: ignore[union-attr]
    choice = chat(client, max_tokens=70).choices[0]
    assert choice.finish_reason == "length"
    assert not (choice.message.content or "").startswith("<")


def one(**fields: Any) -> dict[str, Any]:
    return {"tools": [{"type": "function", "function": {"name": "f", **fields}}]}


CALLED = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
BAD_CHATS: dict[str, tuple[dict[str, Any], str]] = {
    "a name with a space": (one(name="a b"), "tools[0].function.name"),
    "no name": (one(name=None), "tools[0].function.name"),
    "a schema of no object": (one(parameters={"type": "string"}), "tools[0].function.parameters"),
    "a schema that is none": (one(parameters=[1]), "tools[0].function.parameters"),
    "a huge schema": (one(parameters={"title": "x" * 40_000}), "tools[0].function.parameters"),
    "what strict can't keep": (one(parameters={"not": {}}, strict=True), "tools[0].function.parameters"),
    "an unknown field": (one(made_up=1), "tools[0].function.made_up"),
    "another kind of tool": ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
    "129 tools": ({"tools": one()["tools"] * 129}, "tools"),
    "a name twice": ({"tools": one()["tools"] * 2}, "tools[1].function.name"),
    "an unknown choice": ({**one(), "tool_choice": "perhaps"}, "tool_choice"),
    "a choice of none": ({"tool_choice": "required"}, "tool_choice"),
    "an unknown tool": (
        {**one(), "tool_choice": {"type": "function", "function": {"name": "g"}}}, "tool_choice.function.name"
    ),
    "another kind of choice": ({**one(), "tool_choice": {"type": "custom"}}, "tool_choice.type"),
    "a result of no call": (
        {"messages": [ASKED, {"role": "tool", "tool_call_id": "x", "content": "y"}]}, "messages[1].tool_call_id"
    ),
    "a result of another call": (
        {"messages": [ASKED, {"role": "assistant", "tool_calls": [CALLED]},
                      {"role": "tool", "tool_call_id": "b", "content": "y"}]}, "messages[2].tool_call_id"
    ),
    "a result without its call's id": (
        {"messages": [ASKED, {"role": "assistant", "tool_calls": [CALLED]}, {"role": "tool", "content": "y"}]},
        "messages[2].tool_call_id",
    ),
    "arguments that are no JSON": (
        {"messages": [ASKED, {"role": "assistant", "tool_calls": [
            {**CALLED, "function": {"name": "f", "arguments": "{"}}]}, ASKED]},
        "messages[1].tool_calls[0].function.arguments",
    ),
    "a call before anything was said": ({"messages": [{"role": "assistant", "tool_calls": [CALLED]}, ASKED]},
                                        "messages[0].tool_calls"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_CHATS)
def test_bad_input_is_refused_by_its_parameter_and_nothing_is_stored(case: str, browser: Browser) -> None:
    fields, param = BAD_CHATS[case]
    before = sessions(browser)
    answer = browser.http.post("/v1/chat/completions", json={"model": "antiphon", "messages": [ASKED], **fields})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert sessions(browser) == before


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [{"type": "function", "name": "a b"}]}, "tools[0].name"),
        ({"tools": [{"type": "function", "name": "f", "parameters": {"type": "array"}}]}, "tools[0].parameters"),
        ({"tools": [{"type": "mcp", "server_label": "s"}]}, "tools[0].type"),
        ({"tools": [TOOLS[1]], "tool_choice": {"type": "function", "name": "g"}}, "tool_choice.name"),
        ({"input": [{"type": "function_call_output", "call_id": "x", "output": "y"}]}, "input[0].call_id"),
        ({"input": [{"type": "function_call_output", "output": "y"}]}, "input[0].call_id"),
        ({"input": [{"type": "reasoning"}]}, "input[0].type"),
    ],
)
def test_a_bad_response_is_refused_by_its_parameter(browser: Browser, fields: Any, param: str) -> None:
    before = sessions(browser)
    answer = browser.http.post("/v1/responses", json={"model": "antiphon", "input": "hi", **fields})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert sessions(browser) == before
