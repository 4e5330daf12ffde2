"""Constraints: which mean something, which contradict each other, and which replies meet them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.constraints import (
    KINDS,
    UNITS,
    Constraint,
    ConstraintError,
    check,
    contradictions,
    merge_rounds,
    replacement,
    replacing,
    validate_all,
    without_contradicted,
)

REPLY = "We open on Monday at 9 am. The refund takes 3 days, and it's free. Anything else?"


@pytest.mark.parametrize(
    ("constraint", "met"),
    [
        (Constraint("must_include", "refund"), True),
        (Constraint("must_include", "fund"), False),
        (Constraint("must_include", "Refund Takes"), True),
        (Constraint("must_include", "e", "characters", 5), True),
        (Constraint("must_include", "the", min=2), False),
        (Constraint("must_not_include", "refunds"), True),
        (Constraint("must_not_include", "day"), False),
        (Constraint("must_not_include", "free", max=1), True),
        (Constraint("keep", "9 am"), True),
        (replacing("Monday", "Tuesday", "typed"), False),
        (replacing("Sunday", "Monday", "typed"), True),
        (Constraint("length", "", "words", None, 20), True),
        (Constraint("length", "", "words", None, 10), False),
        (Constraint("length", "", "sentences", 3, 3), True),
        (Constraint("length", "", "characters", None, 40), False),
        (Constraint("length", "", "paragraphs", 1, 1), True),
        (Constraint("case", "lower"), False),
        (Constraint("case", "sentence"), True),
        (Constraint("punctuation", ",", max=0), False),
        (Constraint("punctuation", "!", max=0), True),
        (Constraint("punctuation", "?", min=1), True),
        (Constraint("language", "en"), True),
        (Constraint("language", "de"), False),
        (Constraint("tone", "formal"), False),
        (Constraint("start", "We open"), True),
        (Constraint("start", "We op"), False),
        (Constraint("end", "anything else?"), True),
        (Constraint("format", "prose"), True),
        (Constraint("format", "bullets"), False),
    ],
)
def test_a_reply_is_checked(constraint: Constraint, met: bool) -> None:
    assert check(constraint, REPLY) is met


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("bullets", "* one\n* two"),
        ("bullets", "Here:\n- one\n- two"),
        ("numbered", "1. one\n2. two"),
        ("json", '```json\n{"a": [1]}\n```'),
        ("title", "<<Refunds>>\ntext"),
        ("title:<<>>", "<<Refunds>> text"),
        ("title", "# Refunds\n\nThey take long."),
        ("table", "| a | b |\n|---|---|\n| 1 | 2 |"),
        ("quotation", '"All of it."'),
        ("sections:Section", "Section 1\nx\nSection 2\ny"),
        ("highlights", "some *thing* here"),
        ("placeholders", "Dear [name],"),
        ("postscript:P.S.", "Text.\nP.S. more"),
        ("separator:******", "one\n******\ntwo"),
        ("one_of:My answer is yes.|My answer is no.", "My answer is no."),
        ("code", "```\nx\n```"),
        ("heading", "## A\ntext"),
    ],
)
def test_formats_are_recognised(value: str, text: str) -> None:
    assert check(Constraint("format", value), text)
    assert not check(Constraint("format", value), "Plain words only, nothing else to see.")


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("de", "Die Rückgabe ist kostenlos und dauert nicht lange."),
        ("fr", "Le retour est gratuit et il ne prend pas longtemps."),
        ("es", "La devolución es gratuita y no tarda mucho."),
        ("zh", "退货是免费的，不需要很长时间。"),
        ("ja", "返品は無料で、時間はかかりません。"),
        ("ru", "Возврат бесплатный и не занимает много времени."),
        ("kn", "ಹಿಂತಿರುಗಿಸುವಿಕೆ ಉಚಿತ"),
        ("uk", "Повернення безкоштовне."),
    ],
)
def test_languages_are_told_apart(code: str, text: str) -> None:
    assert check(Constraint("language", code), text)
    assert not check(Constraint("language", "en"), text)


@pytest.mark.parametrize(
    ("constraint", "field"),
    [
        (Constraint("must_include", ""), "value"),
        (Constraint("shout", "x"), "kind"),
        (Constraint("length", "", "words", 5, 2), "min"),
        (Constraint("length", "", "words"), "max"),
        (Constraint("length", "", "", None, 3), "unit"),
        (Constraint("length", "", "pages", None, 3), "unit"),
        (Constraint("length", "", "words", None, 0), "max"),
        (Constraint("length", "", "words", -1), "min"),
        (Constraint("format", "poem"), "value"),
        (Constraint("case", "camel"), "value"),
        (Constraint("language", "German"), "value"),
        (Constraint("replace", "old => "), "value"),
        (Constraint("must_include", "x" * 3000), "value"),
        (Constraint("must_include", "x", source="hearsay"), "source"),
    ],
)
def test_what_means_nothing_is_refused_by_its_field(constraint: Constraint, field: str) -> None:
    with pytest.raises(ConstraintError) as refused:
        validate_all([constraint])
    assert refused.value.field == f"constraints[0].{field}"


@pytest.mark.parametrize(
    "pair",
    [
        (Constraint("must_include", "refund"), Constraint("must_not_include", "Refund")),
        (Constraint("must_include", "the refund policy"), Constraint("must_not_include", "refund")),
        (Constraint("start", "Hello"), Constraint("must_not_include", "hello")),
        (Constraint("keep", "a, b"), Constraint("punctuation", ",", max=0)),
        (Constraint("length", "", "words", 50), Constraint("length", "", "words", None, 20)),
        (Constraint("language", "de"), Constraint("language", "fr")),
        (Constraint("case", "lower"), Constraint("case", "upper")),
        (Constraint("format", "bullets"), Constraint("format", "prose")),
    ],
)
def test_contradictions_are_found_in_either_order(pair: tuple[Constraint, Constraint]) -> None:
    for first, second in (pair, pair[::-1]):
        assert len(contradictions([first, second])) == 1
        with pytest.raises(ConstraintError, match=r"constraints\[1\]"):
            validate_all([first, second])
        assert without_contradicted([first, second]) == [second]


def test_what_can_be_met_together_is_no_contradiction() -> None:
    validate_all(
        [
            Constraint("must_include", "refund"),
            Constraint("must_not_include", "price"),
            Constraint("length", "", "words", 10, 50),
            Constraint("length", "", "sentences", None, 3),
            Constraint("format", "bullets"),
            Constraint("language", "de"),
        ]
    )


def test_a_later_round_changes_its_mind_and_keeps_the_rest() -> None:
    first = [Constraint("length", "", "words", None, 50), Constraint("must_include", "refund")]
    second = [Constraint("length", "", "words", None, 20), Constraint("must_not_include", "price")]
    third = [Constraint("must_not_include", "refund")]
    assert merge_rounds([first, second, third]) == [*second, *third]


@pytest.mark.parametrize("phrase", ["states' rights", "states’ rights"])
def test_an_apostrophe_is_found_in_either_form(phrase: str) -> None:
    wanted = Constraint("must_include", phrase)
    assert check(wanted, "It was about the states' rights.")
    assert check(wanted, "It was about the states’ rights.")
    assert not check(wanted, "It was about the states.")


def test_a_replacement_is_read_back() -> None:
    assert replacement(replacing("Monday", "Tuesday", "edit")) == ("Monday", "Tuesday")
    assert replacement(Constraint("replace", "Tuesday")) == ("", "Tuesday")


_NUMBERS = st.none() | st.integers(-2, 2_000_000)
_ANY = st.builds(
    Constraint,
    st.sampled_from(KINDS),
    st.text(max_size=30) | st.sampled_from(["lower", "json", "de", "a => b", ",", "emoji"]),
    st.sampled_from(UNITS),
    _NUMBERS,
    _NUMBERS,
)


@given(_ANY, st.text(max_size=200))
def test_every_sound_constraint_can_be_checked_on_every_text(constraint: Constraint, text: str) -> None:
    with suppress(ConstraintError):
        validate_all([constraint])
        assert check(constraint, text) in (True, False)
        assert Constraint.from_json(constraint.to_json()) == constraint


@given(st.lists(_ANY, max_size=6))
def test_dropping_contradictions_leaves_none(constraints: list[Constraint]) -> None:
    assert contradictions(without_contradicted(constraints)) == []
