"""Whatever the model would rather write: a reply that must be an object by a schema is one, also where it is cut."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import torch

from services.generator.decoding.grammar_text import GrammarText
from services.generator.decoding.json_object import JsonObject
from services.generator.decoding.words import ForbidWords, Vocabulary
from services.generator.engine.backends.codec import TokenizerCodec

LIKED = 'abc {}[]",:0123456789-. true false null \n Zürich \\'
SCHEMA = {
    "type": "object",
    "properties": {
        "answer": {"type": "string"},
        "mood": {"enum": ["glad", "sorry"]},
        "stars": {"type": "integer", "minimum": 1, "maximum": 5},
        "parts": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
        "next": {"anyOf": [{"$ref": "#/$defs/step"}, {"type": "null"}]},
    },
    "required": ["answer", "mood", "stars", "parts", "next"],
    "additionalProperties": False,
    "$defs": {
        "step": {
            "type": "object",
            "properties": {"what": {"type": "string"}},
            "required": ["what"],
            "additionalProperties": False,
        }
    },
}


@pytest.fixture(scope="module")
def codec(tiny_model: Path) -> TokenizerCodec:
    return TokenizerCodec(tiny_model)


@pytest.fixture(scope="module")
def vocabulary(codec: TokenizerCodec) -> Vocabulary:
    return Vocabulary(codec)


def written(codec: TokenizerCodec, processor: GrammarText, limit: int, seed: int) -> str:
    """What a model of chance writes."""
    luck = random.Random(seed)
    liked = sorted({*codec.encode(LIKED), *codec.end_ids})
    ids: list[int] = []
    while len(ids) < limit:
        logits = torch.full((codec.size,), -20.0)
        for token in liked:
            logits[token] = luck.gauss(0, 3)
        token = int(processor(ids, logits).argmax())
        if token in codec.end_ids:
            return codec.decode(ids)
        ids.append(token)
    return codec.decode(ids)


@pytest.mark.parametrize("limit", [120, 240])
@pytest.mark.parametrize("seed", range(30))
def test_an_object_is_valid_and_says_when_the_limit_ended_it(
    codec: TokenizerCodec, vocabulary: Vocabulary, seed: int, limit: int
) -> None:
    cuts: list[bool] = []
    grammar = JsonObject(json.dumps(SCHEMA), strict=True).grammar
    processor = GrammarText(vocabulary, grammar, codec.end_ids, limit, on_cut=lambda: cuts.append(True))
    jsonschema.validate(json.loads(written(codec, processor, limit, seed)), SCHEMA)
    assert len(cuts) <= 1


def test_words_stay_out_where_the_grammar_leaves_a_choice(codec: TokenizerCodec, vocabulary: Vocabulary) -> None:
    grammar = JsonObject('{"type": "object", "properties": {"a": {"enum": ["b"]}}, "required": ["a"]}').grammar
    within = [ForbidWords(vocabulary, ("b",))]
    processor = GrammarText(vocabulary, grammar, codec.end_ids, 60, within)
    assert json.loads(written(codec, processor, 60, 1))["a"] == "b"  # nothing else may stand there


def test_any_object_is_one_where_no_schema_is_given(codec: TokenizerCodec, vocabulary: Vocabulary) -> None:
    for seed in range(10):
        processor = GrammarText(vocabulary, JsonObject().grammar, codec.end_ids, 90)
        assert isinstance(json.loads(written(codec, processor, 90, seed)), dict)


def test_where_a_schema_lets_too_many_names_stand_the_draft_ends_and_says_so(
    codec: TokenizerCodec, vocabulary: Vocabulary
) -> None:
    names = {f"p{i}": {"type": "string"} for i in range(900)}
    inner = {"anyOf": [{"type": "null"}, {"type": "object", "properties": names}]}
    grammar = JsonObject(json.dumps({"type": "object", "properties": {"a": inner}, "required": ["a"]})).grammar
    cuts: list[bool] = []
    processor = GrammarText(vocabulary, grammar, codec.end_ids, 60, on_cut=lambda: cuts.append(True))
    wanted, ids = codec.encode('{"a": {"p1": "b"}}'), []
    for token in wanted:
        logits = torch.zeros(codec.size)
        logits[token] = 9.0
        ids.append(int(processor(ids, logits).argmax()))
        if ids[-1] in codec.end_ids:
            break
    assert ids[-1] in codec.end_ids
    assert cuts == [True]


def test_the_way_to_the_end_is_not_looked_for_at_every_token(codec: TokenizerCodec, vocabulary: Vocabulary) -> None:
    """Of an object with many parts it is long from the start: looking at every token would be quadratic."""
    looks = []
    for parts in (50, 100):
        schema = {"type": "object", "properties": {f"p{i}": {"type": "string"} for i in range(parts)}}
        schema["required"] = list(schema["properties"])
        limit = 40 * parts
        processor = GrammarText(vocabulary, JsonObject(json.dumps(schema)).grammar, codec.end_ids, limit)
        steps = 0

        def rest(generated: Any, looked: Any = processor._rest) -> Any:
            nonlocal steps
            way = looked(generated)
            steps += len(way or ())
            return way

        processor._rest = rest  # type: ignore[method-assign]
        jsonschema.validate(json.loads(written(codec, processor, limit, 1)), schema)
        looks.append(steps)
    assert looks[1] < 4 * looks[0]
