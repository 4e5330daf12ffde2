"""The committed weights on comments of this file's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.common.constraints import Constraint, check, contradictions
from services.tracker.comments.parser import MOST_TEXT, CommentParser
from services.tracker.domain.feedback import Fallback, Feedback, read_feedback

DRAFT = "Cats sleep a lot. They hunt at night."


@pytest.fixture(scope="module")
def parser() -> CommentParser:
    return CommentParser.load()


def some(kind: str, value: str = "", unit: str = "", low: int | None = None, high: int | None = None) -> Constraint:
    return Constraint(kind, value, unit, low, high, "comment")


@pytest.mark.parametrize(
    ("comment", "asked"),
    [
        ("My aunt looks for the word lavender in everything, so let her find it.", [some("must_include", "lavender")]),
        ("I can't find the harbour or the ferry in there, both belong in it", [some("must_include", "harbour"),
                                                                  some("must_include", "ferry")]),
        ("Our lawyers won't allow 'guarantee', rephrase please", [some("must_not_include", "guarantee")]),
        ("I'd rather it opened with Dear neighbours", [some("start", "Dear neighbours")]),
        ("Let the last thing I read be “See you on Sunday!”", [some("end", "See you on Sunday!")]),
        ("You gave me about 200 words, the form takes no more than 90.", [some("length", "", "words", None, 90)]),
        ("Four bullet points would do me", [some("format", "bullets", "", 4, 4)]),
        ("the word sun shows up once, I need it at least three times", [some("must_include", "sun", "", 3)]),
        ("could the whole thing be lowercase? our style", [some("case", "lower")]),
        ("I do not get on with commas, leave every one of them out", [some("punctuation", ",", "", None, 0)]),
        ("Give it to me in Portuguese", [some("language", "pt")]),
        ("Thanks, that is a lovely text about my garden.", []),
        ('What does "nocturnal" mean?', []),
        ("I lived there for 12 years.", []),
    ],
)  # fmt: skip
def test_people_are_understood(parser: CommentParser, comment: str, asked: list[Constraint]) -> None:
    assert parser.parse(comment, DRAFT) == asked


@pytest.mark.parametrize("comment", ["请用更正式的语气", "x" * (MOST_TEXT + 1)])
def test_what_it_was_not_trained_for_is_left_to_others(parser: CommentParser, comment: str) -> None:
    assert parser.parse(comment, DRAFT) is None


@pytest.mark.parametrize("comment", ["", "   ", "???", "\n\n", "7", "“”"])
def test_next_to_nothing_is_read(parser: CommentParser, comment: str) -> None:
    assert isinstance(parser.parse(comment, DRAFT), list)


_PIECES = st.sampled_from(
    "do not mention the word \"x\" 'y' “z” at most 5 words twice never less than sentences , . must end with start it "
    "all lower case no commas shorter json P.P.S. Part 2 sections in French answer 😀 用 [name] *so* << >> \n".split(
        " "
    )
)


@settings(max_examples=100, deadline=None)
@given(st.lists(_PIECES, max_size=25).map(" ".join) | st.text(max_size=200))
def test_any_comment_gives_constraints_that_hold_together(parser: CommentParser, comment: str) -> None:
    fallback = Fallback(lambda texts: np.zeros((len(texts), 2), np.float32), parser.parse)
    found = read_feedback(Feedback(comment=comment), DRAFT, fallback=fallback).constraints
    assert contradictions(found) == []
    for constraint in found:
        assert Constraint.from_json(constraint.to_json()) == constraint
        check(constraint, DRAFT)
