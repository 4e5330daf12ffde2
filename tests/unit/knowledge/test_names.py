"""Different names are different facts; ways of writing one name are not."""

from functools import partial

import pytest

from services.common.facts import FactRevision, fact_id, resolve
from services.common.names import key
from services.knowledge.domain.names import Names
from tests.support.cpu import cpu_seconds

DIFFERENT = [
    ("F", "F#"), ("C", "C++"), ("C#", "C++"), ("-7", "7"), ("\u22127", "7"), ("<7", ">7"), ("<7", "7"), ("≤7", "<7"),
    ("±7", "7"), ("~7", "7"), ("कल", "कला"), ("राम", "रम"), ("ข่าว", "ข้าว"), ("மலை", "மாலை"), ("كَتَبَ", "كُتُب"),
    ("שָׁם", "שֵׁם"), ("B+", "B-"), ("B", "B-"), ("B*", "B"), (".NET", "NET"), ("10²", "102"), ("3½", "31/2"),
    ("₹7", "$7"), ("7°", "7"), ("✓", "✗"), ("👍", "👎"), ("7'", '7"'), ("7'", "7"), ("@desk", "desk"), ("#7", "7"),
    ("7%", "7"), ("/home", "home"), ("x^2", "x2"), ("①", "1"), ("A&B", "AB"), ("1.5", "15"), ("♀", "♂"), ("()", "[]"),
    (":)", ":("), ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🏴󠁧󠁢󠁳󠁣󠁴󠁿"), ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🏴"), ("👨‍👩‍👧", "👨👩👧"), ("❤️‍🔥", "❤️🔥"), ("👩‍🔧", "👩‍⚖️"),
    (":-)", ":-("), ("A+", "A-"), ("q̃", "q"), ("[-]", "[+]"),
]  # fmt: skip
SAME = [
    ("The Harbour Plan", "harbour plan"), ("Harbour plan's", "harbour plan"), ("harbour_plan", "Harbour  plan"),
    ("Zoe\u0308", "Zoë"), ("O’Brien", "O'Brien"), ("“Harbour” plan", 'the "harbour" plan'), ("Wi\u2011Fi", "Wi-Fi"),
    ("\u22127", "-7"), ("Ｆ＃", "f#"), ("7 euros.", "7 euros"), ("**Harbour** plan", "harbour plan"), ("C#.", "C#"),
    ("*Harbour plan*", "Harbour plan"), ("Osaka, Japan", "Osaka Japan"), ("- Harbour", "Harbour"), ("# Pro", "Pro"),
    ("✓\ufe0f", "✓"), ("Ltd.", "Ltd"), ("Plan (old)", "plan old"), ("价格：", "价格"), ("St. Ives", "St Ives"),
    ("\ufb01ve", "five"), ("'7'", "7"), ("co\u00adop", "coop"),
    ("می\u200cخواهم", "میخواهم"), ("❤️\u200d🔥", "❤\u200d🔥"), (": )", ":)"), ("\u202aPro\u202c", "pro"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_names_that_differ_in_marks_and_signs_are_two_facts(one: str, other: str) -> None:
    assert fact_id(one, "price") != fact_id(other, "price")
    assert fact_id("Plan", one) != fact_id("Plan", other)
    both = [
        FactRevision("fact_x", number, "Tool", "works at", value, multi=True)
        for number, value in enumerate((one, other), 1)
    ]
    assert [fact.value for fact in resolve(both).current] == [one, other]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_ways_of_writing_one_name_are_one_fact(one: str, other: str) -> None:
    assert fact_id(one, "price") == fact_id(other, "price")


@pytest.mark.parametrize("value", ["✓", "-", "()", "?", "#", "☎", "_"])
def test_every_sign_is_a_value(value: str) -> None:
    assert key(value)


def test_blank_text_is_no_name() -> None:
    assert key(" \t\u3000\n") == key(" . ") == key("...") == key("''") == ""


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Who made C#?", {"c#"}),
        ("Who made C?", {"c"}),
        ("Is C++ older than C?", {"c"}),
        ("दिन का अर्थ", {"दिन"}),
        ("दिनों का अर्थ", set()),
        ("C, please", {"c"}),
    ],
)
def test_a_name_is_found_in_text_where_it_stands_and_not_in_a_longer_one(text: str, named: set[str]) -> None:
    names = Names()
    for name in ("C", "C#", "दिन", "द"):
        names.add(name)
    assert set(names.last_places(text)) == named


@pytest.mark.parametrize(
    "piece", ["* ", "*a", "'s", "- ", "7'", '7"', ".", "a.", ":", "/ ", "a/", "-", "é", "दि", "! ", "👨\u200d", ":)"]
)
def test_names_are_folded_in_time_that_grows_with_their_length(piece: str) -> None:
    short, long = (cpu_seconds(partial(key, piece * times), 0.1) for times in (10_000, 80_000))
    assert long < 12 * short + 0.1
