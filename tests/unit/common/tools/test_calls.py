"""A call is written and read in one way, however little of it is there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.common.tools.calls import (
    call_due,
    call_id,
    call_text,
    called,
    may_call,
    offer_hash,
    read_call,
    results_text,
    said,
    tools_text,
)

WEATHER = {"name": "get_weather", "description": "The weather.", "parameters": '{"type": "object"}'}


def turn(text: str = "", **offer: Any) -> dict[str, Any]:
    drafts = [{"round": 0, "status": "completed", "text": text}]
    return {"_id": "turn_1", "round": 0, "drafts": drafts, "offer": {"tools": [WEATHER], "choice": "auto", **offer}}


@pytest.mark.parametrize(
    "arguments", ["{}", '{"a": "}\\n</tool_call>"}', '{"a": {"b": [1, "ü", "日本"]}}', '{"a": "}"}']
)
def test_a_call_is_read_as_it_was_written(arguments: str) -> None:
    call = read_call(call_text("get_weather", arguments))
    assert call is not None
    assert (call.name, call.arguments, call.whole) == ("get_weather", arguments, True)


@pytest.mark.parametrize("arguments", ["{}", '{"city": "Oslo"}', '{"a": {"b": {"c": {}}}}', '{"a": "x}\\n</to"}'])
def test_arguments_of_a_call_in_writing_only_grow_and_end_whole(arguments: str) -> None:
    text, known = call_text("f", arguments), ""
    for end in range(len(text) + 1):
        call = read_call(text[:end])
        if call is not None and not call.whole:
            assert call.arguments.startswith(known)
            assert arguments.startswith(call.arguments)
            known = call.arguments
    assert may_call(text[:5])
    assert read_call(text[:30]) is None or read_call(text[:30]).arguments == ""  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "text", ["", "Hello", "<tool_call>", '<tool_call>\n{"name": "a b", "arguments": {}}', ' <tool_call>\n{"name": "f"']
)
def test_what_is_no_call_is_not_read_as_one(text: str) -> None:
    assert read_call(text) is None


def test_only_a_whole_call_of_an_offered_tool_is_called() -> None:
    whole = call_text("get_weather", '{"location": "Oslo"}')
    expected = [{"id": call_id("turn_1", 0), "name": "get_weather", "arguments": '{"location": "Oslo"}'}]
    assert called(turn(), 0, whole) == expected
    assert called(turn(), 0, whole[:-1]) == []
    assert called(turn(), 0, call_text("other", "{}")) == []
    assert called(turn(choice="none"), 0, whole) == []
    assert called({"_id": "turn_1"}, 0, whole) == []
    assert call_id("turn_1", 0) != call_id("turn_1", 1) != call_id("turn_2", 1)


def test_feedback_on_a_reply_that_spoke_asks_for_words() -> None:
    spoke = turn()
    spoke |= {"round": 1, "drafts": [*spoke["drafts"], {"round": 1, "feedback": {"comment": "shorter"}}]}
    assert not call_due(spoke)
    spoke["drafts"][0]["tool_calls"] = [{"id": "call_1"}]
    assert call_due(spoke)
    assert call_due(turn())
    assert not call_due(turn(tools=[]))


def test_the_system_text_has_every_tool_with_its_schema() -> None:
    lines = [line for line in tools_text([WEATHER, {"name": "bare"}]).splitlines() if line.startswith('{"type"')]
    read = [json.loads(line)["function"] for line in lines]
    assert read == [
        {"name": "get_weather", "description": "The weather.", "parameters": {"type": "object"}},
        {"name": "bare", "parameters": {}},
    ]
    assert offer_hash([WEATHER]) != offer_hash([{**WEATHER, "description": "Else."}])


def test_results_stand_before_what_the_user_says() -> None:
    text = results_text([{"call_id": "a", "output": "7"}, {"call_id": "b", "output": "8"}], "And now?")
    assert text == ("<tool_response>\n7\n</tool_response>\n<tool_response>\n8\n</tool_response>\nAnd now?")


@pytest.mark.parametrize("words", ["", "And now?", "\n\nAnd now?", "<tool_response>\nmine\n</tool_response>"])
def test_what_the_user_said_is_told_from_what_tools_answered(words: str) -> None:
    results = [{"call_id": "a", "output": "7"}, {"call_id": "b", "output": "two\nlines"}]
    assert said({"text": results_text(results, words), "tool_results": results}) == words
    assert said({"text": words}) == words
