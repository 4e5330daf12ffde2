"""Tools in requests and replies: read as OpenAI writes them, told piece by piece, whatever pieces the text comes in."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from antiphon.v1.conversation_pb2 import (
    FINISH_REASON_LENGTH,
    TOOL_CHOICE_AUTO,
    TOOL_CHOICE_NONE,
    TOOL_CHOICE_REQUIRED,
    Draft,
    Tool,
    ToolCall,
    ToolOffer,
)
from hypothesis import given
from hypothesis import strategies as st

from services.common.tools.calls import call_text
from services.web.errors import WebError
from services.web.openai.body import Body
from services.web.openai.messages import read_messages
from services.web.openai.tools import grown, held_back, may_be_called, read_offer, same_offer, shown_call, spoken_text

CALL = call_text("get_weather", '{"city": "Oslo}\\n</tool", "days": [1, 2]}')
FUNCTION = {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True}


@given(
    text=st.sampled_from([CALL, "Hello.", "<tool", "<b>bold</b>", "<tool_caller>", call_text("f", "{}")]),
    cuts=st.lists(st.integers(1, 120), max_size=12),
)
def test_pieces_add_up_however_the_text_comes(text: str, cuts: list[int]) -> None:
    places = sorted({0, *(cut for cut in cuts if cut < len(text)), len(text)})
    pieces = [
        piece for before, after in pairwise(places) for piece in grown(text[:before], text[:after], callable=True)
    ]
    words, arguments = "".join(p.words for p in pieces), "".join(p.arguments for p in pieces)
    names = [piece.name for piece in pieces if piece.name]
    call = shown_call("turn_1", Draft(text=text), callable=True)
    if call is None:
        assert (names, arguments) == ([], "")
        assert text.startswith(words)
        assert words + held_back(text, callable=True) == text
    else:
        assert (names, arguments, words) == ([call.name], call.arguments, "")


def test_without_tools_every_text_is_words() -> None:
    assert [piece.words for piece in grown("", CALL, callable=False)] == [CALL]
    assert spoken_text(Draft(text=CALL), callable=False) == CALL
    assert spoken_text(Draft(text=CALL), callable=True) == ""


def test_a_call_that_was_cut_is_shown_as_far_as_it_goes() -> None:
    cut = Draft(text=CALL[:60], finish_reason=FINISH_REASON_LENGTH)
    call = shown_call("turn_1", cut, callable=True)
    assert call is not None
    assert not call.whole
    assert CALL[:60].endswith(call.arguments)
    stored = Draft(text=CALL, tool_calls=[ToolCall(id="call_1", name="get_weather", arguments="{}")])
    whole = shown_call("turn_1", stored, callable=False)
    assert whole is not None
    assert (whole.id, whole.whole) == ("call_1", True)


@pytest.mark.parametrize("nested", [True, False])
def test_both_apis_make_the_same_offer(nested: bool) -> None:
    tool: dict[str, Any] = {"type": "function", **({"function": FUNCTION} if nested else FUNCTION)}
    choice = {"type": "function", **({"function": {"name": "f"}} if nested else {"name": "f"})}
    offered = read_offer(Body({"tools": [tool], "tool_choice": choice, "parallel_tool_calls": False}), nested=nested)
    function = Tool(name="f", description="d", parameters='{"type":"object"}', strict=True)
    assert offered.offer == ToolOffer(tools=[function], choice=TOOL_CHOICE_REQUIRED, name="f")
    assert offered.names["offer.tools[0].parameters"] == f"tools[0].{'function.' if nested else ''}parameters"
    assert offered.callable


def test_a_request_without_tools_offers_none() -> None:
    nothing = read_offer(Body({"tools": [], "tool_choice": None}), nested=True)
    assert not nothing.callable
    assert same_offer(nothing.offer, ToolOffer())
    one = ToolOffer(tools=[Tool(name="f")], choice=TOOL_CHOICE_AUTO)
    none = ToolOffer(tools=[Tool(name="f")], choice=TOOL_CHOICE_NONE)
    assert not same_offer(one, none)
    assert [may_be_called(offer) for offer in (one, none)] == [True, False]


def test_results_and_calls_are_one_message_each() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    said = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "One moment.", "tool_calls": [call, {**call, "id": "b"}]},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "2"}]},
        {"role": "user", "content": "and?"},
    ]
    conversation = read_messages([Body(one, f"messages[{at}]") for at, one in enumerate(said)], "messages")
    _, called = conversation.history
    assert (called.text, [one.id for one in called.calls]) == ("One moment.", ["a", "b"])
    assert [(one.call_id, one.output) for one in conversation.last.results] == [("a", "1"), ("b", "2")]
    assert conversation.last.text == "and?"
    assert conversation.user_texts[-1] == (
        "<tool_response>\n1\n</tool_response>\n<tool_response>\n2\n</tool_response>\nand?"
    )
    assert conversation.params()["tool_results[1].call_id"] == "messages[3].tool_call_id"


def test_a_result_after_other_words_is_refused() -> None:
    said = [{"role": "user", "content": "hi"}, {"role": "tool", "tool_call_id": "a", "content": "1"}]
    with pytest.raises(WebError) as refused:
        read_messages([Body(one, f"messages[{at}]") for at, one in enumerate(said)], "messages")
    assert refused.value.param == "messages[1].tool_call_id"
