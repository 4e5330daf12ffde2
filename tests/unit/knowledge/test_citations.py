"""A reply's sentences are held against the notes they cite, and against all where they cite none."""

import pytest

from services.common.citations import Citation, cite, support

NOTES = [
    "The Basic plan costs 12 euros a month. It can be cancelled at any time.",
    "Shoes may be returned within 30 days, unworn. Books may not be returned.",
    "旗舰套餐每月128元，含20GB流量。",
]


def verdicts(reply: str) -> list[tuple[int, bool, bool]]:
    return [(one.number, one.marked, one.supported) for one in cite(reply, NOTES)]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("The Basic plan costs 12 euros a month [1].", [(1, True, True)]),
        ("The Basic plan costs 15 euros a month [1].", [(1, True, False)]),  # another number
        ("The Premium plan costs 12 euros a month [1].", [(1, True, False)]),  # another name
        ("Books may be returned. [2]", [(2, True, False)]),  # the note denies it
        ("Books may not be returned. [2]", [(2, True, True)]),
        ("The Basic plan costs 12 euros a month [2].", [(2, True, False)]),  # in another note
        ("The Basic plan costs 12 euros a month [9].", [(9, True, False)]),  # no such note
        ("Shoes may be returned within 30 days. Books may not be returned [2].", [(2, False, True), (2, True, True)]),
        ("旗舰套餐每月128元[3]。旗舰套餐每月99元[3]。", [(3, True, True), (3, True, False)]),
        ("Hello! How can I help you?", []),
        ("The sea is deep and wide.", []),
        ("", []),
    ],
)
def test_what_a_note_says_is_told_from_what_it_does_not(reply: str, expected: list[tuple[int, bool, bool]]) -> None:
    assert verdicts(reply) == expected


def test_a_citation_names_its_sentence_with_its_marks() -> None:
    reply = "Of course. Shoes may be returned within 30 days. [2][1] Bye!"
    spans = [(one.number, reply[one.start : one.end], one.supported) for one in cite(reply, NOTES)]
    sentence = "Shoes may be returned within 30 days. [2][1]"
    assert spans == [(2, sentence, True), (1, sentence, False)]
    assert [one.number for one in cite("It costs 12 euros a month [1-3].", NOTES)] == [1, 2, 3]
    assert cite("It costs 12 euros a month.", []) == []
    assert isinstance(cite("It costs 12 euros a month.", NOTES)[0], Citation)


def test_numbers_are_compared_as_numbers_are_written() -> None:
    assert support("It costs 1200 euros", "The price: it costs 1,200 euros.") == 1.0
    assert support("It costs 120 euros", "The price: it costs 1,200 euros.") == 0.0
