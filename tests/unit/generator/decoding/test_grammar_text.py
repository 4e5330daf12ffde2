"""Whatever the model would rather write: a reply that must be an object by a schema is one, also where it is cut."""

from __future__ import annotations

import json
import random
from pathlib import Path

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
