"""Arguments are valid by their schema, whatever it asks; a schema that can't be kept is told by its fault."""

from __future__ import annotations

import json
import time
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.common.tools.calls import read_call
from services.common.tools.grammar import (
    Completions,
    argument_fault,
    call_grammar,
    completion,
    json_fault,
    schema_fault,
)

TEXT = {"type": "string"}


def an_object(required: list[str] | None = None, **properties: Any) -> dict[str, Any]:
    names = list(properties) if required is None else required
    return {"type": "object", "properties": properties, "required": names}


def grammar(schema: dict[str, Any], *, strict: bool = True) -> str:
    return call_grammar([{"name": "f", "parameters": json.dumps(schema), "strict": strict}])


def arguments(ending: bytes | None) -> Any:
    assert ending is not None
    call = read_call(ending.decode())
    assert call is not None
    assert call.whole
    return json.loads(call.arguments)


SCHEMAS = [
    {},
    an_object(location=TEXT),
    an_object(n={"type": "integer", "minimum": 15, "maximum": 99}),
    an_object(x={"type": "number", "exclusiveMinimum": 0}, flag={"type": "boolean"}, nothing={"type": "null"}),
    an_object(unit={"enum": ["celsius", "fahrenheit"]}, kind={"const": "日本"}),
    an_object(day={"type": "string", "format": "date"}, at={"type": "string", "format": "date-time"}),
    an_object(either={"type": ["string", "null"]}),
    an_object(items={"type": "array", "items": TEXT, "minItems": 2, "maxItems": 3}),
    an_object(pair={"type": "array", "prefixItems": [TEXT, {"type": "integer"}], "items": False, "minItems": 2}),
    an_object(["v"], left={"$ref": "#"}, v=TEXT),
    {"$ref": "#/$defs/x", "$defs": {"x": an_object(q={"type": "boolean"})}},
    {"anyOf": [an_object(a=TEXT), an_object(b=TEXT)]},
    {"allOf": [an_object(a=TEXT), an_object(b=TEXT)]},
    {"type": "object", "additionalProperties": {"type": "integer"}, "required": ["zz"]},
    an_object(code={"type": "string", "pattern": "^[A-Z]{3}-[0-9]{4}$"}),
    an_object(short={"type": "string", "maxLength": 3}, long={"type": "string", "minLength": 5}),
    an_object(**{'a"\\\n</': TEXT}),
    an_object(deep=an_object(deeper=an_object(deepest=an_object(end=TEXT)))),
    {**an_object(a=TEXT), "$schema": "http://json-schema.org/draft-07/schema#", "title": "T", "description": "D"},
    {**an_object(a=TEXT), "additionalProperties": False},
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: json.dumps(schema)[:60])
@pytest.mark.parametrize("strict", [True, False])
def test_the_short_way_is_valid_by_the_schema(schema: dict[str, Any], strict: bool) -> None:
    assert schema_fault(json.dumps(schema), strict=strict) == ""
    written = arguments(completion(grammar(schema, strict=strict), said='What is "it", 日本?'))
    jsonschema.validate(written, schema)


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: json.dumps(schema)[:60])
def test_from_every_place_the_call_is_brought_to_a_valid_end(schema: dict[str, Any]) -> None:
    text = completion(grammar(schema), said="one two")
    assert text is not None
    endings = Completions(grammar(schema))
    for end in range(0, len(text), 3):
        ending = endings.after(text[:end])
        assert ending is not None, text[:end]
        jsonschema.validate(arguments(text[:end] + ending), schema)


@pytest.mark.parametrize(
    ("schema", "word"),
    [
        ('{"type": "string"}', "object"),
        ("[1]", "object"),
        ('{"type": "objekt"}', "object"),
        ('{"type": "object", "properties": [1]}', "properties"),
        ('{"type": "object", "required": "x"}', "required"),
        ('{"type": "object", "properties": {"a": {"$ref": "http://example.com/x"}}}', "http://example.com/x"),
        ('{"type": "object", "properties": {"a": {"type": "strin"}}}', "strin"),
        ('{"type": "object", "properties": {"a": {"type": "string", "pattern": "("}}}', "regex"),
        ('{"type": "object", "properties": {"a": false}, "required": ["a"]}', "unsatisfiable"),
        ("{", "Expecting"),
        (json.dumps(an_object(self={"$ref": "#"})), "holds itself"),
        (json.dumps(an_object([], **{f"p{i}": TEXT for i in range(900)})), "too large"),
        (json.dumps(an_object(many={"type": "array", "items": {"type": "integer"}, "minItems": 10**9})), "at most"),
        (json.dumps(an_object(**{f"p{i}": TEXT for i in range(900)})), "at most"),
    ],
)
def test_a_schema_of_nothing_that_can_be_written_says_why(schema: str, word: str) -> None:
    assert word in schema_fault(schema, strict=False)


@pytest.mark.parametrize(
    "text",
    [
        {"format": "email"}, {"format": "ipv4"}, {"format": "uuid"}, {"format": "time"}, {"format": "hostname"},
        {"pattern": "@"}, {"pattern": r"^\S+@\S+$"}, {"pattern": r"\d{3}"}, {"pattern": "[.!?]$"}, {"pattern": "^https?://"},
        {"pattern": "^[^ ]{8,}$"},
    ],
)  # fmt: skip
def test_a_text_of_some_form_comes_to_its_end(text: dict[str, Any]) -> None:
    schema = an_object(a={"type": "string", **text})
    written = arguments(completion(grammar(schema)))
    jsonschema.validate(written, schema)
    assert schema_fault(json.dumps(schema), strict=True) == ""


def test_a_pattern_that_only_a_model_knows_how_to_meet_is_no_fault() -> None:
    assert schema_fault(json.dumps(an_object(a={"type": "string", "pattern": "cat"})), strict=True) == ""


@pytest.mark.parametrize("value", ["NaN", "-Infinity"])
def test_what_is_no_number_in_json_is_told(value: str) -> None:
    assert value in json_fault(f'{{"const": {value}}}')


@pytest.mark.parametrize("keyword", ["not", "if", "uniqueItems", "contains", "dependentRequired"])
def test_strict_refuses_by_name_what_is_left_out_otherwise(keyword: str) -> None:
    value = {"uniqueItems": True, "dependentRequired": {"a": ["b"]}}.get(keyword, {"minLength": 1})
    schema = json.dumps(an_object(a={keyword: value, **({"then": {}} if keyword == "if" else {})}))
    assert keyword in schema_fault(schema, strict=True)
    assert schema_fault(schema, strict=False) == ""


def test_arguments_are_held_to_their_tool() -> None:
    tool = {"name": "f", "parameters": json.dumps(an_object(n={"type": "integer"})), "strict": True}
    assert not argument_fault(tool, '{"n": 3}')
    assert argument_fault(tool, '{"n": "3"}')
    assert argument_fault(tool, "{}")


@pytest.mark.parametrize(
    "schema",
    [
        lambda n: an_object(a={"type": "array", "items": TEXT, "minItems": 100 * n}),
        lambda n: an_object(a={"type": "string", "minLength": 100 * n}),
        lambda n: an_object(**{f"p{i}": TEXT for i in range(n)}),
        lambda n: an_object(a={"enum": [f"value {i}" for i in range(n)]}),
        lambda n: {"anyOf": [an_object(**{f"p{i}": TEXT}) for i in range(n)]},
        lambda n: an_object(a={"type": "string", "pattern": "(a|b)" * n}),
    ],
)
def test_a_schema_is_looked_at_in_time_that_grows_with_its_length(schema: Any) -> None:
    def seconds(count: int) -> float:
        text = json.dumps(schema(count))
        began = time.perf_counter()
        schema_fault(text, strict=True)
        return time.perf_counter() - began

    seconds(2)
    small, large = (min(seconds(count + extra) for extra in range(3)) for count in (100, 800))
    assert large < max(40 * small, 0.5)


KEYWORDS = [
    "type", "properties", "required", "items", "anyOf", "oneOf", "allOf", "not", "enum", "const", "minLength",
    "maxLength", "minimum", "maximum", "pattern", "format", "$ref", "$defs", "additionalProperties", "prefixItems",
    "minItems", "patternProperties", "multipleOf", "$id", "$schema", "$anchor", "x-guidance", "default", "a",
]  # fmt: skip
WORDS = [
    "object",
    "string",
    "integer",
    "#",
    "#/$defs/a",
    "#/properties/a",
    "date",
    "^a+$",
    "(",
    "[",
    "a",
    "",
    "\ud7ff",
    "\x00",
]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYWORDS), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYWORDS), JSON, max_size=5), st.booleans())
def test_no_schema_breaks_what_looks_at_it(schema: dict[str, Any], strict: bool) -> None:
    text = json.dumps(schema)
    if schema_fault(text, strict=strict):
        return
    ending = completion(grammar(schema, strict=strict), most=1_024)
    if ending is not None:
        assert isinstance(arguments(ending), dict)
