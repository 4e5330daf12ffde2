"""The Responses API by OpenAI's own client: conversations, streams that go on, background, what is said of a reply."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.support.described import check_described
from tests.support.http import Browser
from tests.support.waiting import wait_until

LONG = " ".join(f"word{number}" for number in range(90))


def texts(browser: Browser, session: str) -> list[str]:
    """What the user has said in a session."""
    turns = browser.call("ConversationService/ListTurns", sessionId=session).get("turns", [])
    return [turn["text"] for turn in turns if not turn.get("excluded")]


def session_of(response: Any) -> str:
    """The session of a response."""
    return str(response.conversation.id)


def test_a_response_is_whole_and_is_there_later(client: OpenAI) -> None:
    response = client.responses.create(model="antiphon", input="one two three", metadata={"ticket": "7"})
    assert "one two three" in response.output_text
    assert (response.status, response.metadata) == ("completed", {"ticket": "7"})
    assert response.usage is not None
    assert response.usage.output_tokens > 0
    later = client.responses.retrieve(response.id)
    assert (later.id, later.output, later.usage) == (response.id, response.output, response.usage)
    assert client.responses.input_items.list(response.id).data[0].content[0].text == "one two three"  # type: ignore[union-attr]


def test_a_stream_tells_the_response_item_by_item(client: OpenAI) -> None:
    events = list(client.responses.create(model="antiphon", input="four five six", stream=True))
    kinds = [event.type for event in events]
    assert kinds[:4] == [
        "response.created", "response.in_progress", "response.output_item.added", "response.content_part.added"
    ]  # fmt: skip
    assert kinds[-4:] == [
        "response.output_text.done", "response.content_part.done", "response.output_item.done", "response.completed"
    ]  # fmt: skip
    numbers = [event.sequence_number for event in events]
    assert numbers == sorted(set(numbers))
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == events[-1].response.output_text  # type: ignore[union-attr]
    with client.responses.stream(model="antiphon", input="four five six") as stream:
        assert "four five six" in stream.get_final_response().output_text


@pytest.mark.parametrize(
    "said",
    [
        [{"type": "message", "role": "user", "content": "Name three owls."}],
        [{"role": "system", "content": "Answer as a sailor."}, {"role": "user", "content": "Good morning."}],
        [
            {"role": "user", "content": [{"type": "input_text", "text": "I am Ines."}]},
            {"role": "assistant", "content": [{"type": "output_text", "text": "Hello Ines."}], "status": "completed"},
            {"role": "user", "content": "Who am I?"},
        ],
        [
            {"role": "assistant", "phase": "commentary", "content": "I look the figure up."},
            {"role": "assistant", "phase": "final_answer", "content": "It is nine."},
            {"role": "user", "content": "Say it once more."},
        ],
    ],
)
def test_responses_and_their_events_are_as_they_are_described(browser: Browser, said: Any) -> None:
    body = {"model": "antiphon", "input": said, "temperature": 0.25}
    whole = browser.http.post("/v1/responses", json=body).json()
    check_described(whole, "Response")
    assert whole["completed_at"] >= whole["created_at"] > 0
    assert (whole["temperature"], whole["top_p"], whole["store"]) == (0.25, 1.0, True)
    answer = browser.http.post("/v1/responses", json={**body, "stream": True})
    *events, done = [event.partition("data: ")[2] for event in answer.text.strip().split("\n\n")]
    assert done == "[DONE]"
    for event in map(json.loads, events):
        check_described(event, "ResponseEvent")
    last = json.loads(events[-1])["response"]
    assert (last["status"], last["output"][0]["content"]) == ("completed", whole["output"][0]["content"])


def test_a_conversation_goes_on_and_branches(client: OpenAI, browser: Browser) -> None:
    first = client.responses.create(model="antiphon", input="tea", instructions="Be brief.", user="grace")
    second = client.responses.create(model="antiphon", input="with milk", previous_response_id=first.id)
    session = session_of(first)
    assert session_of(second) == session
    third = client.responses.create(model="antiphon", input="thanks", conversation=session, instructions="Be brief.")
    assert texts(browser, session) == ["tea", "with milk", "thanks"]
    branch = client.responses.create(model="antiphon", input="with lemon", previous_response_id=first.id)
    assert session_of(branch) != session
    assert texts(browser, session_of(branch)) == ["tea", "with lemon"]
    stored = browser.call("ConversationService/GetSession", sessionId=session_of(branch))["session"]
    assert (stored["userId"], stored["systemText"]) == ("grace", "Be brief.")
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model="antiphon", input="x", previous_response_id=third.id, instructions="Be long.")
    assert refused.value.param == "instructions"
    shown = client.conversations.retrieve(session)
    assert shown.id == session
    said = client.conversations.items.list(session, order="asc").data
    assert [item.content[0].text for item in said if item.type == "message" and item.role == "user"] == [  # type: ignore[union-attr]
        "tea", "with milk", "thanks"
    ]  # fmt: skip


def test_a_conversation_is_begun_with_what_was_said_elsewhere(client: OpenAI, browser: Browser) -> None:
    items: Any = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    conversation = client.conversations.create(items=items, metadata={"channel": "mail"})
    assert conversation.metadata == {"channel": "mail"}
    client.responses.create(model="antiphon", input=[{"role": "user", "content": "c"}], conversation=conversation.id)
    assert texts(browser, conversation.id) == ["a", "c"]
    assert client.conversations.delete(conversation.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.conversations.retrieve(conversation.id)


def test_the_background_goes_on_alone_and_is_read_from_anywhere(client: OpenAI) -> None:
    begun = client.responses.create(model="antiphon", input=LONG, background=True)
    assert begun.status in ("queued", "in_progress")
    events = list(client.responses.retrieve(begun.id, stream=True))
    whole = events[-1].response.output_text  # type: ignore[union-attr]
    assert "word1 word2" in whole
    for at in (0, 3, 4, len(events) // 2, len(events) - 2):
        number = events[at].sequence_number
        rest = list(client.responses.retrieve(begun.id, stream=True, starting_after=number))
        assert all(event.sequence_number > number for event in rest)
        seen = [event.delta for event in [*events[: at + 1], *rest] if event.type == "response.output_text.delta"]
        assert "".join(seen) == whole
    assert client.responses.retrieve(begun.id).output_text == whole
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.retrieve(begun.id, stream=True, starting_after=-1)
    assert refused.value.param == "starting_after"


def test_what_is_cancelled_keeps_its_words(client: OpenAI) -> None:
    response = ""
    for event in client.responses.create(model="antiphon", input=LONG, stream=True):
        if event.type == "response.created":
            response = event.response.id
        if event.type == "response.output_text.delta":
            break  # who goes cancels nothing
    cancelled = client.responses.cancel(response)
    assert cancelled.status in ("cancelled", "completed", "incomplete")
    assert client.responses.cancel(response).status == cancelled.status
    assert client.responses.retrieve(response).status == cancelled.status


def test_a_chat_that_its_reader_leaves_is_stopped(client: OpenAI, browser: Browser) -> None:
    messages: Any = [{"role": "user", "content": LONG}]
    raw = client.chat.completions.with_raw_response.create(model="antiphon", messages=messages, stream=True)
    turn = raw.headers["x-antiphon-turn"]
    stream = raw.parse()
    next(iter(stream))
    stream.close()
    ended = ("TURN_STATUS_CANCELLED", "TURN_STATUS_COMPLETED")
    wait_until(lambda: browser.call("ConversationService/GetTurn", turnId=turn)["turn"]["status"] in ended, 30)


def test_a_response_is_revised_rated_accepted_and_explained(browser: Browser) -> None:
    post = browser.http.post
    first = post("/v1/responses", json={"model": "antiphon", "input": "tell me about tea"}).json()
    path = f"/v1/responses/{first['id']}"
    wish = {"kind": "must_include", "value": "green tea"}
    revised = post(f"{path}/revise", json={"comment": "shorter, please", "constraints": [wish]}).json()
    assert revised["id"] == f"{first['id']}-r1"
    assert revised["previous_response_id"] == first["id"]
    assert revised["antiphon"]["round"] == 1
    assert [check["met"] for check in revised["antiphon"]["checks"] if check["constraint"]["value"] == "green tea"]
    assert browser.http.get(f"/v1/responses/{revised['id']}").json()["output"] == revised["output"]
    stale = post(f"{path}/revise", json={"comment": "longer"})
    assert (stale.status_code, stale.json()["error"]["code"]) == (409, "round_mismatch")
    again = post(f"/v1/responses/{revised['id']}/revise", json={"stream": True})
    assert again.text.rstrip().endswith("[DONE]")
    record = post(f"{path}/feedback", json={"rating": 2, "edit": "Tea is a drink."}).json()
    assert (record["response_id"], record["feedback"]["rating"]) == (first["id"], 2)
    accepted = post(f"/v1/responses/{revised['id']}/accept").json()
    assert accepted["antiphon"]["accepted"] is True
    why = browser.http.get(f"/v1/responses/{revised['id']}/why").json()
    assert why["manifest"]["engine"] == "echo"
    assert why["constraints"]
    assert why["checks"]
    assert why["feedback"]["comment"] == "shorter, please"


def test_a_response_that_a_person_has_taken_over_is_theirs(browser: Browser, client: OpenAI) -> None:
    first = client.responses.create(model="antiphon", input="hello")
    session = session_of(first)
    browser.call("ConversationService/Takeover", sessionId=session, author="Ada")
    held = client.responses.create(model="antiphon", input="are you there?", previous_response_id=first.id)
    assert (held.status, held.output) == ("in_progress", [])
    assert held.antiphon["held_by"] == "Ada"  # type: ignore[attr-defined]
    assert client.responses.retrieve(held.id).status == "in_progress"
    stream = client.responses.retrieve(held.id, stream=True)
    assert next(iter(stream)).type == "response.created"
    turn = held.antiphon["turn"]  # type: ignore[attr-defined]
    browser.call("ConversationService/PostReply", turnId=turn, text="Yes, a person.")
    assert [event.response.output_text for event in stream if event.type == "response.completed"] == ["Yes, a person."]
    answered = client.responses.retrieve(held.id)
    assert (answered.status, answered.output_text) == ("completed", "Yes, a person.")
    with pytest.raises(openai.ConflictError):
        client.post(f"/responses/{held.id}/revise", body={"comment": "shorter"}, cast_to=object)


def test_a_key_makes_one_response_also_after_another_one(client: OpenAI, browser: Browser) -> None:
    def ask(key: str, **more: Any) -> Any:
        return client.responses.create(model="antiphon", extra_headers={"Idempotency-Key": key}, **more)

    first = ask("r-1", input="once")
    assert ask("r-1", input="once").id == first.id
    second = ask("r-2", input="twice", previous_response_id=first.id)
    assert ask("r-2", input="twice", previous_response_id=first.id).id == second.id
    repeated = client.responses.create(
        model="antiphon", input="twice", previous_response_id=first.id, extra_headers={"x-stainless-retry-count": "1"}
    )
    assert repeated.id == second.id
    assert texts(browser, session_of(first)) == ["once", "twice"]


def test_a_response_is_deleted_with_its_conversation(client: OpenAI) -> None:
    alone = client.responses.create(model="antiphon", input="forget me")
    client.responses.delete(alone.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(alone.id)
    first = client.responses.create(model="antiphon", input="a")
    client.responses.create(model="antiphon", input="b", previous_response_id=first.id)
    with pytest.raises(openai.ConflictError, match="conversations"):
        client.responses.delete(first.id)


@pytest.mark.parametrize("id", ["resp_turn_none", "resp_", "none", "resp_a-r9", "resp_%00", "resp_" + "x" * 300])
def test_a_response_that_is_not_there_is_not_found(browser: Browser, id: str) -> None:
    for method, tail in (("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/input_items"), ("GET", "/why")):
        answer = browser.http.request(method, f"/v1/responses/{id}{tail}")
        assert answer.status_code == 404, answer.text
        assert answer.json()["error"]["message"]
    for tail in ("/revise", "/feedback"):
        assert browser.http.post(f"/v1/responses/{id}{tail}", json={"comment": "x"}).status_code == 404


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"input": None}, "input"),
        ({"input": 3}, "input"),
        ({"input": " "}, "input"),
        ({"input": []}, "input"),
        ({"input": [{"type": "function_call_output"}]}, "input[0].call_id"),
        ({"input": [{"type": "reasoning"}]}, "input[0].type"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input[0].content[0].type"),
        ({"store": False}, "store"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format.schema"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"reasoning": {"effort": "high"}}, "reasoning"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"temperature": -1}, "temperature"),
        ({"previous_response_id": "resp_turn_none"}, "previous_response_id"),
        ({"previous_response_id": "a", "conversation": "b"}, "conversation"),
        ({"conversation": {}}, "conversation.id"),
        ({"background": 1}, "background"),
        ({"input": "a" * 40_000}, "input"),
        ({"metadata": {str(number): "" for number in range(17)}}, "metadata"),
    ],
)
def test_a_parameter_that_does_not_do_is_named(browser: Browser, more: dict[str, Any], param: str) -> None:
    before = len(browser.call("ConversationService/ListSessions", pageSize=500)["sessions"])
    answer = browser.http.post("/v1/responses", json={"model": "antiphon", "input": "hi", **more})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param), answer.text
    assert len(browser.call("ConversationService/ListSessions", pageSize=500)["sessions"]) == before
