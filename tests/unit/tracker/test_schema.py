"""Schemas as people write them, and what is said about those that are wrong."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.schema import MAX_SLOTS, Schema, SchemaError, parse_schema, parse_schema_document

SHORT = """
name: food
services:
  restaurant:
    description: find a table
    intents:
      find: find a restaurant
      book: {description: book a table, required: [people]}
    slots:
      cuisine: {description: kind of food, values: [italian, {value: indian, aliases: [curry]}]}
      people: {description: how many come, kind: number}
      terrace: {kind: boolean, values: [yes, no]}
      note: anything else
"""

LONG = {
    "name": "food",
    "services": [
        {
            "name": "restaurant",
            "description": "find a table",
            "intents": [
                {"name": "find", "description": "find a restaurant"},
                {"name": "book", "description": "book a table", "required": ["people"]},
            ],
            "slots": [
                {
                    "name": "cuisine",
                    "description": "kind of food",
                    "values": ["italian", {"value": "indian", "aliases": ["curry"]}],
                },
                {"name": "people", "description": "how many come", "kind": "number"},
                {"name": "terrace", "kind": "boolean", "values": ["yes", "no"]},
                {"name": "note", "description": "anything else"},
            ],
        }
    ],
}


def test_the_short_and_the_long_way_of_writing_mean_the_same() -> None:
    assert parse_schema(SHORT) == parse_schema(json.dumps(LONG)) == parse_schema_document(LONG)


def test_a_schema_survives_the_store() -> None:
    schema = parse_schema(SHORT)
    assert parse_schema_document(json.loads(json.dumps(schema.to_json()))) == schema


def test_yes_and_no_stay_words() -> None:
    assert parse_schema(SHORT).service("restaurant").slot("terrace").value_names == ("yes", "no")


def test_tabs_and_wide_characters_of_json_are_read() -> None:
    text = '{\n\t"services": [{"name": "caf\\u00e9 \\ud83c\\udf55", "slots": [{"name": "a"}]}]}'
    assert parse_schema(text).services[0].name == "café 🍕"


def test_files_of_the_schema_guided_format_load() -> None:
    schema = parse_schema_document(
        [
            {
                "service_name": "Banks_1",
                "description": "Manage bank accounts",
                "slots": [
                    {"name": "amount", "description": "", "is_categorical": False, "possible_values": ["$5"]},
                    {"name": "type", "description": "", "is_categorical": True, "possible_values": ["checking"]},
                ],
                "intents": [
                    {
                        "name": "Transfer",
                        "description": "",
                        "is_transactional": True,
                        "required_slots": ["amount"],
                        "optional_slots": {"type": "checking"},
                        "result_slots": ["amount"],
                    }
                ],
            }
        ]
    )
    amount, kind = schema.services[0].slots
    assert (amount.categorical, kind.categorical) == (False, True)
    assert schema.services[0].intents[0].optional == ("type",)


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("services:\n - name: x\n   slots:\n    - name: a\n    - name: a\n", 5, "duplicate"),
        ("services:\n  x: {slots: {a: text}}\n  x: {slots: {a: text}}\n", 3, "duplicate"),
        ("services:\n  x:\n    slots:\n      a: {values: []}\n", 4, "empty list of values"),
        ("services:\n  x:\n    slots:\n      a:\n        values: [b, B]\n", 5, "duplicate"),
        ("services:\n  x:\n    slotz: {a: text}\n", 3, "did you mean 'slots'"),
        ("services:\n  x:\n    slots:\n      a: {kind: colour}\n", 4, "no kind of slot"),
        ("services:\n  x:\n    slots:\n      a: {multi: perhaps}\n", 4, "true or false"),
        ("services:\n  x:\n    slots: nothing\n", 3, "must be a list or a mapping"),
        ("services:\n  x:\n    intents: {book: {required: [seat]}}\n    slots: {a: text}\n", 3, "does not have"),
        ("services:\n  x:\n    slots:\n      a.b: text\n", 4, "cannot be a name"),
        ("services:\n  x: &x\n    slots: {a: *x}\n", 3, "cycles"),
        ("services:\n  x: {slots: [\n", 3, "not readable"),
        ("services:\n  x: {description: nothing to find out}\n", 2, "neither intents nor slots"),
        ("", 0, "empty"),
        ("services: []", 1, "no services"),
        ("[" * 50 + "]" * 50, 1, "nested"),
    ],
)
def test_a_bad_schema_is_refused_with_its_line(text: str, line: int, word: str) -> None:
    with pytest.raises(SchemaError) as refused:
        parse_schema(text)
    assert refused.value.line == line
    assert word in refused.value.reason


def test_too_many_slots_are_refused() -> None:
    slots = [{"name": f"slot{i}"} for i in range(MAX_SLOTS + 1)]
    with pytest.raises(SchemaError, match="more than"):
        parse_schema_document({"services": [{"name": "x", "slots": slots}]})


@given(st.text(max_size=300))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    with suppress(SchemaError):
        assert isinstance(parse_schema(text), Schema)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["name", "services", "slots", "values", "intents", "kind", "x"]), inner, max_size=4
        )
    ),
    max_leaves=20,
)


@given(_JSON)
def test_any_json_is_parsed_or_refused(content: object) -> None:
    with suppress(SchemaError):
        assert isinstance(parse_schema(json.dumps(content)), Schema)
