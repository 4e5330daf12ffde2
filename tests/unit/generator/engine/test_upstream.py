"""Drafts that a server writes: whatever the server does, each ends once, with no text lost or doubled."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from services.common.constraints import Constraint
from services.common.tools.calls import call_text
from services.generator.decoding.tool_calls import CallableTools
from services.generator.engine import DecodeSettings, DraftRequest, EngineClosed, EngineFull, EngineLacks, PromptTooLong
from services.generator.engine.upstream.engine import UpstreamEngine
from services.generator.engine.upstream.piece_codec import PieceCodec
from services.generator.engine.upstream.pool import Patience
from services.generator.engine.upstream.probe import BadUpstream, probe
from services.generator.engine.upstream.shaping import shaping
from services.generator.engine.upstream.wire import StreamReader
from services.generator.turns.lacking import refuse_lacking
from services.models.chat import CHATML
from tests.support.scripted_upstream import ScriptedUpstream
from tests.unit.generator.conftest import Heard

Start = Callable[..., tuple[UpstreamEngine, ScriptedUpstream]]


@pytest.fixture
def start() -> Iterator[Start]:
    running: list[tuple[UpstreamEngine, ScriptedUpstream]] = []

    def start(
        *script: str, full: float = 30.0, silence: float = 1.0, **server: object
    ) -> tuple[UpstreamEngine, ScriptedUpstream]:
        upstream = ScriptedUpstream(*script, **server)  # type: ignore[arg-type]
        patience = Patience(silence=silence, first=60.0, full=full)
        engine = UpstreamEngine([probe(upstream.url, "", "", 30.0)], patience=patience)
        running.append((engine, upstream))
        return engine, upstream

    yield start
    for engine, upstream in running:
        engine.close(drain=False)
        upstream.close()


def _submit(engine: UpstreamEngine, text: str, key: str = "d", begun: str = "", **settings: object) -> Heard:
    codec, heard = engine.codec, Heard()
    tail = [*CHATML.encode_text(codec, text), *codec.encode(CHATML.reply_open), *codec.encode(begun)]
    head = (*codec.encode(CHATML.head_open), *codec.encode("Be brief."), *codec.encode(CHATML.head_close))
    request = DraftRequest(key, "t", "s", "v", head, tuple(tail), DecodeSettings(**settings))  # type: ignore[arg-type]
    engine.submit(request, heard)
    return heard


@pytest.mark.parametrize(
    "text", ["", "a", "naïve café", "图书馆在哪里？", "👩\u200d👧 and\n\nlines", "x" * 1001, "<|im_end|> no order"]
)
def test_a_prompt_is_spelled_back_as_the_messages_it_was_made_of(text: str) -> None:
    codec = PieceCodec()
    assert codec.decode(CHATML.encode_text(codec, text)) == text
    ids = [*codec.encode(CHATML.head_open + "system"), *codec.encode(CHATML.head_close)]
    for part in (text, "first reply"):
        ids += CHATML.encode_text(codec, part)
        ids += codec.encode(CHATML.reply_open if part == text else CHATML.next_open)
    ids += [*codec.encode("next"), *codec.encode(CHATML.reply_open)]
    assert [(m["role"], m["content"]) for m in codec.messages(ids)] == [
        ("system", "system"), ("user", text), ("assistant", "first reply"), ("user", "next"),
    ]  # fmt: skip


def test_a_reply_streams_with_its_usage_and_only_known_fields_are_sent(start: Start) -> None:
    engine, upstream = start()
    heard = _submit(engine, "Où est la gare ?", seed=5, top_k=3)
    draft = heard.wait()
    assert draft.text == heard.text == "You said: Où est la gare ?"
    assert len(heard.deltas) > 2
    assert draft.finish_reason == "stop"
    assert (draft.usage.prompt, draft.usage.reused) == (9, 4)
    assert [message["role"] for message in upstream.bodies[0]["messages"]] == ["system", "user"]
    assert set(upstream.bodies[0]) == {
        "model", "messages", "stream", "stream_options", "max_tokens", "temperature", "top_p", "seed", "top_k", "min_p",
        "repeat_penalty", "cache_prompt",
    }  # fmt: skip
    assert engine.identity["server"] == "llama.cpp b7-scripted"
    assert {"likelihoods", "versions", "fusion"} <= set(engine.identity["withheld"])
    assert engine.context_limit == 2048


def test_stop_strings_and_code_points_that_are_cut_in_two(start: Start) -> None:
    engine, _ = start("split")
    heard = _submit(engine, "x", stop=("STOP",))
    assert heard.wait().text == heard.text == "café 😀 "


def test_a_cancel_closes_the_stream_and_one_before_the_start_counts(start: Start) -> None:
    engine, upstream = start("stall")
    heard = _submit(engine, "a long message of many words")
    heard.wait_for_deltas(2)
    assert engine.cancel("d")
    draft = heard.wait()
    assert (draft.finish_reason, draft.text) == ("cancelled", "You sa")
    assert upstream.closed_early.wait(60)
    assert not engine.cancel("d")
    early = _submit(engine, "next", key="e")
    assert engine.cancel("e")
    assert early.wait().finish_reason == "cancelled"
    upstream.script = ["answer"]
    upstream.go_on.set()
    assert _submit(engine, "again", key="d").wait().text == "You said: again"
    assert engine.stats().waiting == engine.stats().rows == 0


def test_a_server_without_room_is_asked_again_and_given_up_in_the_end(start: Start) -> None:
    engine, upstream = start("busy", "busy", "answer", "busy")
    assert _submit(engine, "patience").wait().text == "You said: patience"
    assert len(upstream.bodies) == 3
    engine, _ = start("busy", full=0.3)
    with pytest.raises(EngineFull):
        _submit(engine, "never").wait()


@pytest.mark.parametrize("act", ["cut", "stall", "nonsense"])
def test_a_server_lost_within_a_reply_loses_the_attempt_and_the_next_one_is_whole(start: Start, act: str) -> None:
    engine, upstream = start(act, "answer")
    heard = _submit(engine, "whatever happens")
    with pytest.raises(EngineClosed):
        heard.wait()
    assert "You said: whatever happens".startswith(heard.text)
    upstream.go_on.set()
    while not engine.ready:
        pass
    assert _submit(engine, "whatever happens", key="d").wait().text == "You said: whatever happens"


@pytest.mark.parametrize("act", ["broken", "hang"])
def test_a_server_lost_before_the_first_token_makes_the_engine_unready(start: Start, act: str) -> None:
    engine, upstream = start(act)
    with pytest.raises(EngineClosed):
        _submit(engine, "hello").wait()
    upstream.go_on.set()


def test_another_server_takes_what_a_dead_one_has_not_begun() -> None:
    dead, alive = ScriptedUpstream(), ScriptedUpstream()
    engine = UpstreamEngine([probe(server.url, "", "", 30.0) for server in (dead, alive)])
    try:
        dead.close()
        drafts = [_submit(engine, f"message {n}", key=f"d{n}") for n in range(6)]
        assert [draft.wait().text for draft in drafts] == [f"You said: message {n}" for n in range(6)]
    finally:
        engine.close(drain=False)
        alive.close()


def test_a_server_that_is_started_again_is_taken_in(start: Start) -> None:
    upstream = ScriptedUpstream()
    engine = UpstreamEngine([probe(upstream.url, "", "", 30.0)], patience=Patience(silence=1.0))
    try:
        upstream.close()
        with pytest.raises(EngineClosed):
            _submit(engine, "gone").wait()
        assert not engine.ready
        with pytest.raises(EngineClosed):
            _submit(engine, "gone")
        upstream = ScriptedUpstream(port=upstream.port)
        while not engine.ready:
            pass
        assert _submit(engine, "back").wait().text == "You said: back"
    finally:
        engine.close(drain=False)
        upstream.close()


def test_a_healthy_server_may_be_slow_and_progress_is_told(start: Start) -> None:
    engine, upstream = start("slow")
    heard = _submit(engine, "long prompt")
    with heard.advanced:
        assert heard.advanced.wait_for(lambda: heard.progress >= 2, 60)
    upstream.go_on.set()
    assert heard.wait().text == "You said: long prompt"


def test_who_waits_for_a_place_hears_that_the_line_moves() -> None:
    upstream = ScriptedUpstream("slow", "answer")
    engine = UpstreamEngine([probe(upstream.url, "", "", 30.0)], capacity=1)
    try:
        first, second, third = (_submit(engine, f"message {n}", key=f"d{n}") for n in range(3))
        with second.advanced:
            assert second.advanced.wait_for(lambda: second.progress >= 2, 60)
        assert engine.cancel("d1")
        assert second.wait().finish_reason == "cancelled"
        upstream.go_on.set()
        assert [first.wait().text, third.wait().text] == ["You said: message 0", "You said: message 2"]
    finally:
        engine.close(drain=False)
        upstream.close()


def test_a_healthy_server_may_stall_within_a_reply(start: Start) -> None:
    engine, upstream = start("quiet", silence=3.0)
    heard = _submit(engine, "others have long prompts")
    heard.wait_for_deltas(2)
    with heard.advanced:  # four looks at its health take longer than a hung one's silence
        seen = heard.progress
        assert heard.advanced.wait_for(lambda: heard.progress >= seen + 4, 60)
    upstream.go_on.set()
    assert heard.wait().text == "You said: others have long prompts"


def test_servers_that_know_no_end(start: Start) -> None:
    engine, _ = start("endless", "unended")
    draft = _submit(engine, "x", max_new_tokens=10).wait()
    assert draft.finish_reason == "length"
    assert draft.text == "on and " * (len(draft.text) // 7)
    assert _submit(engine, "counts are missing", key="e").wait().text == "You said: counts are missing"


def test_prompts_that_do_not_fit(start: Start) -> None:
    engine, _ = start("long")
    with pytest.raises(PromptTooLong):
        _submit(engine, "x").wait()
    with pytest.raises(PromptTooLong):
        _submit(engine, "word " * 2000)


def test_abilities_are_what_experiments_show(start: Start) -> None:
    engine, _ = start(knows=())
    assert not {"seeds", "sampling"} & engine.abilities
    engine, _ = start()
    assert {"seeds", "sampling"} <= engine.abilities
    assert engine.identity["enforced_by"] == ["grammar"]
    with pytest.raises(EngineLacks, match="partial_replies"):
        _submit(engine, "x", begun="The library").wait()


@pytest.mark.parametrize(
    "setting", [{"beams": 4}, {"fusion": True}, {"reading": True}, {"infilling": True}, {"seed": 0}]
)
def test_asking_for_what_an_engine_lacks_is_refused_by_name(setting: dict[str, object]) -> None:
    with pytest.raises(EngineLacks, match=next(iter(setting))):
        refuse_lacking({"settings": setting}, frozenset())
    refuse_lacking({"settings": {"beams": 1, "fusion": False, "top_k": 0}}, frozenset())


def test_constraints_become_what_the_server_has() -> None:
    def fields(*constraints: Constraint, means: str = "grammar", **settings: object) -> dict[str, object]:
        return shaping(DecodeSettings(constraints=constraints, **settings), frozenset({means}))  # type: ignore[arg-type]

    opening = Constraint("start", 'Say "hi"', "", None, None, "comment")
    lower = Constraint("case", "lower", "", None, None, "comment")
    choice = Constraint("format", "one_of:yes|no", "", None, None, "comment")
    assert fields(opening, lower) == {"grammar": r'root ::= "Say \"hi\"" [^A-Z]*'}
    assert fields(choice) == {"grammar": 'root ::= "yes" | "no"'}
    assert fields(choice, means="choice") == {"structured_outputs": {"choice": ["yes", "no"]}}
    assert fields(lower, means="regex") == {"structured_outputs": {"regex": "[^A-Z]*"}}
    assert fields(lower, means="bad_words", forbid=("cheap",)) == {"bad_words": ["cheap"]}
    assert fields(means="grammar") == {}


def test_what_cannot_be_used_is_told_with_its_setting() -> None:
    upstream = ScriptedUpstream()
    try:
        with pytest.raises(BadUpstream, match=r"ANTIPHON_UPSTREAM_MODEL names 'other'.*scripted"):
            probe(upstream.url, "other", "", 1.0)
    finally:
        upstream.close()
    with pytest.raises(BadUpstream, match=r"ANTIPHON_UPSTREAM_URLS.*does not answer"):
        probe(upstream.url, "", "", 0.0)


def test_a_generator_whose_engine_is_elsewhere_imports_no_torch() -> None:
    program = (
        "import sys, services.generator.app, services.generator.engine.upstream.build as _; "
        "sys.exit(bool({'torch', 'transformers', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=300).returncode == 0


CITY = '{"type": "object", "properties": {"city": {"type": "string"}}}'
TOOLS = CallableTools((("get_weather", CITY, False), ("bare", "", False)), True, ("The weather.", ""))


def test_a_call_of_a_server_s_is_told_as_a_call_s_text(start: Start) -> None:
    engine, upstream = start("call", knows=("seed", "tools"))
    assert "tools" in engine.abilities
    heard = _submit(engine, "Is it warm in Oslo?", tools=TOOLS)
    draft = heard.wait()
    assert draft.text == heard.text == call_text("get_weather", '{"city":"Oslo"}')
    assert draft.finish_reason == "stop"
    body = upstream.bodies[0]
    assert (body["tool_choice"], body["parallel_tool_calls"]) == ("required", False)
    assert [tool["function"]["name"] for tool in body["tools"]] == ["get_weather", "bare"]
    assert body["tools"][0]["function"]["description"] == "The weather."
    assert body["tools"][0]["function"]["parameters"] == json.loads(CITY)
    assert body["tools"][1]["function"]["parameters"] == {"type": "object", "properties": {}}


def test_a_server_that_may_call_and_speaks_has_spoken(start: Start) -> None:
    engine, upstream = start(knows=("tools",))
    heard = _submit(engine, "hello", tools=CallableTools(TOOLS.tools, False, TOOLS.descriptions))
    assert heard.wait().text == "You said: hello"
    assert upstream.bodies[0]["tool_choice"] == "auto"


def test_a_server_that_calls_nothing_is_offered_no_tools(start: Start) -> None:
    engine, _ = start()
    assert "tools" not in engine.abilities
    assert "tools" in engine.identity["withheld"]
    turn = {"round": 0, "drafts": [{}], "offer": {"tools": [{"name": "f"}], "choice": "auto"}}
    with pytest.raises(EngineLacks, match="tools"):
        refuse_lacking(turn, engine.abilities)


@pytest.mark.parametrize("reason", ["stop", "tool_calls", "length"])
def test_what_a_stream_says_of_a_call_is_read_in_any_pieces(reason: str) -> None:
    reader = StreamReader()

    def told(delta: Any, finish: str | None = None) -> str:
        chunk = reader.read("data: " + json.dumps({"choices": [{"delta": delta, "finish_reason": finish}]}))
        return chunk.text if chunk is not None else ""

    text = told({"role": "assistant", "content": None})
    text += told({"content": "\n", "tool_calls": [{"function": {"name": "f", "arguments": '{"a"'}}]})
    text += told({"tool_calls": [{"index": 0, "function": {"arguments": ": 1}"}}, {"index": 1, "function": {}}]})
    text += told({"content": "left out"})
    text += told({}, reason)
    whole = call_text("f", '{"a": 1}')
    assert text == (whole if reason != "length" else whole.removesuffix("}\n</tool_call>"))


def test_a_call_after_words_is_none() -> None:
    reader = StreamReader()
    deltas = ({"content": "Let me see."}, {"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "{}"}}]})
    chunks = [reader.read("data: " + json.dumps({"choices": [{"delta": delta}]})) for delta in deltas]
    assert [chunk.text for chunk in chunks if chunk is not None] == ["Let me see.", ""]
