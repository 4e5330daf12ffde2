"""The evaluation of service judges replies as a careful reader would, and its own sets hold together."""

from pathlib import Path

import pytest

from research.eval.service.asking import COMMENTS, Asking
from research.eval.service.documents import passages
from research.eval.service.figures import (
    calibration_error,
    is_satisfied,
    judge_questions,
    question_figures,
    same_answers,
    state_figures,
)
from research.eval.service.leading import asked_for_missing
from research.eval.service.product import Record, Reply
from research.eval.service.requirements import unmet
from research.eval.service.sets import ServiceSet, find_sets
from research.eval.service.values import Sources
from services.cli.evaluation.declining import declines
from services.cli.evaluation.matching import any_stands_in, is_right, normal, stands_in

SETS = find_sets(Path(__file__).parents[3] / "research" / "data" / "service")


@pytest.mark.parametrize(
    ("string", "text", "stands"),
    [
        ("38", "It costs 38.00 euros.", True),
        ("38", "It costs 138 euros.", False),
        ("38", "It costs 38,500 euros.", False),
        ("9:00", "from 19:00", False),
        ("no", "I know", False),
        ("Pebble M", "the **pebble  m** plan", True),
        ("三", "三十天", False),
        ("三天", "在 三天 内", True),
    ],
)
def test_a_string_stands_where_no_longer_number_or_word_holds_it(string: str, text: str, stands: bool) -> None:
    assert stands_in(string, text) is stands


def test_a_comparison_is_right_where_the_right_row_is_named_first_or_in_the_conclusion() -> None:
    question = {"any_of": ["Hearth 250"], "compare": {"right": "Hearth 250", "wrong": "Flex"}}
    assert is_right(question, "Hearth 250 is cheaper than Flex.")
    assert is_right(question, "Flex costs 36 and the other 30, so Hearth 250 is cheaper.")
    assert not is_right(question, "Flex is cheaper than Hearth 250.")


def test_what_is_not_known_is_no_answer() -> None:
    question = {"any_of": ["no"], "none_of": ["yes"]}
    assert is_right(question, "No, it is closed.")
    assert not is_right(question, "I don't know nor can I say.")


@pytest.mark.parametrize(
    ("reply", "declined"),
    [
        ("I don't know.", True),
        ("I'm sorry, I don't have that information. Shall I connect you with a colleague?", True),
        ("Our documents say nothing about parking. Please call us.", True),
        ("I'm not sure, about 40 litres.", False),
        ("I don't know. The spa opens at ten o'clock every day.", False),
        ("The size is 40 litres.", False),
        ("抱歉，资料里没有相关信息，需要帮您转人工吗？", True),
        ("我不清楚，大概三天左右会到货。发货后三天内可以收到。", False),
    ],
)
def test_a_decline_states_nothing_beside(reply: str, declined: bool) -> None:
    assert declines(reply, "How large is it?") is declined


@pytest.mark.parametrize(
    ("reply", "missing"),
    [
        ("Pebble M costs £14.90.", []),
        ("Pebble M costs 14,90 pounds or 1500.", []),
        ("Pebble M costs £15.", ["number: 15"]),
        ("Call 0800 496 0010.", []),
        ("Call 0800-496-0011.", ["phone: 08004960011"]),
        ("Open from 9 am to 7 pm.", []),
        ("Open until 22:45.", ["time: 22:45"]),
        ("Write to help@quillnet.example.", ["link: help@quillnet.example"]),
        ("Ask Ines Pallister.", []),
        ("Ask Mary Jones about it.", ["name: Mary Jones"]),
        ("1. Visa\n2. Mastercard", []),
        ("It costs £12.", ["price: 12"]),
        ("It costs 12 euros or £1500.", ["price: 12"]),
        ("It takes 12 months.", []),
        ("It takes seventeen days.", ["number: 17"]),
    ],
)
def test_values_without_a_source_are_named(reply: str, missing: list[str]) -> None:
    texts = [
        "Pebble M | £14.90 | 1,500",
        "12 months",
        "9:00–19:00, 0800 496 0010",
        "Head: Ines Pallister; Visa, Mastercard",
    ]
    assert Sources(texts).unsupported(reply) == missing


def test_a_users_own_words_are_a_source() -> None:
    assert (
        Sources(["nothing"]).with_words(["We are 17 people named Okafor"]).unsupported("A table for 17, Okafor?") == []
    )


def test_states_count_wanted_right_and_invented_values() -> None:
    dialogue = {
        "id": "d01",
        "turns": [{"user": "", "state": {"a.x": "1", "a.y": "two"}}, {"user": "", "state": {"a.x": "1"}}],
        "accept": {"a.y": {"two": ["2"]}},
    }
    subject = _set(dialogues=(dialogue,))
    record = {"id": "d01", "turns": [{"state": {"a.x": "1", "a.y": "2"}}, {"state": {"a.x": "9", "a.z": "3"}}]}
    tally = state_figures(subject, [record])
    assert dict(tally) == {"wanted": 3, "right": 2, "invented": 2, "turns": 2, "states_right": 1}


def test_wordings_of_one_question_agree_where_both_are_right_or_both_decline() -> None:
    question = {"any_of": ["10:30"], "evidence": ["left by 10:30"], "kind": "time"}
    subject = _set(questions=({"id": "q1", **question}, {"id": "q2", **question}, {"id": "q3", **question}))
    replies = ["By 10:30.", "You leave at 10:30.", "I don't know."]
    records: list[Record] = [
        {"id": f"q{number}", "question": "?", "reply": reply} for number, reply in enumerate(replies, 1)
    ]
    assert same_answers(subject, records, []) == {"pairs": 2, "same": 1}


def test_shares_tell_right_wrong_and_declined_apart() -> None:
    questions = (
        {"id": "q1", "kind": "price", "question": "?", "any_of": ["5"]},
        {"id": "u1", "kind": "near-entity", "question": "?", "any_of": [], "unanswerable": True},
        {"id": "u2", "kind": "outside", "question": "?", "any_of": [], "unanswerable": True},
    )
    records: list[Record] = [
        {"id": "q1", "reply": "6"}, {"id": "u1", "reply": "I don't know."}, {"id": "u2", "reply": "Yes, 6."}
    ]  # fmt: skip
    judge_questions(_set(questions=questions), records)
    figures = question_figures(records)
    assert (figures["answerable_wrong"], figures["near_miss_declined"], figures["unanswerable_declined"]) == (1, 1, 0.5)


def test_a_missing_slot_is_asked_for_in_a_question_that_names_it() -> None:
    schema = """
services:
  table:
    intents: {reserve: {required: [day, persons]}}
    slots: {day: Day of the meal, persons: How many guests come}
"""
    state = {"table.intent": "reserve"}
    users = ["A table please.", "For Friday.", "Do you have fish?", "Hello"]
    states = [state, state | {"table.day": "Friday"}, state | {"table.day": "Friday"}, {}]
    turns = [{"user": user, "state": after} for user, after in zip(users, states, strict=True)]
    subject = ServiceSet("invented", {}, schema, (), ({"id": "d1", "turns": turns},), (), ())
    replies = ["On which day?", "Fine, Friday. Anything else?", "Yes.", "Hello!"]
    record: Record = {"id": "d1", "turns": [{"reply": reply} for reply in replies]}
    assert asked_for_missing(subject, [record]) == {"missing": 2, "asked": 1}


class _Improving:
    """Answers right at the second comment."""

    def __init__(self) -> None:
        self.comments: list[str] = []

    def revise(self, turn_id: str, comment: str) -> Reply:
        self.comments.append(comment)
        return Reply("It is 5." if len(self.comments) == 2 else "It is 7.", turn_id, 0.1, 0.2)


def test_comments_end_when_a_revision_satisfies() -> None:
    subject = _set(questions=({"id": "q1", "kind": "price", "question": "?", "any_of": ["5"]},))
    product = _Improving()
    questions: list[Record] = [{"id": "q1", "question": "?", "reply": "It is 6.", "turn": "t1"}]
    asking = Asking(product, subject, 1, lambda _: None)  # type: ignore[arg-type]
    rounds = asking.rounds(questions, lambda record: is_satisfied(subject, record))
    assert [record["before"] for record in rounds] == ["It is 6.", "It is 7."]
    assert product.comments == list(COMMENTS[:2])
    assert questions[0]["satisfied_in"] == 2


def test_a_probability_is_held_against_what_became_of_the_claim() -> None:
    claims: list[Record] = [{"probability": 0.9, "verdict": verdict} for verdict in ["right"] * 9 + ["wrong"]]
    assert calibration_error(claims) == pytest.approx(0)
    assert calibration_error([*claims, {"probability": 0.1, "verdict": "declined"}]) == pytest.approx(0)
    assert calibration_error([{"probability": 1.0, "verdict": "answered"}]) == pytest.approx(1)
    assert calibration_error([{"probability": None, "verdict": "right"}]) is None


@pytest.mark.parametrize("subject", SETS, ids=[subject.name for subject in SETS])
def test_a_set_says_itself_what_is_right(subject: ServiceSet) -> None:
    texts: dict[str, str] = {}
    for name, file in subject.documents.items():
        found = passages(name, file)
        texts[name] = normal("\n".join([passage.text for passage in found]))
        assert texts[name], name
    for question in subject.questions:
        if not question.get("unanswerable"):
            assert is_right(question, question["answer"]), question["id"]
            assert any(any_stands_in(question["any_of"], texts[name]) for name in question["documents"])
    for comment in subject.feedback:
        assert unmet(comment["constraints"], comment["reply"], comment["reply"]), comment["id"]
        assert not unmet(comment["constraints"], comment["reference"], comment["reply"]), comment["id"]
    for item in subject.corrections:
        assert is_right(item, item["corrected"]), item["id"]
        assert not is_right(item, item["wrong"]), item["id"]


def _set(**items: tuple[dict[str, object], ...]) -> ServiceSet:
    return ServiceSet(
        "invented", {}, "", **({"questions": (), "dialogues": (), "feedback": (), "corrections": ()} | items)
    )
