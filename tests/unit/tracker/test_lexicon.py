"""How a schema's listed values are found in a text without searching for all of them."""

import pytest

from services.common.schema import Schema, Service, Slot, Value
from services.tracker.domain.lexicon import compile_schema

VALUES = ("centre", "a and b guest house", "parkside pools", "city", "Fly", "北京", "4-star")
AREA = (
    compile_schema(Schema((Service("s", "places", (), (Slot("area", "where", tuple(map(Value, VALUES))),)),)))
    .services["s"]
    .slots[0]
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("in the Center please", "centre"),
        ("the A-and-B guest houses", "a and b guest house"),
        ("aandb guest house", "a and b guest house"),
        ("two cities", "city"),
        ("flies", "Fly"),
        ("我想去北京", "北京"),
        ("a 4 star one", "4-star"),
    ],
)
def test_a_value_is_searched_for_wherever_it_stands(text: str, value: str) -> None:
    found = {known for pattern, known in AREA.values_in(text) if pattern.search(text)}
    assert found == {known for pattern, known in AREA.values if pattern.search(text)} == {value}


def test_a_value_is_not_searched_for_where_no_word_begins_like_it() -> None:
    assert {value for _, value in AREA.values_in("somewhere nice")} == {"北京"}
