"""Revisions that no model writes: what rules, evidence and the comment itself make of the draft before."""

from __future__ import annotations

import pytest

from services.common.constraints import Constraint, check
from services.generator.revision.rule_revision import Material, RuleRevision, revised
from services.generator.revision.source_check import unsourced
from services.tracker.domain.feedback import Feedback, read_feedback


def revision(draft: str, comment: str, question: str = "", answers: tuple[str, ...] = (), *more: str) -> RuleRevision:
    """The draft revised by the comment, as the tracker reads it."""
    understood = read_feedback(Feedback(None, comment), draft, question)
    material = Material(question, comment, answers, (*answers, *more))
    return revised(draft, understood.constraints, material, asks_more=bool(understood.unparsed))


@pytest.mark.parametrize(
    ("draft", "comment", "text"),
    [
        (
            "We take the bus card.",
            "Mention that cheques aren't accepted.",
            "We take the bus card. Cheques aren't accepted.",
        ),
        (
            "The desk is open until 18:00.",
            "Please add that a guard answers at night.",
            "The desk is open until 18:00. A guard answers at night.",
        ),
        (
            "Your ticket ends at noon.",
            "Also tell them they can extend it for £3.50, and keep it below 20 words.",
            "Your ticket ends at noon. You can extend it for £3.50.",
        ),
        (
            "Cats are welcome.",
            "Mention the fee: €4 in winter, €7 in summer.",
            "Cats are welcome. The fee is €4 in winter, €7 in summer.",
        ),
        ("The deposit is £25.", "Wrong row! For groups it's £45.", "The deposit is £45."),
        ("Ask Paula Winter at the desk.", "Please write 'Ms Winter' and no first name.", "Ask Ms Winter at the desk."),
    ],
)
def test_what_the_comment_says_is_said_in_a_whole_sentence(draft: str, comment: str, text: str) -> None:
    assert revision(draft, comment).text == text


@pytest.mark.parametrize(
    ("draft", "comment", "text"),
    [
        (
            "Mill – Address: Mall 3; Phone: 0161 496 0991; Sunday: 12:00–17:00; Repairs: no.",
            "leave the phone number out",
            "Mill – Address: Mall 3; Sunday: 12:00–17:00; Repairs: no.",
        ),
        ("It is open daily. Phone: 0161 496 0991.", "leave the phone number out", "It is open daily."),
        (
            "It is in Mill Lane 4, 300 metres from here, by the pond.",
            "remove the distance",
            "It is in Mill Lane 4, by the pond.",
        ),
        ("The fee is £5. Return it in time next time.", "drop the lecture", "The fee is £5."),
        ("- Tent\n- Lamp\n- Rope", "no list, write it as a text", "Tent, lamp, and rope."),
        ("Pay in cash, by card, or by cheque.", "as bullet points please", "* Pay in cash\n* by card\n* by cheque."),
        (
            "A day costs £3, a week £12 and a month £30.",
            "number the three",
            "1. A day costs £3\n2. a week £12\n3. a month £30.",
        ),
        (
            "A new badge costs £6.",
            "Be more formal, address the visitor with 'Dear visitor'",
            "Dear visitor, a new badge costs £6.",
        ),
        ("For a late bus we pay £9.", "Apologise first.", "We are sorry. For a late bus we pay £9."),
        ("The lift is on the left.", "End with 'Have a safe trip!'", "The lift is on the left. Have a safe trip!"),
    ],
)
def test_a_form_is_made_by_rule(draft: str, comment: str, text: str) -> None:
    assert revision(draft, comment).text == text


@pytest.mark.parametrize(
    ("draft", "comment", "question", "text"),
    [
        (
            "The Nook is our cosiest room, and it costs £71 per night with breakfast, "
            "and the bath is shared, and dogs may stay.",
            "Too long. One sentence, at most 12 words.",
            "How much is the Nook?",
            "The Nook costs £71 per night with breakfast.",
        ),
        (
            "Press the green button for five seconds.",
            "Under 30 characters please",
            "How do I reset it?",
            "For five seconds.",
        ),
        (
            "The Oak hall, which is heated and has 90 seats, costs £40 per hour or £200 per day.",
            "Just the price per hour.",
            "What does the Oak hall cost?",
            "The Oak hall costs £40 per hour.",
        ),
    ],
)
def test_a_shorter_reply_is_whole_and_has_the_asked_value(draft: str, comment: str, question: str, text: str) -> None:
    assert revision(draft, comment, question).text == text


def test_what_the_comment_asks_is_answered_from_the_evidence() -> None:
    weekend = "At the weekend the pool opens at 9:00."
    made = revision(
        "On weekdays the pool opens at 7:00.", "and at the weekend?", "When does the pool open?", (weekend,)
    )
    assert made.text == f"On weekdays the pool opens at 7:00. {weekend}"
    assert made.served


def test_a_wrong_reply_gives_way_to_the_answer_of_the_comment() -> None:
    right = "The annex has no kitchen."
    assert (
        revision("Yes, there is a kitchen.", "Not in the annex! Correct that.", "Is there a kitchen?", (right,)).text
        == right
    )


def test_a_phrase_that_must_be_there_comes_in_the_sentence_of_the_evidence() -> None:
    fee = "Later changes cost £20.00."
    other = "Parking costs £20 per day, and lorries may not enter the yard."
    made = revision(
        "You can change it up to 24 hours before.", "put in the 20 pounds", "Can I change my booking?", (), other, fee
    )
    assert made.text == f"You can change it up to 24 hours before. {fee}"
    assert not made.missed


def test_a_reply_is_longer_by_further_sentences_of_the_evidence() -> None:
    further = "A taxi from the airport takes half an hour and costs about £40 in the daytime."
    made = revision("Take a taxi.", "too short!! at least 15 words", "How do I come from the airport?", (), further)
    assert made.text == f"Take a taxi. {further}"


def test_what_no_rule_can_do_leaves_the_draft_and_is_counted_as_missed() -> None:
    made = revision("Rooms are ready from 15:00.", "Auf Deutsch bitte")
    assert (made.text, made.missed) == ("Rooms are ready from 15:00.", 1)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("It costs £20.00.", []),
        ("It costs £2.50.", ["2.50"]),
        ("Write to a@shop.example.", []),
        ("Write to b@shop.example.", ["b@shop.example"]),
        ("It opens on Sunday.", ["Sunday"]),
        ("1. It costs £20.\n2. It opens on Monday.", []),
        ("Wait for three hours.", ["three"]),
        ("Ask for Karen there.", ["Karen"]),
        ("Ask for Paula there.", []),
        ("It is 1,200 metres away.", []),
    ],
)
def test_a_value_of_no_source_is_found(text: str, values: list[str]) -> None:
    sources = ["It costs £20, ask Paula on Monday or a@shop.example, 1200 metres away."]
    assert unsourced(text, sources) == values


@pytest.mark.parametrize(
    ("sort", "text"),
    [
        ("phone number", "Call 0161 496 0991."),
        ("price", "It costs £4."),
        ("distance", "It is 40 km away."),
        ("e-mail address", "Write to a@b.example."),
        ("number", "There are 4."),
    ],
)
def test_a_sort_of_thing_is_unwanted_whatever_its_value(sort: str, text: str) -> None:
    assert not check(Constraint("must_not_include", sort), text)
    assert check(Constraint("must_not_include", sort), "It is open.")


def test_an_amount_is_there_in_either_spelling() -> None:
    assert check(Constraint("must_include", "20 pounds"), "Later it costs £20.00.")
    assert not check(Constraint("must_include", "20 pounds"), "Later it costs £200.")
    assert not check(Constraint("must_include", "20 pounds"), "Later it costs £20.50.")


@pytest.mark.parametrize(
    ("comment", "added"),
    [
        ("不超过60个字，要提到灰色网线", "先用灰色网线把路由器接到墙上的插座，再接通电源。"),
        ("要提到灰色网线", "先用灰色网线把路由器接到墙上的插座，再接通电源。"),
        ("加上客服电话", "客服电话是 0800 555 010。"),
        ("必须包含“保修期”", "路由器的保修期是两年。"),
    ],
)
def test_a_chinese_phrase_comes_in_with_the_sentence_that_has_it(comment: str, added: str) -> None:
    draft = "路由器亮红灯表示没有信号。"
    sources = (
        "先用灰色网线把路由器接到墙上的插座，再接通电源。",
        "客服电话是 0800 555 010。",
        "路由器的保修期是两年。",
        "家庭套餐每月 29 元。",
    )
    done = revision(draft, comment, "路由器亮红灯是什么意思？", (), *sources)
    assert done.text == draft + added
    assert not done.missed
