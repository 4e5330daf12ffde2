"""Amounts that a comment states are read in full: both bounds, all words of a number, characters as characters."""

from __future__ import annotations

from functools import partial

import pytest

from services.common.constraints import Constraint
from services.tracker.domain.feedback import Feedback, read_feedback
from services.tracker.domain.feedback.amounts import read_amounts
from tests.support.cpu import cpu_seconds

from .conftest import OFFICE, Reader


@pytest.mark.parametrize(
    ("comment", "unit", "low", "high"),
    [
        ("At most one hundred and fifty characters.", "characters", None, 150),
        ("At most a hundred and twenty characters.", "characters", None, 120),
        ("15 words max, at least 5.", "words", 5, 15),
        ("More than 5 words but fewer than 15.", "words", 6, 14),
        ("At least 3 but at most 5 sentences.", "sentences", 3, 5),
        ("Under 1,000 characters.", "characters", None, 999),
        ("Under 1.000 characters", "characters", None, 999),
        ("A sentence or two.", "sentences", 1, 2),
        ("No more than two hundred and fifty words.", "words", None, 250),
        ("Maximum one hundred twenty-five words.", "words", None, 125),
        ("at most 20 words and at least 10", "words", 10, 20),
        ("Between ten and twenty words.", "words", 10, 20),
        ("From five to fifteen words.", "words", 5, 15),
        ("10-20 words", "words", 10, 20),
        ("Not fewer than 10 words and not more than 20 words.", "words", 10, 20),
        ("More than 50 characters but less than 100 characters.", "characters", 51, 99),
        ("two or three sentences", "sentences", 2, 3),
        ("a paragraph or two", "paragraphs", 1, 2),
        ("At most one thousand two hundred characters.", "characters", None, 1200),
        ("Limit it to one hundred and forty characters.", "characters", None, 140),
        ("Keep it under a thousand characters.", "characters", None, 999),
        ("half a hundred words at most", "words", None, 50),
        ("at most two dozen words", "words", None, 24),
        ("fewer than twenty-five words", "words", None, 24),
        ("min. 5, max. 15 words", "words", 5, 15),
        ("not more than 15 and not less than 5 words", "words", 5, 15),
        ("Five words or more, but no more than twelve.", "words", 5, 12),
        ("exactly two hundred characters", "characters", 200, 200),
        ("Don't use fewer than 30 words.", "words", 30, None),
        ("Cut 10 words.", "words", None, 5),
        ("Add 20 words.", "words", 35, None),
        ("Make it 10 words longer.", "words", 25, None),
        ("one sentence less", "sentences", None, 1),
        ("Not under 10 words and not over 20.", "words", 10, 20),
        ("Fewer than 1 000 characters.", "characters", None, 999),
        ("Seven words exactly, not six.", "words", 7, 7),
        ("Three sentences instead of four.", "sentences", 3, 3),
        ("Cut it down from 15 to 10 words.", "words", None, 10),
        ("A hundred words at the very most.", "words", None, 100),
        ("15 words are too many.", "words", None, 14),
        ("15 words are not enough.", "words", 16, None),
        ("A two-sentence answer.", "sentences", 2, 2),
        ("No longer than a hundred and eighty characters.", "characters", None, 180),
        ("20 to max 35 words.", "words", 20, 35),
        ("six–nine words", "words", 6, 9),
        ("Five more words, please.", "words", 20, None),
        ("Six fewer words.", "words", None, 9),
        ("Add a sentence.", "sentences", 3, None),
        ("cut it by ten words", "words", None, 5),
        ("Reduce the text by about four words.", "words", None, 11),
        ("Lengthen the text by around six words.", "words", 21, None),
        ("Condense the answer by roughly five words, please.", "words", None, 10),
        ("Reduce the message by one sentence.", "sentences", None, 1),
        ("Drop three words from the text.", "words", None, 12),
        ("Shave three words off the text.", "words", None, 12),
        ("Knock about three words off.", "words", None, 12),
        ("Take a sentence out of the text.", "sentences", None, 1),
        ("Pad the message by some ten words.", "words", 25, None),
        ("Add four words to the text.", "words", 19, None),
        ("Remove two words from the reply.", "words", None, 13),
        ("Trim two words off.", "words", None, 13),
        ("Take five words out, please.", "words", None, 10),
        ("Could you stretch it by five words?", "words", 20, None),
        ("Extend it by ten words.", "words", 25, None),
        ("The answer grew from two to five sentences, bring it back to two.", "sentences", None, 2),
        ("One thousand five hundred characters at the outside.", "characters", None, 1500),
        ("Anything over 90 characters won't fit on the sign.", "characters", None, 90),
    ],
)
def test_an_amount_is_read_in_full_and_nothing_else(
    read: Reader, comment: str, unit: str, low: int | None, high: int | None
) -> None:
    assert read(comment).constraints == [Constraint("length", "", unit, low, high, "comment")]


@pytest.mark.parametrize("comment", ["Use 20 words fewer.", "20 words shorter please", "15 words less"])
def test_a_difference_that_the_draft_does_not_have_is_no_bound(read: Reader, comment: str) -> None:
    assert read(comment).constraints == []


@pytest.mark.parametrize(
    "comment",
    ["Mention that we have 3 paragraphs in our contract.", "Say that 5 characters are enough for the code.",
     "Max 2 sentences of max 10 words each."],
)  # fmt: skip
def test_a_number_of_something_else_is_no_length(read: Reader, comment: str) -> None:
    lengths = [one for one in read(comment).constraints if one.kind == "length" and one.unit != "sentences"]
    assert lengths == []


@pytest.mark.parametrize(
    ("comment", "unit", "low", "high"),
    [
        ("少写五个字", "characters", None, 21), ("删掉三个字", "characters", None, 23),
        ("再加十个字", "characters", 36, None),
        ("多写一句", "sentences", 3, None), ("减少一句话", "sentences", None, 1),
        ("至少二十个字", "characters", 20, None),
        ("最少写五个字", "characters", 5, None), ("一百五十个字以内。", "characters", None, 150),
        ("不少于两句，不多于四句。", "sentences", 2, 4),
    ],
)  # fmt: skip
def test_a_chinese_difference_is_counted_from_the_draft(
    comment: str, unit: str, low: int | None, high: int | None
) -> None:
    draft = "我们的面包店六点开门。酸面包每个七欧元，可以放四天。"
    found = read_feedback(Feedback(comment=comment), draft).constraints
    assert found == [Constraint("length", "", unit, low, high, "comment")]


def test_two_units_are_bounded_apart(read: Reader) -> None:
    understood = read("Between 3 and 5 sentences, at most 60 words.")
    assert {(one.unit, one.min, one.max) for one in understood.constraints} == {
        ("sentences", 3, 5),
        ("words", None, 60),
    }


def test_reading_amounts_is_linear() -> None:
    for piece in (
        "1 2 3 4 ",
        "at least 5 words ",
        "one hundred and ",
        "a a a ",
        "between 1 and ",
        "1,000",
        "not more than ",
        "cut it by ten words off ",
        "grew from two to five sentences ",
    ):
        short, long = (cpu_seconds(partial(read_amounts, piece * n, OFFICE), 0.1) for n in (300, 1200))
        assert long < 8 * short + 0.5
