"""Numbers, times and dates are found where they stand and read as what they mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tracker.domain.normalise import number_value, time_value, typed_mentions


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4", "4"),
        ("007", "7"),
        ("1,200", "1200"),
        ("4.5", "4.5"),
        ("twenty five", "25"),
        ("two hundred and three", "203"),
        ("three thousand", "3000"),
        ("两", "2"),
        ("十五", "15"),
        ("三百二十", "320"),
        ("many", None),
        ("", None),
    ],
)
def test_numbers_in_words_and_digits(text: str, value: str | None) -> None:
    assert number_value(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5:15 pm", "17:15"),
        ("9 am", "09:00"),
        ("12 am", "00:00"),
        ("noon", "12:00"),
        ("half past 5 pm", "17:30"),
        ("quarter to 7 in the evening", "18:45"),
        ("twelve in the afternoon", "12:00"),
        ("afternoon 1:30", "13:30"),
        ("17:15", "17:15"),
        ("下午三点半", "15:30"),
        ("晚上8点", "20:00"),
        ("25:00", None),
        ("soon", None),
    ],
)
def test_times_on_the_clock(text: str, value: str | None) -> None:
    assert time_value(text) == value


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "2 tickets on March 11th at 1:30 pm for $1,200",
            [("number", "2"), ("date", "March 11th"), ("time", "1:30 pm"), ("money", "$1,200")],
        ),
        ("the 2nd of this month at 17:15", [("date", "the 2nd of this month"), ("time", "17:15")]),
        ("next Wednesday, half past 5 pm", [("date", "next Wednesday"), ("time", "half past 5 pm")]),
        ("2026-05-01 or 3/8", [("date", "2026-05-01"), ("date", "3/8")]),
        ("twelve in the afternoon for one", [("time", "twelve in the afternoon"), ("number", "one")]),
        ("明天下午三点半两个人", [("date", "明天"), ("time", "下午三点半"), ("number", "两")]),
        ("call 555-0199 on floor B2", []),
    ],
)
def test_mentions_are_found_by_kind(text: str, found: list[tuple[str, str]]) -> None:
    assert [(m.kind, m.text) for m in typed_mentions(text)] == found


@given(st.text(max_size=120))
def test_mentions_stand_where_they_say_and_do_not_overlap(text: str) -> None:
    end = 0
    for mention in typed_mentions(text):
        assert text[mention.start : mention.end] == mention.text
        assert mention.start >= end
        end = mention.end
