"""Slips in questions: put right where a word stands near, left alone where nothing is wrong."""

from __future__ import annotations

import pytest

from services.knowledge.domain.text import terms
from services.knowledge.evidence.spelling import as_meant, corrected
from tests.support.cpu import assert_grows_within

DOCUMENTS = (
    "Tickaway collar for cats and small dogs. Prices at Dunlashry and Castel Road. Teaching pool, sauna, swimming "
    "costume. Monthly membership for seniors, friends and families. The library card costs 4 euros. Prescriptions are "
    "ready after five working days. Kirkhaven ferry: weight of the vehicle, cheques are taken. Penny Fold market."
)
WORDS = {word.strip(".,:").casefold() for word in DOCUMENTS.split()}
TERMS = set(terms(DOCUMENTS))


def put_right(text: str) -> str:
    return corrected(text, TERMS.__contains__, lambda: WORDS)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("how much is the tickaway colar", "how much is the tickaway collar"),
        ("can my freinds come along", "can my friends come along"),
        ("is Dunlashery open on sunday", "is dunlashry open on sunday"),
        ("cost of a libary crd", "cost of a library card"),
        ("do membrs get in free", "do members get in free"),
        ("when are precriptions ready", "when are prescriptions ready"),
        ("wieght of a van on the kirkhavn boat", "weight of a van on the kirkhaven boat"),
        ("can i pay by cheqes", "can i pay by cheques"),
        ("mothly price for senoirs", "monthly price for seniors"),
        ("is there a masage in the evning", "is there a massage in the evening"),
        ("swiming costme needed?", "swimming costume needed?"),
        ("i alredy conected it, what now", "i already connected it, what now"),
    ],
)
def test_a_mistyped_word_becomes_the_word_that_is_meant(typed: str, meant: str) -> None:
    assert put_right(typed) == meant


@pytest.mark.parametrize(
    "text",
    [
        "How much is the tickaway collar?",
        "Does Marjorie Quillfeather work in Oban or in Stromness?",  # other names than the documents'
        "is there wifi, an app or a PDF, asap pls",
        "What colour is the centre's licence, and who organised the programme?",
        "We'd travelled from Aberystwyth; whos in charge?",
        "Mail me at anna.lindqvist@example.org or see www.example.org/prces",
        "order ZX-81b and AB12C, ref KHV-2231",
        "BBQ, HDMI, SUV and a PhD",
        "ok?",
        "",
    ],
)
def test_what_is_written_rightly_or_names_something_else_stays(text: str) -> None:
    assert put_right(text) == text


def test_a_text_of_strange_words_is_another_language_and_stays() -> None:
    text = "hva koster en billett til fergen hvis vi reiser tidlig om morgenen"
    assert put_right(text) == text


def test_shorthand_is_written_out_before_and_other_languages_are_left() -> None:
    def meant(text: str) -> str:
        return as_meant(text, TERMS.__contains__, lambda: WORDS)

    assert meant("hw mch 4 the tickaway colar") == "how much for the tickaway collar"
    assert meant("i want 2 cancel my membrship") == "i want to cancel my membership"
    assert meant("room 4 2 adults") == "room 4 2 adults"
    assert meant("Was kostet die Mitgliedschft im Monat und wie lange läuft sie?").count("Mitgliedschft") == 1
    assert meant("会员卡多少钱 membrs") == "会员卡多少钱 membrs"


@pytest.mark.parametrize("piece", ["membrs collar ", "x", "a-b.c'", "Ab1 "])
def test_putting_right_takes_time_as_the_text_does(piece: str) -> None:
    short, long = ((piece * length)[: 8 * length] for length in (2_000, 8_000))
    assert_grows_within(put_right, short, long, times=6, room=0.1)
