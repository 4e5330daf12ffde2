"""Rules that change a draft no more than its constraints ask."""

from __future__ import annotations

import json

import pytest

from services.common.constraints import Constraint, check
from services.common.text_measures import pieces
from services.generator.revision.rule_edits import amended

DRAFT = "Cats sleep a lot, mostly by day. They hunt at dusk. Dr. Low says so.\n\nMany people like them, and"


def changed(*constraints: Constraint, most: int = 1000) -> str | None:
    texts = amended(DRAFT, constraints, "How do cats live?", lambda text: len(text) <= most)
    return texts[0] if texts else None


def test_pieces_are_sentences_and_lines_and_make_the_text() -> None:
    assert "".join(pieces(DRAFT)) == DRAFT
    assert [one.strip() for one in pieces(DRAFT)][1:3] == ["They hunt at dusk.", "Dr. Low says so."]


@pytest.mark.parametrize(
    ("constraint", "text"),
    [
        (Constraint("case", "upper"), "CATS SLEEP A LOT, MOSTLY BY DAY. THEY HUNT AT DUSK. DR. LOW SAYS SO."),
        (Constraint("punctuation", ",", max=0), "Cats sleep a lot mostly by day. They hunt at dusk. Dr. Low says so."),
        (Constraint("must_not_include", "dusk"), "Cats sleep a lot, mostly by day. Dr. Low says so."),
        (Constraint("length", "", "words", None, 12), "Cats sleep a lot, mostly by day. They hunt at dusk."),
        (
            Constraint("length", "", "sentences", None, 1),
            "Cats sleep a lot, mostly by day; they hunt at dusk; Dr. Low says so.",
        ),
        (
            Constraint("format", "bullets", min=2, max=2),
            "* Cats sleep a lot, mostly by day.\n* They hunt at dusk. Dr. Low says so.",
        ),
        (
            Constraint("format", "sections:Part", min=3, max=3),
            "Part 1\nCats sleep a lot, mostly by day.\n\nPart 2\nThey hunt at dusk.\n\nPart 3\nDr. Low says so.",
        ),
        (
            Constraint("format", "highlights", min=2),
            "Cats *sleep* a lot, *mostly* by day. They hunt at dusk. Dr. Low says so.",
        ),
        (
            Constraint("case", "capital_words", min=2),
            "Cats SLEEP a lot, MOSTLY by day. They hunt at dusk. Dr. Low says so.",
        ),
    ],
)
def test_a_rule_does_what_was_asked_and_leaves_the_rest(constraint: Constraint, text: str) -> None:
    assert changed(constraint) == text


@pytest.mark.parametrize(
    "constraint",
    [
        Constraint("start", "In short"),
        Constraint("end", "So it goes."),
        Constraint("format", "quotation"),
        Constraint("format", "title:<<>>"),
        Constraint("format", "postscript:P.S."),
    ],
)
def test_what_is_added_stands_beside_the_draft(constraint: Constraint) -> None:
    text = changed(constraint)
    assert text is not None
    assert check(constraint, text)
    assert "They hunt at dusk." in text


def test_of_several_answers_each_stands_before_the_draft_once() -> None:
    choice = Constraint("format", "one_of:Yes, they do.|No, they do not.")
    texts = amended(DRAFT, [choice], "Do cats sleep?", lambda text: True)
    assert [text.split(" Cats")[0] for text in texts] == ["Yes, they do.", "No, they do not."]
    assert all(text.endswith("They hunt at dusk. Dr. Low says so.") for text in texts)


def test_a_long_message_gives_its_beginning_as_the_title() -> None:
    texts = amended(DRAFT, [Constraint("format", "title:<<>>")], "How do cats live?\nBe brief.", lambda text: True)
    assert texts[0].startswith("<<How do cats live>>\n\nCats sleep")


def test_json_holds_the_draft_and_wishes_are_combined() -> None:
    text = changed(Constraint("format", "json"), Constraint("case", "lower"))
    assert text is not None
    assert json.loads(text)["answer"].startswith("cats sleep")


def test_a_draft_is_cut_at_a_sentence_until_it_fits() -> None:
    assert changed(Constraint("case", "upper"), most=40) == "CATS SLEEP A LOT, MOSTLY BY DAY."


@pytest.mark.parametrize(
    "constraint",
    [
        Constraint("must_include", "dogs"),
        Constraint("language", "fr"),
        Constraint("length", "", "words", 200, None),
        Constraint("length", "", "words", None, 2),
        Constraint("must_not_include", "a"),
    ],
)
def test_what_no_rule_can_do_is_left_to_the_model(constraint: Constraint) -> None:
    if constraint.value == "a":
        assert amended("A cat is a cat. It is a pet.", [constraint], "", lambda text: True) == []
    else:
        assert changed(constraint) is None


@pytest.mark.parametrize(
    ("draft", "constraint", "text"),
    [
        ("Pay by card, by cheque, or in cash.", Constraint("format", "bullets"),
         "* Pay by card\n* by cheque\n* in cash."),
        ("Open it. Press RESET. Wait.", Constraint("format", "numbered"), "1. Open it.\n2. Press RESET.\n3. Wait."),
        ("* Bring it.\n* Ask Ann", Constraint("format", "prose"), "Bring it. Ask Ann."),
        ("One. Two. Three. Four.", Constraint("format", "bullets"), "* One.\n* Two.\n* Three.\n* Four."),
        ("门票五元。周一休息。", Constraint("length", "", "characters", None, 8), "门票五元。"),
        ("您好！门票五元！", Constraint("punctuation", "!", max=0), "您好。门票五元。"),
        ("门票五元。", Constraint("start", "您好"), "您好，门票五元。"),
        ("门票五元。", Constraint("end", "谢谢"), "门票五元。谢谢"),
        ("We open at nine.", Constraint("start", "Happy to help"), "Happy to help! We open at nine."),
        ("It costs 5 euros, sadly, and takes 3 days.", Constraint("must_not_include", "sadly"),
         "It costs 5 euros, takes 3 days."),
        ("We open at nine. We close at five.", Constraint("length", "", "words", 8, None),
         "We open at nine. We close at five."),
        ("A key costs 15 euros.", Constraint("replace", "15 => 10"), "A key costs 10 euros."),
        ("The pool is open.", Constraint("tone", "apologetic"), "We are sorry. The pool is open."),
        ("- Tent\n- Iron", Constraint("length", "", "sentences", None, 1), "Tent; Iron."),
        ("Great news 🎉 it is free.", Constraint("punctuation", "emoji", max=0), "Great news it is free."),
    ],
)  # fmt: skip
def test_a_rule_loses_nothing_that_the_draft_says(draft: str, constraint: Constraint, text: str) -> None:
    assert amended(draft, [constraint], "", lambda text: True) == [text]
