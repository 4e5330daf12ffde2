"""OpenAI's own client holds conversations with the running stack."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.support.command import Command
from tests.support.http import Browser


def say(text: str) -> Any:
    """A user's message."""
    return {"role": "user", "content": text}


def turns(browser: Browser, session: str) -> list[dict[str, Any]]:
    """What a session has."""
    return list(browser.call("ConversationService/ListTurns", sessionId=session).get("turns", []))


# -- chat completions ---------------------------------------------------------------------------


def test_a_completion_is_whole(client: OpenAI) -> None:
    completion = client.chat.completions.create(model="antiphon", messages=[say("one two three")], temperature=0)
    choice = completion.choices[0]
    assert "one two three" in (choice.message.content or "")
    assert (choice.finish_reason, choice.message.role) == ("stop", "assistant")
    assert completion.usage is not None
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens > 0


def test_a_stream_begins_with_the_role_and_ends_with_usage(client: OpenAI) -> None:
    whole = client.chat.completions.create(model="antiphon", messages=[say("four five six")])
    stream = client.chat.completions.create(
        model="antiphon", messages=[say("four five six")], stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert chunks[0].choices[0].delta.role == "assistant"
    assert len({chunk.id for chunk in chunks}) == 1
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 0
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_a_stream_ends_with_done_and_without_usage_unless_asked(browser: Browser) -> None:
    body = {"model": "antiphon", "messages": [say("seven")], "stream": True}
    answer = browser.http.post("/v1/chat/completions", json=body)
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line.startswith("data: ")]
    assert events[-1] == "[DONE]"
    assert not any("usage" in json.loads(event) for event in events[:-1])


def test_what_was_said_before_is_seeded_and_the_system_text_kept(client: OpenAI, browser: Browser) -> None:
    messages: Any = [
        {"role": "system", "content": "Be brief."},
        say("first"),
        {"role": "assistant", "content": "one"},
        {"role": "user", "content": [{"type": "text", "text": "second"}, {"type": "text", "text": "and more"}]},
    ]
    raw = client.chat.completions.with_raw_response.create(model="antiphon", messages=messages, user="grace")
    session = raw.headers["x-antiphon-session"]
    assert [turn["text"] for turn in turns(browser, session)] == ["first", "second\n\nand more"]
    stored = browser.call("ConversationService/GetSession", sessionId=session)["session"]
    assert (stored["systemText"], stored["userId"]) == ("Be brief.", "grace")


def test_a_named_session_goes_on_and_the_same_message_again_is_another_draft(client: OpenAI, browser: Browser) -> None:
    session = browser.session()

    def ask(text: str, **more: Any) -> Any:
        return client.chat.completions.create(
            model="antiphon", messages=[say(text)], metadata={"session": session}, **more
        )

    first = ask("hello")
    second = ask("how are you")
    again = ask("how are you")
    assert [turn["text"] for turn in turns(browser, session)] == ["hello", "how are you"]
    assert again.id == f"{second.id}-1"
    assert first.id != second.id
    for _ in range(5):  # a turn has five drafts; then it is replaced
        ask("how are you")
    told = [turn for turn in turns(browser, session) if not turn.get("excluded")]
    assert [turn["text"] for turn in told] == ["hello", "how are you"]


def test_the_header_names_the_session_as_well(client: OpenAI, browser: Browser) -> None:
    session = browser.session()
    messages = [say("yes"), {"role": "assistant", "content": "Well?"}, say("yes")]
    headers = {"x-antiphon-session": session}
    client.chat.completions.create(model="antiphon", messages=messages[:1], extra_headers=headers)
    client.chat.completions.create(model="antiphon", messages=messages, extra_headers=headers)
    assert [turn["text"] for turn in turns(browser, session)] == ["yes", "yes"]


def test_another_programs_chat_is_one_session_with_edits_and_tasks(client: OpenAI, browser: Browser) -> None:
    headers = {"x-openwebui-chat-id": "chat-7", "x-openwebui-user-id": "linus"}

    def ask(*texts: str) -> Any:
        messages: list[Any] = [say(texts[0])]
        for text in texts[1:]:
            messages += [{"role": "assistant", "content": "…"}, say(text)]
        raw = client.chat.completions.with_raw_response.create(
            model="antiphon", messages=messages, extra_headers=headers
        )
        return raw.headers["x-antiphon-session"]

    session = ask("tea")
    assert ask("tea", "with milk") == session
    assert ask("tea", "with milk") == session  # regenerated
    assert ask("tea", "with lemon") == session  # edited
    assert ask("tea", "with lemon", "thanks") == session
    told = [turn["text"] for turn in turns(browser, session) if not turn.get("excluded")]
    assert told == ["tea", "with lemon", "thanks"]
    assert ask("coffee", "black") != session  # a branch
    assert ask("### Task:\nA title for the chat, please.") != session
    assert [turn["text"] for turn in turns(browser, session) if not turn.get("excluded")] == told


def test_models_are_the_tenants_assistants(antiphon: Command, client: OpenAI, browser: Browser) -> None:
    definition = json.dumps(
        {
            "services": [
                {
                    "name": "order",
                    "description": "Orders",
                    "intents": [],
                    "slots": [{"name": "city", "description": "Where"}],
                }
            ]
        }
    )
    browser.call("StateService/PutSchema", name="shop", definition=definition)
    names = [model.id for model in client.models.list()]
    assert names[0] == "antiphon"
    assert "shop" in names
    assert client.models.retrieve("shop").id == "shop"
    raw = client.chat.completions.with_raw_response.create(model="shop", messages=[say("hi")])
    session = browser.call("ConversationService/GetSession", sessionId=raw.headers["x-antiphon-session"])["session"]
    assert session["schemaName"] == "shop"
    for call in (
        lambda: client.models.retrieve("nobody"),
        lambda: client.chat.completions.create(model="nobody", messages=[say("hi")]),
    ):
        with pytest.raises(openai.NotFoundError) as refused:
            call()
        assert (refused.value.code, refused.value.param) == ("model_not_found", "model")


def test_a_key_makes_one_turn_however_often_it_is_sent(client: OpenAI, browser: Browser) -> None:
    def ask(text: str, **more: Any) -> Any:
        raw = client.chat.completions.with_raw_response.create(model="antiphon", messages=[say(text)], **more)
        return raw.headers["x-antiphon-session"], raw.parse()

    once, first = ask("only once", extra_headers={"Idempotency-Key": "k-1"})
    twice, second = ask("only once", extra_headers={"Idempotency-Key": "k-1"})
    assert (once, first.id, first.choices) == (twice, second.id, second.choices)
    assert len(turns(browser, once)) == 1
    with pytest.raises(openai.UnprocessableEntityError) as refused:
        ask("something else", extra_headers={"Idempotency-Key": "k-1"})
    assert refused.value.code == "request_id_reused"
    # what the official client repeats by itself finds the turn that it has made
    once, first = ask("again and again", extra_headers={"x-stainless-retry-count": "0"})
    twice, second = ask("again and again", extra_headers={"x-stainless-retry-count": "1"})
    assert (once, first.id) == (twice, second.id)
    named = {"metadata": {"session": once}}
    _, third = ask("next", extra_body=named, extra_headers={"x-stainless-retry-count": "0"})
    _, fourth = ask("next", extra_body=named, extra_headers={"x-stainless-retry-count": "1"})
    assert third.id == fourth.id


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"tools": [{"type": "custom", "custom": {"name": "f"}}]}, "tools[0].type"),
        ({"n": 2}, "n"),
        ({"presence_penalty": 0.5}, "presence_penalty"),
        ({"logit_bias": {"1": 2}}, "logit_bias"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"made_up": 1}, "made_up"),
        ({"temperature": 3}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": True}, "max_completion_tokens"),
        ({"stop": ["a"] * 9}, "stop"),
        ({"stop": [3]}, "stop"),
        ({"model": 3}, "model"),
        ({"model": None}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": {}}, "messages"),
        ({"messages": [3]}, "messages[0]"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "king", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": "a\0b"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": "a" * 40_000}]}, "messages[0].content"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"metadata": {"session": "session_nobody"}}, "session"),
        ({"metadata": {"a": 3}}, "metadata.a"),
        ({"user": "u" * 300}, "user"),
    ],
)
def test_a_parameter_that_does_not_do_is_named(browser: Browser, more: dict[str, Any], param: str) -> None:
    before = len(browser.call("ConversationService/ListSessions", pageSize=500)["sessions"])
    body = {"model": "antiphon", "messages": [say("hi")], **more}
    answer = browser.http.post("/v1/chat/completions", json=body)
    error = answer.json()["error"]
    if param == "session":
        assert answer.status_code == 404, answer.text
    else:
        assert (answer.status_code, error["param"]) == (400, param), answer.text
    assert error["message"]
    assert error["type"]
    assert answer.headers["x-should-retry"] == "false"
    assert len(browser.call("ConversationService/ListSessions", pageSize=500)["sessions"]) == before
