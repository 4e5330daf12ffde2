"""A draft of a turn with tools is a call or words, and each goes its way; where words are another's they are said."""

from __future__ import annotations

from typing import Any

import pytest

from services.common.tools.calls import call_id, call_text
from services.generator.engine import FinishedDraft, FinishReason, Timings, Usage
from services.generator.turns.composed import ComposedReply
from services.generator.turns.tool_calls import CallListener, ComposedInstead, call_fields, tools_manifest

CALL = call_text("get_weather", '{"city": "Oslo"}')
TURN = {
    "_id": "turn_1",
    "round": 0,
    "drafts": [{"round": 0}],
    "offer": {"tools": [{"name": "get_weather"}, {"name": "other"}], "choice": "auto"},
}


class Kept:
    """A listener that keeps what it hears."""

    def __init__(self) -> None:
        self.text = ""
        self.ids: list[int] = []
        self.ended: FinishedDraft | None = None
        self.error: Exception | None = None
        self.progress = 0

    def on_delta(self, text: str, token_ids: list[int]) -> None:
        self.text += text
        self.ids += token_ids

    def on_progress(self) -> None:
        self.progress += 1

    def on_finish(self, draft: FinishedDraft) -> None:
        self.ended = draft

    def on_error(self, error: Exception) -> None:
        self.error = error


def finished(text: str, reason: FinishReason = "stop") -> FinishedDraft:
    return FinishedDraft(text, (), reason, Usage(0, 0, 0), Timings(0.0, 0.0, 0.0, 0.0))


def tell(listener: Any, text: str, size: int, reason: FinishReason = "stop") -> None:
    for at in range(0, len(text), size):
        listener.on_delta(text[at : at + size], [at])
    listener.on_progress()
    listener.on_finish(finished(text, reason))


@pytest.mark.parametrize("size", [1, 3, 11, 500])
@pytest.mark.parametrize("text", [CALL, "It is warm.", "<tool", "", "<b>bold</b>", "<tool_caller> is a word"])
def test_a_call_and_words_go_their_ways_whole(text: str, size: int) -> None:
    calls, words = Kept(), Kept()
    tell(CallListener(calls, words), text, size)
    heard, silent = (calls, words) if text == CALL else (words, calls)
    assert (heard.text, silent.text) == (text, "")
    assert heard.ended is not None
    assert silent.ended is None
    assert heard.ids == list(range(0, len(text), size))
    assert calls.progress == 1


def test_words_are_stopped_where_a_reply_is_there_already() -> None:
    said, stopped, chosen = Kept(), [], []
    reply = ComposedReply(("I don't know. ", "Ask us."), "evidence", handoff=True)
    instead = ComposedInstead(said, reply, lambda: stopped.append(1), lambda: chosen.append(said.text))
    tell(CallListener(said, instead), "It may be so, or not.", 4, "cancelled")
    assert (said.text, stopped, chosen) == ("I don't know. Ask us.", [1], [""])
    assert said.ended is not None
    assert said.ended.finish_reason == "stop"


def test_a_draft_that_somebody_cancels_says_nothing_instead() -> None:
    said = Kept()
    instead = ComposedInstead(said, ComposedReply(("Hello.",), "evidence"), lambda: None, lambda: None)
    listener = CallListener(said, instead)
    listener.on_finish(finished("", "cancelled"))
    assert said.text == ""
    assert said.ended is not None
    assert said.ended.finish_reason == "cancelled"


def test_a_failure_is_told_once() -> None:
    calls, words = Kept(), Kept()
    CallListener(calls, words).on_error(ValueError("no"))
    assert isinstance(calls.error, ValueError)
    assert words.error is None


def test_the_manifest_names_what_was_offered_and_called() -> None:
    manifest = {"engine": "echo", "tools": tools_manifest(TURN)}
    fields = call_fields(TURN, finished(CALL), manifest)
    assert fields["finish_reason"] == "tool_call"
    called = {"id": call_id("turn_1", 0), "name": "get_weather", "arguments": '{"city": "Oslo"}'}
    assert fields["tool_calls"] == [called]
    use = fields["manifest"]["tools"]
    assert (use["offered"], use["choice"]) == (["get_weather", "other"], "auto")
    assert (use["called"], use["arguments"]) == ("get_weather", '{"city": "Oslo"}')
    assert call_fields(TURN, finished("Hello."), manifest) == {}
    assert call_fields(TURN, finished(CALL[:-3], "length"), manifest) == {}
    assert tools_manifest({"round": 0, "drafts": [{}]}) is None
