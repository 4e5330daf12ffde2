"""Whatever the model would rather write: a call that must be is one, valid by its schema and whole before the limit."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import torch

from services.common.tools.calls import OPENING, read_call
from services.generator.decoding.settings import callable_tools
from services.generator.decoding.tool_calls import CallableTools, ToolCallText
from services.generator.decoding.words import Vocabulary
from services.generator.engine.backends.codec import TokenizerCodec

LIKED = 'abc {}[]",:0123456789-. true false null \n<tool_call> Zürich </ \\'
NESTED = {"type": "object", "properties": {f"k{i}": {"type": "string"} for i in range(6)}, "required": ["k0", "k3"]}
SCHEMA = {
    "type": "object",
    "properties": {
        "location": {"type": "string"},
        "days": {"type": "integer", "minimum": 1, "maximum": 10},
        "tags": {"type": "array", "items": {"type": "string"}},
        "more": NESTED,
    },
    "required": ["location", "days"],
    "additionalProperties": False,
}
TOOLS = (("get_weather", json.dumps(SCHEMA), True), ("other-tool", "", False))


@pytest.fixture(scope="module")
def codec(tiny_model: Path) -> TokenizerCodec:
    return TokenizerCodec(tiny_model)


@pytest.fixture(scope="module")
def vocabulary(codec: TokenizerCodec) -> Vocabulary:
    return Vocabulary(codec)


def write(codec: TokenizerCodec, processor: ToolCallText, limit: int, seed: int, first: str = "") -> tuple[str, bool]:
    """What a model of chance writes, and whether it ended before the limit; `first` is what it wants to begin with."""
    luck = random.Random(seed)
    liked = sorted({*codec.encode(LIKED), *codec.end_ids})
    wanted = codec.encode(first)
    ids: list[int] = []
    while len(ids) < limit:
        logits = torch.full((codec.size,), -20.0)
        for token in liked:
            logits[token] = luck.gauss(0, 3)
        if len(ids) < len(wanted):
            logits[wanted[len(ids)]] = 99.0
        token = int(processor(ids, logits).argmax())
        if token in codec.end_ids:
            return codec.decode(ids), True
        ids.append(token)
    return codec.decode(ids), False


def processor(vocabulary: Vocabulary, codec: TokenizerCodec, limit: int, *, required: bool = True) -> ToolCallText:
    return ToolCallText(vocabulary, CallableTools(TOOLS, required), codec.end_ids, limit, [])


@pytest.mark.parametrize("limit", [96, 160, 400])
@pytest.mark.parametrize("seed", range(8))
def test_a_call_that_must_be_is_valid(codec: TokenizerCodec, vocabulary: Vocabulary, seed: int, limit: int) -> None:
    text, _ = write(codec, processor(vocabulary, codec, limit), limit, seed)
    call = read_call(text)
    assert call is not None
    assert call.whole, text
    jsonschema.validate(json.loads(call.arguments), SCHEMA if call.name == "get_weather" else {"maxProperties": 0})


@pytest.mark.parametrize("seed", range(4))
def test_where_it_may_the_first_token_decides(codec: TokenizerCodec, vocabulary: Vocabulary, seed: int) -> None:
    spoken, _ = write(codec, processor(vocabulary, codec, 60, required=False), 60, seed, "abc")
    assert read_call(spoken) is None
    text, _ = write(codec, processor(vocabulary, codec, 200, required=False), 200, seed, OPENING)
    call = read_call(text)
    assert call is not None
    assert call.whole


def test_words_that_were_begun_hold_no_call(codec: TokenizerCodec, vocabulary: Vocabulary) -> None:
    text, _ = write(codec, processor(vocabulary, codec, 80, required=False), 80, 3, f"abc {OPENING} {OPENING}")
    assert "<tool_call" not in text


def test_a_copy_goes_its_own_way(codec: TokenizerCodec, vocabulary: Vocabulary) -> None:
    one = processor(vocabulary, codec, 160)
    logits = torch.zeros(codec.size)
    first = int(one([], logits.clone()).argmax())
    memo: dict[int, Any] = {id(vocabulary): vocabulary}
    other = copy.deepcopy(one, memo)
    for each in (one, other):
        chosen = int(each([first], logits.clone()).argmax())
        assert chosen != first


def test_a_turn_names_what_may_be_called() -> None:
    tools = [{"name": "a", "parameters": "{}"}, {"name": "b", "parameters": "", "strict": True}]
    turn = {"round": 0, "drafts": [{"round": 0}], "offer": {"tools": tools, "choice": "required", "name": "b"}}
    assert callable_tools(turn) == CallableTools((("b", "", True),), True)
    turn["offer"] = {"tools": tools, "choice": "auto", "name": ""}
    assert callable_tools(turn) == CallableTools((("a", "{}", False), ("b", "", True)), False)
    assert callable_tools({**turn, "offer": {"tools": tools, "choice": "none"}}) is None
    assert callable_tools({"round": 0, "drafts": [{}]}) is None
