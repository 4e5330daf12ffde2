"""Whatever a body holds: it is read, or refused with the parameter's name."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.web.errors import Unsupported, WebError
from services.web.openai.body import Body, parse_object
from services.web.openai.chat_request import read_chat
from services.web.openai.messages import OPENED, read_messages
from services.web.openai.response_feedback import read_feedback
from services.web.openai.responses_request import read_response
from tests.support.bodies import CHAT, RESPONSE, changes, values


def refusal(read: Callable[[], object]) -> WebError | None:
    """How it was refused; None where it was read."""
    try:
        read()
    except WebError as error:
        return error
    return None


@given(changes)
def test_a_body_is_read_or_its_parameter_is_named(change: dict[str, Any]) -> None:
    for read in (
        lambda: read_chat(Body({**CHAT, **change}), {}),
        lambda: read_response(Body({**RESPONSE, **change}), {}),
        lambda: read_feedback(Body(change)),
    ):
        refused = refusal(read)
        if refused is not None:
            assert refused.param
            assert refused.status == 400
            json.dumps([refused.param, refused.message]).encode()


@given(st.binary(max_size=60) | values.map(lambda value: json.dumps(value).encode()))
def test_bytes_are_an_object_or_no_json(raw: bytes) -> None:
    refused = refusal(lambda: parse_object(raw))
    assert refused is None or refused.code == "invalid_json"


@pytest.mark.parametrize("raw", [b"[" * 100_000, b'{"a": NaN}', b'{"a": 1' + b"0" * 5_000 + b"}", b"\xff", b'{"a":'])
def test_json_that_is_a_trap_is_refused(raw: bytes) -> None:
    with pytest.raises(WebError, match="no JSON"):
        parse_object(raw)


@pytest.mark.parametrize(
    ("messages", "history", "last"),
    [
        (["u:a"], [], "a"),
        (["u:a", "a:b", "u:c"], ["a", "b"], "c"),
        (["u:a", "u:b"], [], "a\n\nb"),
        (["s:x", "u:a", "a:b", "a:c", "u:d"], ["a", "b\n\nc"], "d"),
        (["u:a", "a: ", "u:b"], [], "a\n\nb"),
        (["u:a", "a:b", "s:y", "u:c"], ["a", "b"], "c"),
        (["d:x", "s:y", "u:a"], [], "a"),
        (["a:x", "u:a"], [], "a"),
        (["s:y", "a:x", "a:z", "u:a", "a:b", "u:c"], ["a", "b"], "c"),
    ],
)
def test_messages_come_to_turns(messages: list[str], history: list[str], last: str) -> None:
    roles = {"u": "user", "a": "assistant", "s": "system", "d": "developer"}
    bodies = [Body({"role": roles[one[0]], "content": one[2:]}, f"messages[{at}]") for at, one in enumerate(messages)]
    conversation = read_messages(bodies, "messages")
    assert [message.text for message in conversation.history] == history
    assert conversation.last.text == last
    assert [one.speaker for one in conversation.history_messages()] == [1, 2] * (len(history) // 2)


def test_an_assistant_that_speaks_first_is_told_its_words() -> None:
    said = [("developer", "Be brief."), ("assistant", "Welcome!"), ("assistant", "What may I do?"), ("user", "Tea.")]
    bodies = [Body({"role": role, "content": text}, f"messages[{at}]") for at, (role, text) in enumerate(said)]
    conversation = read_messages(bodies, "messages")
    assert conversation.system_text == f"Be brief.\n\n{OPENED}\nWelcome!\n\nWhat may I do?"
    with pytest.raises(WebError) as refused:
        read_messages(bodies[:3], "messages")
    assert refused.value.param == "messages"


def test_a_message_that_was_refused_by_a_gateway_has_the_requests_name() -> None:
    said = ["user", "assistant", "user", "user", "assistant", "user"]
    bodies = [Body({"role": role, "content": str(at)}, f"messages[{at}]") for at, role in enumerate(said)]
    params = read_messages(bodies, "messages").params()
    assert params["history[1].text"] == "messages[1].content"
    assert params["history[3].text"] == "messages[4].content"
    assert params["text"] == "messages[5].content"


def test_what_asks_for_nothing_is_taken_and_what_asks_for_more_is_refused() -> None:
    idle = {"n": 1, "tools": [], "tool_choice": "none", "logit_bias": {}, "presence_penalty": 0.0, "store": False}
    read_chat(Body({**CHAT, **idle, "seed": None, "made_up": None}), {})
    for name, value in {"n": True, "functions": [{}], "logprobs": True}.items():
        with pytest.raises(Unsupported) as refused:
            read_chat(Body({**CHAT, name: value}), {})
        assert refused.value.param == name
    with pytest.raises(Unsupported, match="store"):
        read_response(Body({**RESPONSE, "store": False}), {})


def test_constraints_are_named_as_people_name_them() -> None:
    given_ = {"constraints": [{"kind": "length", "unit": "words", "max": 40}, {"kind": "must_include", "value": "x"}]}
    feedback = read_feedback(Body(given_))
    assert [(one.kind, one.value, one.unit, one.max) for one in feedback.constraints] == [
        (3, "", 1, 40),
        (1, "x", 0, 0),
    ]
    with pytest.raises(WebError, match="must_not_include") as refused:
        read_feedback(Body({"constraints": [{"kind": "mustn't"}]}))
    assert refused.value.param == "constraints[0].kind"
