"""Of a long note the prompt quotes what bears on the message."""

import pytest

from services.generator.prompt.excerpts import excerpts

PLAN = "The Basic plan is popular. It costs 9 euros. Returns take a week. The late charge is 12 euros. Seats are five."


def test_the_sentences_nearest_to_the_message_stay_in_their_order() -> None:
    (kept,) = excerpts([PLAN], "What is the late charge of the Basic plan?", 2)
    assert kept == "The Basic plan is popular. The late charge is 12 euros."


def test_a_rare_word_weighs_more_than_one_that_every_sentence_has() -> None:
    text = "\n".join(f"- Card fee {name}: {n} euros" for n, name in enumerate(("monthly", "yearly", "late", "setup")))
    (kept,) = excerpts([text], "How much is the setup fee of the card?", 1)
    assert kept == "- Card fee setup: 3 euros"


def test_words_are_compared_by_their_beginnings() -> None:
    (kept,) = excerpts(["Seats are five. It is bordering Peru. Doors open."], "Which country borders it?", 1)
    assert kept == "It is bordering Peru."


def test_short_notes_and_no_limit_leave_everything_as_it_is() -> None:
    assert excerpts(["One. Two."], "two", 2) == ["One. Two."]
    assert excerpts([PLAN], "late charge", 0) == [PLAN]


def test_where_nothing_is_shared_nothing_is_chosen() -> None:
    assert excerpts([PLAN], "And how long?", 2) == [PLAN]


def test_a_note_that_shares_nothing_is_cut_to_its_beginning_beside_one_that_does() -> None:
    other = "Alpha beta. Gamma delta. Epsilon zeta."
    assert excerpts([PLAN, other], "What is the late charge?", 1) == ["The late charge is 12 euros.", "Alpha beta."]


@pytest.mark.parametrize("message", ["退货需要几天？", "几天可以退货"])
def test_chinese_sentences_are_told_apart(message: str) -> None:
    (kept,) = excerpts(["门票免费。七天内可以退货。周一闭馆。"], message, 1)
    assert kept == "七天内可以退货。"
