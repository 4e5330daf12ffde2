"""What answers a message: units that are cut, questions that are understood, rows that are compared, words that are
quoted."""

import numpy as np
import pytest

from services.common.editions import Dated, Edition
from services.common.evidence import Answer, Evidence, Piece, units_of
from services.common.evidence.quoting import quote
from services.common.passages import Span, Structure
from services.knowledge.evidence.choice import current_ones
from services.knowledge.evidence.comparing import compared
from services.knowledge.evidence.features import NAMES, read_question, stems
from services.knowledge.evidence.model import AnswerModel, leads
from services.knowledge.evidence.questions import (
    Question,
    completed,
    is_chat,
    kind_of,
    language_of,
    questions_of,
    strip_opening,
)
from services.knowledge.evidence.step import Base, Candidate, Source, candidates_of, names_of, personal
from services.knowledge.evidence.values import present, wanted

PLANS = (
    (("Plan", "Basic"), ("Price per month", "19 euros"), ("Speed", "50 Mbit/s")),
    (("Plan", "Family"), ("Price per month", "29 euros"), ("Speed", "100 Mbit/s")),
    (("Plan", "Family Plus"), ("Price per month", "35 euros"), ("Speed", "100 Mbit/s")),
)


def row(cells: tuple[tuple[str, str], ...], number: int = 1, document: str = "plans") -> Source:
    text = " | ".join(f"{column}: {value}" for column, value in cells)
    structure = Structure("row", "Tariffs", spans=(Span(0, len(text)),), cells=cells, table=0, row=number)
    return Source("passage", f"{document}-{number}", 1, 1.0, text, structure, document=document)


def plans() -> list[Candidate]:
    return [one for number, cells in enumerate(PLANS, 1) for one in candidates_of(row(cells, number))]


BASE = Base(lambda _: 1.0, lambda _: {})


def prose(text: str, *spans: tuple[int, int, int], kind: str = "prose", question: str = "") -> Structure:
    return Structure(kind, "House rules", ("Rooms",), tuple(Span(*span) for span in spans), question=question)  # type: ignore[arg-type]


def test_a_sentence_that_begins_with_it_is_read_with_the_one_before() -> None:
    text = "The sauna is in the cellar. It opens at two."
    units = units_of(prose(text, (0, 27, -1), (28, 44, -1)), text)
    assert [unit.text for unit in units] == ["The sauna is in the cellar.", text]
    assert units[1].start == 0
    assert units[0].read == "House rules > Rooms: The sauna is in the cellar."


def test_a_row_is_one_unit_with_its_name() -> None:
    (unit,) = units_of(row(PLANS[1]).structure, row(PLANS[1]).text)
    assert unit.name == "Family"
    assert unit.read == "Tariffs: Plan: Family | Price per month: 29 euros | Speed: 100 Mbit/s"


def test_an_answer_is_read_with_its_question_and_quoted_without() -> None:
    text = "Yes, on a lead."
    structure = Structure("faq", "FAQ", ("Can I bring a dog?",), (Span(0, 15),), question="Can I bring a dog?")
    (unit,) = units_of(structure, text)
    assert unit.read == "FAQ: Can I bring a dog? Yes, on a lead."
    assert quote(Piece("passage", "a", 1, unit.start, unit.end), text, structure) == "Yes, on a lead."


def test_an_item_is_read_with_what_leads_to_it() -> None:
    text = "Please bring:\n- a towel\n- a padlock"
    structure = prose(text, (0, 13, -1), (14, 23, 0), (24, 35, 0), kind="list")
    assert [unit.text for unit in units_of(structure, text)][1:] == [
        "Please bring:",
        "Please bring: a towel",
        "Please bring: a padlock",
    ]


def test_a_passage_stored_without_structure_is_cut_into_sentences() -> None:
    text = "We open at nine. We close at six."
    structure = Structure.of({"text": text, "heading": "Shop"})
    assert [text[unit.start : unit.end].strip() for unit in units_of(structure, text)] == [
        "We open at nine.",
        "We close at six.",
    ]


def test_what_stands_below_a_name_is_read_with_it() -> None:
    text = "MILLRACE, 218 Tannery Street\nManager: Odile Brandt.\n\nOpen daily.\nAlways.\n\n- One item\n- Another"
    units = units_of(Structure.of({"text": text, "heading": "Contacts"}), text)
    assert [unit.place for unit in units] == [
        "Contacts",
        "Contacts > MILLRACE, 218 Tannery Street",
        "Contacts",
        "Contacts",
        "Contacts",
        "Contacts",
    ]
    quotation = quote(Piece("passage", "a", 1, units[1].start, units[1].end), text, Structure())
    assert quotation == "MILLRACE, 218 Tannery Street – Manager: Odile Brandt."


def test_only_the_cells_that_are_asked_for_are_quoted() -> None:
    source = row(PLANS[1])
    piece = Piece("passage", "x", 1, 0, len(source.text), (1,))
    assert quote(piece, source.text, source.structure) == "Family – Price per month: 29 euros."


def test_a_row_without_asked_cells_is_quoted_whole() -> None:
    source = row(PLANS[0])
    piece = Piece("passage", "x", 1, 0, len(source.text))
    assert quote(piece, source.text, source.structure) == "Basic – Price per month: 19 euros; Speed: 50 Mbit/s."


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("How much is the Family plan?", "fact"),
        ("hi, can I bring my dog?", "yes_no"),
        ("could you tell me how long the course takes", "fact"),
        ("Which is cheaper, Basic or Family?", "comparison"),
        ("Is Basic slower than Family?", "comparison"),
        ("What is included in the breakfast?", "list"),
        ("可以带狗吗？", "yes_no"),
        ("哪个更便宜，A还是B？", "comparison"),
    ],
)
def test_a_question_says_what_kind_of_answer_it_wants(text: str, kind: str) -> None:
    assert kind_of(text) == kind


@pytest.mark.parametrize(
    "text", ["Thanks a lot!", "hello there", "Good morning!", "ok great, bye", "谢谢！", "vielen Dank"]
)
def test_small_talk_asks_nothing(text: str) -> None:
    assert is_chat(text)


@pytest.mark.parametrize(
    "text", ["Hi, when do you open?", "thanks, and the price?", "hello I lost my card", "谢谢，几点开门？"]
)
def test_a_greeting_with_a_question_is_no_small_talk(text: str) -> None:
    assert not is_chat(text)


def test_several_questions_are_told_apart_with_their_places() -> None:
    text = "What does Basic cost and how long is the contract? I live in Leeds. Can I pay by card?"
    asked = questions_of(text)
    assert [text[one.start : one.end].strip(" ,") for one in asked] == [
        "What does Basic cost",
        "and how long is the contract?",
        "Can I pay by card?",
    ]
    assert asked[2].text == "I live in Leeds. Can I pay by card?"


def test_a_long_message_is_read_at_its_question() -> None:
    text = "I have been a customer for years. " * 300 + "When do you open?"
    (asked,) = questions_of(text)
    assert asked.text.endswith("When do you open?")
    assert len(asked.text) <= 600


def test_the_language_is_told_by_its_commonest_words() -> None:
    texts = {
        "en": "what is the price of it",
        "de": "was kostet das und wann ist es da",
        "zh": "多少钱",
        "fr": "quel est le prix pour la chambre",
    }
    assert {name: language_of(text) for name, text in texts.items()} == {name: name for name in texts}


@pytest.mark.parametrize(
    ("text", "before", "full"),
    [
        ("and Family?", "How much is Basic?", "How much is Family?"),
        ("What about the Family plan?", "how fast is Basic", "how fast is Family"),
        ("and the speed?", "How much is Basic?", "and the speed? Basic"),
        ("How fast is it?", "Tell me about Family Plus", "How fast is it? Family Plus"),
        ("How much is Family?", "How much is Basic?", "How much is Family?"),
    ],
)
def test_what_a_question_leaves_out_comes_from_the_one_before(text: str, before: str, full: str) -> None:
    assert completed(text, [before], names_of(plans())) == full


def test_my_plan_is_the_one_that_the_state_knows() -> None:
    names = names_of(plans())
    assert personal("how much is my plan?", ["Family", "Leeds"], names) == "how much is my plan? (Family)"
    assert personal("how much is the Basic plan?", ["Family"], names) == "how much is the Basic plan?"


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Which is cheaper, Basic or Family?", "Basic"),
        ("Which is more expensive, Basic or Family?", "Family"),
        ("is the family plan faster than basic?", "Family"),
        ("Is Family Plus dearer than Basic?", "Family Plus"),
    ],
)
def test_a_comparison_is_computed_from_two_rows(text: str, first: str) -> None:
    answer = compared(Question(text, "comparison", 0, len(text)), plans(), BASE)
    assert answer is not None
    names = {source.id: source.structure.cells[0][1] for source in (row(cells, n) for n, cells in enumerate(PLANS, 1))}
    assert names[answer.pieces[0].id] == first


def test_equal_rows_are_said_to_be_equal() -> None:
    text = "Which is faster, Family or Family Plus?"
    answer = compared(Question(text, "comparison", 0, len(text)), plans(), BASE)
    assert answer is not None
    assert answer.relation == "equal"


CLASSES = (
    (("Class", "Puppy start"), ("Where", "Oxcombe"), ("Price", "£96"), ("Repeated", "every 2 weeks")),
    (("Class", "Puppy start"), ("Where", "Saltmere"), ("Price", "£90"), ("Repeated", "every 3 weeks")),
    (("Class", "Cat evening"), ("Where", "Oxcombe"), ("Price", "£12"), ("Repeated", "every 4 weeks")),
    (("Class", "Cat lounge"), ("Where", "Saltmere"), ("Price", "£9"), ("Repeated", "every 5 weeks")),
)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Which is cheaper, Puppy start at Oxcombe or Puppy start at Saltmere?", "Saltmere"),
        ("Is puppy start more expensive in Oxcombe or in Saltmere?", "Oxcombe"),
        ("Puppy start: where does it cost less, Saltmere or Oxcombe?", "Saltmere"),
        ("Is the puppy start repeated more often in Oxcombe or Saltmere?", "Oxcombe"),
        ("Where is the Puppy start repeated less often, in Oxcombe or Saltmere?", "Saltmere"),
    ],
)
def test_rows_of_one_name_are_told_apart_by_what_the_question_says_of_them(text: str, first: str) -> None:
    rows = [one for number, cells in enumerate(CLASSES, 1) for one in candidates_of(row(cells, number, "classes"))]
    answer = compared(Question(text, "comparison", 0, len(text)), rows, BASE)
    assert answer is not None
    assert answer.pieces[0].id == f"classes-{1 if first == 'Oxcombe' else 2}"
    assert all(1 in piece.cells for piece in answer.pieces)
    assert not answer.relation


@pytest.mark.parametrize(
    "text",
    [
        "What costs more for a bad tooth: the dog or the cat?",
        "Is a cat cheaper than a rabbit?",
        "Which is cheaper, Puppy start at Oxcombe or at Pennifold?",
    ],
)
def test_rows_that_the_question_does_not_tell_apart_are_not_compared(text: str) -> None:
    rows = [one for number, cells in enumerate(CLASSES, 1) for one in candidates_of(row(cells, number, "classes"))]
    assert compared(Question(text, "comparison", 0, len(text)), rows, BASE) is None


def test_a_comparison_of_something_else_than_rows_is_left_alone() -> None:
    text = "Is Basic better for dogs than a cat?"
    assert compared(Question(text, "comparison", 0, len(text)), plans(), BASE) is None


def test_the_newer_document_is_the_one_that_counts() -> None:
    old = Candidate(
        row(PLANS[0], 1, "old"), candidates_of(row(PLANS[0]))[0].unit, frozenset(), score=1.2, features=(1.0,) * 20
    )
    new = Candidate(
        row(PLANS[0], 1, "new"), candidates_of(row(PLANS[0]))[0].unit, frozenset(), score=1.0, features=(1.0,) * 20
    )
    editions = {
        "old": Dated("old", "Prices", Edition(effective="2024-01-01", basis="text")),
        "new": Dated("new", "Prices", Edition(effective="2026-01-01", basis="text")),
    }
    base = Base(lambda _: 1.0, lambda documents: {name: editions[name] for name in documents})
    assert [one.source.document for one in current_ones([old, new], base)] == ["new"]


def test_the_lead_of_a_score_is_over_the_best_other() -> None:
    assert leads(np.array([1.0, 3.0, 2.5]), ["a", "b", "c"]).tolist() == [-2.0, 0.5, -0.5]
    assert leads(np.array([3.0, 2.5, 1.0]), ["a", "a", "b"]).tolist() == [2.0, 1.5, -2.0]
    assert leads(np.array([1.0]), ["a"]).tolist() == [5.0]


def test_a_probability_grows_with_what_speaks_for_it() -> None:
    model = AnswerModel((1.0,) + (0.0,) * (len(NAMES) - 1), (1.0,) + (0.0,) * len(NAMES), 0.0)
    low, high = np.zeros(len(NAMES), np.float32), np.zeros(len(NAMES), np.float32)
    high[0] = 2
    _, probabilities = model.weigh([low, high], ["a", "b"])
    assert probabilities[1] > probabilities[0] == 0.5


def test_a_compound_is_found_however_it_is_written() -> None:
    assert stems("e-bikes") & stems("ebikes")


def test_words_that_no_text_has_are_told_apart() -> None:
    asked = read_question(
        strip_opening("could you tell me if the sauna allows dragons"), lambda stem: 2.0 if stem == "sauna" else 0.0
    )
    assert "sauna" in asked.weights
    assert asked.absent == frozenset({"dragon"})


@pytest.mark.parametrize(
    ("question", "kind", "text"),
    [
        ("How much is it?", "money", "It costs 4 euros."),
        ("When do you open?", "time", "Open 9:00 to 17:00."),
        ("How long is the notice period?", "span", "Two weeks."),
        ("What's your phone number?", "phone", "Call 0800 496 0010."),
        ("Who runs the spa?", "person", "Head of the spa: Jonna Reiter."),
        ("多少钱？", "money", "每月29元"),
    ],
)
def test_a_question_wants_a_kind_of_value(question: str, kind: str, text: str) -> None:
    assert kind in wanted(question)
    assert present(text, {kind})


def test_evidence_survives_its_journey() -> None:
    piece = Piece("passage", "p1", 3, 4, 20, (1, 2), 0.91)
    evidence = Evidence("en", (Answer("comparison", "answered", 0.9, (piece,), 0, 12, relation="less"),))
    assert Evidence.of(evidence.to_json()) == evidence


@pytest.mark.parametrize(
    ("text", "headings", "said"),
    [
        ("Mercer Lane\n12 Mercer Lane\nManager: Owen Tait", (), "Mercer Lane – Manager: Owen Tait."),
        ("Opens at nine.\nManager: Owen Tait", ("3.1 The Station",), "The Station – Manager: Owen Tait."),
        ("Opens at nine. Manager: Owen Tait", (), "Manager: Owen Tait."),
        ("Manager of Station: Owen Tait", ("Station",), "Manager of Station: Owen Tait."),
        ("早九点开门。\n店长：白秋月", ("城北店",), "城北店：店长：白秋月。"),
        ("We always open at nine: always.", ("Hours",), "We always open at nine: always."),
    ],
)  # fmt: skip
def test_a_line_is_quoted_with_what_it_speaks_of(text: str, headings: tuple[str, ...], said: str) -> None:
    start = max(text.find(word) for word in ("Manager", "店长", "We"))
    assert quote(Piece("passage", "p", 1, start, len(text)), text, Structure("prose", "Our shops", headings)) == said
