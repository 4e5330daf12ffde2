"""Quantities lie in ranges, cells answer by themselves, lists are quoted whole, shorthand is written out."""

from collections.abc import Sequence

import pytest

from services.common.editions import Dated, Edition
from services.common.evidence import Unit
from services.common.passages import Span, Structure
from services.knowledge.evidence.cells import RowRead, cell_texts, row_read
from services.knowledge.evidence.choice import choose
from services.knowledge.evidence.comparing import compared
from services.knowledge.evidence.demands import meets_demands, names_people
from services.knowledge.evidence.features import NAMES, named, other_code, read_question, said_names, stems
from services.knowledge.evidence.model import AnswerModel
from services.knowledge.evidence.questions import Question, kind_of, questions_of, spelled_out
from services.knowledge.evidence.ranges import quantities_of, unit_within, within
from services.knowledge.evidence.step import Base, Candidate, Source, candidates_of
from tests.support.cpu import assert_grows_within

SURE = AnswerModel((0.0,) * len(NAMES), (0.0,) * (len(NAMES) + 1), 3.0, beside=0.7)
BASE = Base(lambda _: 1.0, lambda _: {})


def unread(_: str, texts: Sequence[str]) -> list[float]:
    return [0.0] * len(texts)


def asked_cells(question: str, unit: Unit, logits: dict[int, float]) -> tuple[int, ...]:
    read = row_read(question, unit, logits)
    assert read is not None
    return read.asked


def rows(columns: str, *lines: str, document: str = "list") -> list[Candidate]:
    """The rows of one table as candidates: columns and values are divided by bars."""
    found = []
    for number, line in enumerate(lines, 1):
        cells = tuple(zip(columns.split("|"), line.split("|"), strict=True))
        text = " | ".join(f"{column}: {value}" for column, value in cells)
        structure = Structure("row", "Prices", spans=(Span(0, len(text)),), cells=cells, table=0, row=number)
        source = Source("passage", f"{document}-{number}", 1, 1.0, text, structure, document=document)
        found += candidates_of(source)
    return [weighed(one, 0.0) for one in found]


def weighed(one: Candidate, score: float, coverage: float = 0.6) -> Candidate:
    features = [0.0] * len(NAMES)
    features[NAMES.index("coverage")] = coverage
    return Candidate(one.source, one.unit, one.stems, score=score, features=tuple(features))


@pytest.mark.parametrize(
    ("question", "label", "verdict"),
    [
        ("We live about 18 km away.", "10 to 25 km", 1),
        ("We live about 18 km away.", "up to 10 km", -1),
        ("for a phone worth £450", "£301 to £700", 1),
        ("Something worth about €2,000", "€501 to €3,000", 1),
        ("a dog of 25 kilos", "More than 10 kg", 1),
        ("a dog of 10 kg", "More than 10 kg", -1),
        ("together they come to 3.9 tonnes", "3501 to 4250 kg", 1),
        ("Grandma turned 68 last week", "65 and over", 1),
        ("my son is 12", "Child (3 to 15)", 1),
        ("a ten-year-old", "under 10 years", -1),
        ("a baby of 14 months", "6 to 18 months", 1),
        ("open on Wednesday?", "Monday to Thursday", 1),
        ("open on Sunday?", "Mon–Fri", -1),
        ("do you open on a Saturday", "weekend", 1),
        ("on 29 December", "27 to 31 December", 1),
        ("on Christmas Eve", "24 December", 1),
        ("in January", "October to March", 1),
        ("in mid July", "1 May to 30 September", 1),
        ("if I commit for a year", "12-month term", 1),
        ("a box of 6 litres", "10 to 25 km", 0),
        ("How much is it?", "10 to 25 km", 0),
        ("May I bring a friend?", "1 May to 30 September", 0),
    ],
)
def test_a_quantity_lies_in_a_range_or_not(question: str, label: str, verdict: int) -> None:
    assert within(quantities_of(question), label) == verdict


def test_a_row_is_about_the_range_in_its_first_cell() -> None:
    near, far = rows("Distance|Van", "up to 10 km|€32", "10 to 25 km|€48")
    quantities = quantities_of("What does the van cost for 18 km?")
    assert unit_within(quantities, near.unit) == -1
    assert unit_within(quantities, far.unit) == 1


@pytest.mark.parametrize(
    ("question", "column"),
    [
        ("What is the deposit on the drill?", "Deposit"),
        ("What does the drill cost on a Friday?", "Friday"),
        ("What does the drill cost, I am not a member?", "Others pay"),
        ("Drill, how heavy is it?", "Weight"),
    ],
)
def test_the_cell_that_is_asked_for_is_told_by_its_column(question: str, column: str) -> None:
    table = "Tool|Weight|Members pay|Others pay|Deposit|Friday"
    (drill,) = rows(table, "Drill|4 kg|€10|€14|€50|€12")
    chosen = asked_cells(question, drill.unit, {})
    assert [drill.unit.cells[place][0] for place in chosen] == [column]


def test_what_the_reader_thinks_of_a_cell_counts() -> None:
    (drill,) = rows("Tool|Weight|Day|Week", "Drill|4 kg|€10|€50")
    question = "What would the drill set me back for seven nights?"
    assert asked_cells(question, drill.unit, {1: -5.0, 2: -1.0, 3: 4.0}) == (3,)


def test_a_cell_that_the_question_says_itself_is_not_asked_for() -> None:
    (course,) = rows("Code|Course|Day|Time", "S30-M|Spin thirty|Saturday|9:00")
    assert asked_cells("spin thirty on saturday, what time", course.unit, {}) == (3,)


def test_a_cell_is_read_with_what_it_is_about() -> None:
    (drill,) = rows("Tool|Weight|Day", "Drill|4 kg|€10")
    assert cell_texts(drill.unit) == {1: "Prices: Drill: Weight: 4 kg", 2: "Prices: Drill: Day: €10"}


def test_a_row_without_what_is_asked_for_does_not_answer() -> None:
    ranked = [weighed(rows("Tool|Day|Week", "Drill|€10|€50")[0], 2.0)]
    model = AnswerModel((0.0,) * len(NAMES), (0.0,) * (len(NAMES) + 1), 0.5, cells=(1.0, 2.0, 1.0, 0.0))
    question = Question("What about the drill?", "fact", 0, 21)
    lacks = choose(question, ranked, ranked, model, BASE, lambda *_: RowRead((), -5.0, 0.0), unread)
    holds = choose(question, ranked, ranked, model, BASE, lambda *_: RowRead((1,), 3.0, 1.0), unread)
    assert (lacks.verdict, holds.verdict) == ("unknown", "answered")
    assert holds.probability > 0.8
    assert holds.pieces[0].cells == (1,)


def test_names_of_one_letter_tell_rows_apart() -> None:
    small, large = rows("Plan|Price", "Pebble S|£9", "Pebble Max|£34")
    asked = read_question("How fast is Pebble S?", lambda _: 1.0)
    exactly = said_names("How fast is Pebble S?", ["Pebble Max", "Pebble S"])
    names = [stems("Pebble S"), stems("Pebble Max")]
    assert exactly == ("pebble s",)
    assert named(asked, small.unit, names, exactly) == (1.0, 0.0)
    assert named(asked, large.unit, names, exactly) == (0.0, 1.0)


def test_rows_that_are_alike_are_all_told() -> None:
    classes = rows(
        "Class|Teacher|Day", "Yoga|Ann Lee|Monday", "Boxing|Gus Petrakis|Friday", "Barbell|Gus Petrakis|Sunday"
    )
    question = Question("Which classes does Gus Petrakis give?", "list", 0, 30)
    ranked = [weighed(classes[1], 2.0), classes[2], classes[0]]
    answer = choose(question, ranked, classes, SURE, BASE, lambda *_: None, unread)
    assert [piece.id for piece in answer.pieces] == ["list-2", "list-3"]


def test_a_list_is_quoted_whole_where_a_list_is_wanted() -> None:
    text = "You may leave early:\n- if you move\n- if you die\nElse you pay."
    spans = (Span(0, 20), Span(23, 34, 0), Span(37, 47, 0), Span(48, len(text)))
    source = Source("passage", "terms-1", 1, 1.0, text, Structure("prose", "Terms", spans=spans), document="terms")
    candidates = [weighed(one, 0.0) for one in candidates_of(source)]
    item = next(one for one in candidates if one.unit.text.endswith("if you die"))
    ranked = [weighed(item, 2.0), *(one for one in candidates if one.unit is not item.unit)]
    question = Question("In which cases may I leave early?", kind_of("In which cases may I leave early?"), 0, 30)
    (piece,) = choose(question, ranked, candidates, SURE, BASE, lambda *_: None, unread).pieces
    assert text[piece.start : piece.end] == "You may leave early:\n- if you move\n- if you die"


def test_the_yes_of_another_question_is_not_said() -> None:
    text = "Yes, to 29 degrees; the small basin to 32."
    structure = Structure("faq", "FAQ", spans=(Span(0, len(text)),), question="Is the pool heated?")
    source = Source("passage", "faq-1", 1, 1.0, text, structure, document="faq")
    ranked = [weighed(one, 2.0) for one in candidates_of(source)]
    (other,) = choose(
        Question("How warm is the water?", "fact", 0, 22), ranked, ranked, SURE, BASE, lambda *_: None, unread
    ).pieces
    (same,) = choose(
        Question("Is the pool heated?", "yes_no", 0, 19), ranked, ranked, SURE, BASE, lambda *_: None, unread
    ).pieces
    assert (other.start, same.start) == (5, 0)


def test_a_document_of_a_year_that_has_passed_gives_way() -> None:
    old, new = (rows("Tool|Day", f"Drill|€{price}", document=name)[0] for name, price in (("old", 9), ("new", 12)))
    editions = {"old": Dated("prices-2021.md", "Prices", Edition()), "new": Dated("prices.md", "Prices", Edition())}
    base = Base(lambda _: 1.0, lambda _: editions)
    question = Question("What is the drill a day?", "fact", 0, 24)
    ranked = [weighed(old, 2.0), weighed(new, 1.0)]
    assert [piece.id for piece in choose(question, ranked, ranked, SURE, base, lambda *_: None, unread).pieces] == [
        "new-1"
    ]


def test_a_document_that_holds_since_long_gives_way_only_to_another_word_about_the_same() -> None:
    terms, faq = (rows("Tool|Day", f"{name}|€9", document=doc)[0] for name, doc in (("Drill", "terms"), ("Saw", "faq")))
    since = Edition(effective="2021-03-01", basis="text")
    editions = {"terms": Dated("terms.md", "Terms", since), "faq": Dated("faq.md", "FAQ", Edition())}
    base = Base(lambda _: 1.0, lambda _: editions)
    ranked = [weighed(terms, 2.0), weighed(faq, 1.0, coverage=0.4)]
    (piece, *_) = choose(
        Question("What is the drill?", "fact", 0, 18), ranked, ranked, SURE, base, lambda *_: None, unread
    ).pieces
    assert piece.id == "terms-1"


@pytest.mark.parametrize(
    ("question", "text", "other"),
    [
        ("meter shows code 0707, is it broke?", "Code 0404 on the screen means that the clock has stopped.", True),
        ("How much is Ember Bio 50?", "Ember Bio 20 | 30.9p", True),
        ("What does Hearth 500 cost?", "Hearth 250 and Hearth 1000 have a term", True),
        ("Is room 12 quiet?", "Room 12 looks on the yard, room 14 on the street.", False),
        ("What does Hearth 500 cost?", "The large plan costs £20.", False),
        ("Can I cancel within 48 hours?", "Free within 24 hours.", False),
        ("Is the shop open on May 12?", "In May 3 and May 9 are holidays; 12 is not.", False),
    ],
)
def test_a_thing_of_another_number_is_another_thing(question: str, text: str, other: bool) -> None:
    assert other_code(question, text) == other


def test_a_row_named_in_part_is_not_the_other_one() -> None:
    tyres = rows("Tyre|Hill Yard|Mill Yard", "Tyre without rim|£3.70|£4.10", "Tyre with rim|£5.60|£6.00")
    question = Question("A tyre without rim: is Mill Yard or Hill Yard cheaper for it?", "comparison", 0, 60)
    answer = compared(question, tyres, BASE)
    assert answer is not None
    assert [(piece.id, piece.cells) for piece in answer.pieces] == [("list-1", (1, 2))]
    dearer = compared(
        Question("Which is dearer for a tyre with rim, Hill Yard or Mill Yard?", "comparison", 0, 60), tyres, BASE
    )
    assert dearer is not None
    assert [(piece.id, piece.cells) for piece in dearer.pieces] == [("list-2", (2, 1))]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("hw mch is it for the wkend", "how much is it for the weekend"),
        ("open sat till wen", "open Saturday till when"),
        ("u open tmrw?", "you open tomorrow?"),
        ("pt 10 pack how long b4 it expires", "pt 10 pack how long before it expires"),
        ("The sat-nav shows U.S. roads", "The sat-nav shows U.S. roads"),
        ("Was kostet das? Sind es 4 hrs", "Was kostet das? Sind es 4 hrs"),
    ],
)
def test_shorthand_is_written_out(typed: str, meant: str) -> None:
    assert spelled_out(typed) == meant


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        ("ticket needed or not?? n how much for a week", 2),
        ("The big tent: how many does it seat and what do we pay?", 2),
        ("Is TR-14 free and what does it cost?", 2),
        ("the shop, where we met: it was nice", 1),
    ],
)
def test_questions_are_told_apart(message: str, parts: int) -> None:
    assert len(questions_of(message)) == parts


@pytest.mark.parametrize(
    ("question", "answer", "met"),
    [
        ("How many hours does the crew need?", "We put it up: €1,480", False),
        ("How many hours does the crew need?", "It takes half a day.", True),
        ("How many days to Penang?", "Days on the way: 2–3", True),
        ("How loud is the generator in decibels?", "Generator – Day: €62", False),
        ("What colour is the tarpaulin?", "TR-2 – Payload: 455 kg", False),
        ("What colour is the tarpaulin?", "The tarpaulins are dark green.", True),
        ("Which e-mail address does the desk use?", "Desk: 555-0144, daily", False),
        ("Which e-mail address does the desk use?", "desk@lapwing.example", True),
        ("How heavy is the box?", "The box reaches 90 square metres.", False),
        ("How heavy is the box?", "Box – Weight: 2.4 kg", True),
        ("What fax number do you have?", "Desk: 0800 496 0450", False),
        ("How many megawatts do they have?", "Unit rate: 29.3p", False),
        ("How many megawatts do they have?", "Two turbines of 3 MW", True),
        ("In which year was it built?", "It was built in 1904.", True),
        ("What does it cost?", "Nine euros.", True),
        ("What does the potluck cost?", "Farm day: potluck on Midsummer's eve", False),
        ("How much is delivery?", "Delivery is free above 50.", True),
        ("When was the last inspection?", "The inspector judged us good.", False),
        ("When can I bring a baby?", "Mornings only.", True),
        ("What is Ray's email?", "Ray Tollman, manager, (614) 555-0152", False),
        ("Can I cancel by e-mail?", "You can cancel in the shop.", True),
        ("Ines's phone number?", "Ines, head of sales", False),
        ("You printed the wrong phone number on all of my cards, what now?", "We print again.", True),
        ("How many cats fit in?", "There is a room for cats.", False),
        ("How many people?", "No more than we can seat.", True),
        ("How old is the building?", "The building is listed.", False),
        ("Which floor is it on?", "By the lift.", False),
        ("What percentage of dogs get side effects?", "Lyme disease – Doses: 2; Price: £91.00", False),
        ("What share of the price do I get back?", "You get half of it back.", True),
        ("How many per cent is the deposit?", "A deposit of 30 % makes it firm.", True),
        ("退款的手续费是百分之几？", "手续费见附表", False),
        ("客服电话是多少？", "请到前台咨询", False),
        ("主管的手机号是多少？", "主管：秦牧", False),
        ("打不开的话打哪个号码？", "请打柜子专线", False),
        ("把店长的邮箱发我一下", "店长：白秋月", False),
        ("每只冰袋有多少克？", "冰袋两只", False),
        ("加盟费要交多少？", "加盟请找渠道部", False),
        ("退货要收多少？", "不收费", True),
        ("多久会给我回电话？", "两个工作日内回复", True),
        ("装一台多少钱？", "安装由师傅上门完成", False),
        ("几点关门？", "二楼东侧", False),
        ("什么时候能取？", "随时", True),
        ("what is the wi-fi password", "Wi-fi: free", False),
        ("what is the wi-fi password", "The code is on your key card.", True),
        ("Which sort code do I need?", "By direct debit, bank transfer or debit card.", False),
        ("What's the postcode of the yard?", "Yard, Filter Lane, Mon-Fri 7:30-15:30", False),
        ("What's the postcode of the yard?", "Filter Lane, Kirkhaven KH4 2QD", True),
        ("which bank account number do i transfer it to", "Accounts, 01632 960670, Tuesday and Friday", True),
        ("What make are the lamps?", "An adviser leaves lamps worth 30 pounds.", False),
        ("What make are the lamps?", "The lamps are by Lumenwerk.", True),
    ],
)
def test_an_answer_has_what_is_asked_for_in_so_many_words(question: str, answer: str, met: bool) -> None:
    assert meets_demands(question, answer) == met


COURSES = (
    "Code|Course|Ages|Where|Day|Begins|Teacher|Children at most",
    "SW3-F|Swift 3|9 to 12|Fernbank|Thursday|10:50|Hanneke Vos|8",
)


@pytest.mark.parametrize(
    ("question", "column"),
    [
        ("Course SW3-F: which weekday?", "Day"),
        ("On what day is Swift 3 at Fernbank?", "Day"),
        ("which days does SW3-F run", "Day"),
        ("How old must a child be for SW3-F?", "Ages"),
        ("How young may somebody be in Swift 3?", "Ages"),
        ("What age is SW3-F for?", "Ages"),
        ("Who gives SW3-F?", "Teacher"),
        ("who is in charge of the course Swift 3", "Teacher"),
        ("How late does SW3-F begin?", "Begins"),
        ("How many children at most are in SW3-F?", "Children at most"),
    ],
)
def test_the_kind_of_value_that_is_asked_for_says_which_cell_is_told(question: str, column: str) -> None:
    (row,) = rows(*COURSES)
    cells = asked_cells(question, row.unit, dict.fromkeys(range(8), 0.0))
    assert [row.unit.cells[place][0] for place in cells] == [column]


@pytest.mark.parametrize(
    ("question", "text", "cells", "said"),
    [
        ("Who drives the library bus?", "The library bus is on the road with its own phone.", "", False),
        ("Who drives the library bus?", "The library bus is driven by Ruth Okafor.", "", True),
        ("Who runs the hall?", "It is run by the association of the district.", "", True),
        ("who is the captain of the Guillemot", "The Guillemot takes 90 people.", "", False),
        ("Who teaches figure basics?", "Our staff take turns.", "", True),
        (
            "Who runs the shop in Dunmere?",
            "",
            "Shop: Dunmere|Address: Unit 3, Quay Road Mall|Phone: 01632 960245",
            False,
        ),
        ("Who runs the shop in Dunmere?", "", "Shop: Dunmere|Manager: Ann Lee|Phone: 01632 960245", True),
        ("Who teaches Yoga?", "", "Class: Yoga|Day: Monday|Given: Lorna Peel", True),
        ("Who teaches Yoga?", "", "Class: Yoga|Day: Monday|Studio: Lake Room", False),
        ("Who can join the Otters?", "", "Team: Otters|From: 8 years", True),  # asks for no person by name
    ],
)
def test_who_runs_a_thing_is_told_by_what_names_people(question: str, text: str, cells: str, said: bool) -> None:
    pairs = [(column, value) for column, _, value in (cell.partition(": ") for cell in cells.split("|") if cell)]
    assert names_people(question, text, pairs, pairs[0][1] if pairs else "") == said


@pytest.mark.parametrize(
    ("question", "label", "verdict"),
    [
        ("星期天几点关门？", "周一至周五", -1.0),
        ("礼拜三几点开门？", "周一至周五", 1.0),
        ("周六开门吗？", "周末", 1.0),
        ("What is the winter rate?", "Nov–Mar", 1.0),
        ("What is the winter rate?", "mid June–Aug", -1.0),
        ("What is the price in spring?", "Apr–mid June", 1.0),
        ("Do you sell winter tyres?", "Nov–Mar", 0.0),
    ],
)
def test_chinese_weekdays_and_seasons_lie_in_ranges(question: str, label: str, verdict: float) -> None:
    assert within(quantities_of(question), label) == verdict


@pytest.mark.parametrize("piece", ["12 km to ", "mon - ", "1 may 2 ", "not a ", "hw mch ", "up to ", "3,000,", "w/"])
def test_ranges_take_time_as_the_text_does(piece: str) -> None:
    def read(text: str) -> None:
        (row,) = rows("Tool|Day|Week", f"Drill|{text}|€9")
        quantities_of(text)
        asked_cells(text, row.unit, {})
        spelled_out(text)
        meets_demands(text, text)
        names_people(f"who runs {text}", text, (), "")
        names_people(f"who runs {text}", "", ((text, text), (text, text)), "")
        other_code(text, text)

    short, long = ((piece * length)[: 8 * length] for length in (4_000, 16_000))
    assert_grows_within(read, short, long, times=6, room=0.1)
