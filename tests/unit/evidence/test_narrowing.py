"""Only the part of a sentence, or of a cell, that is asked for is quoted; all of it where that is not clear."""

from collections.abc import Sequence

import pytest

from services.common.evidence import Piece
from services.common.evidence.quoting import quote
from services.common.passages import Span, Structure
from services.knowledge.domain.text import terms
from services.knowledge.evidence.narrowing import narrowed
from tests.support.cpu import assert_grows_within


def unread(texts: Sequence[str]) -> list[float]:
    return [0.0] * len(texts)


def part(question: str, text: str) -> str:
    known = frozenset(terms(text))
    found = narrowed(question, lambda stem: 2.0 if stem in known else 0.0, text, unread)
    return text if found is None else text[slice(*found)]


@pytest.mark.parametrize(
    ("question", "text", "said"),
    [
        ("What is the deposit for an e-bike?", "Deposit £40, for e-bikes £95.", "for e-bikes £95."),
        ("When is it open on Sunday?", "Mon-Fri 6:00-17:00, Sun 16:00-19:00", "Sun 16:00-19:00"),
        ("On a Saturday, when?", "Monday to Friday 6:45 to 9:45, Saturday and Sunday 7:30 to 10:30.",
         "Saturday and Sunday 7:30 to 10:30."),
        ("When does winter booking begin?", "Summer opens on 9 May, winter on 2 August.", "winter on 2 August."),
        ("How soon is an eSIM there?", "A card comes within 3 days. An eSIM comes within ten minutes.",
         "An eSIM comes within ten minutes."),
        ("青橙能试用几天？", "青柠可以试用 30 天，青橙可以试用 14 天。", "青橙可以试用 14 天。"),
        ("星期天几点开门？", "周一至周五 8:30-21:00，周日 10:00-16:00", "周日 10:00-16:00"),
    ],
)  # fmt: skip
def test_the_part_that_is_asked_for_is_told_from_its_like(question: str, text: str, said: str) -> None:
    assert part(question, text) == said


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("What is the deposit?", "Deposit £40, for e-bikes £95."),
        ("How much is the estimate?", "An estimate costs €20, four hours at least."),
        ("Who does not pay for the fibre?", "Moving the fibre costs £39; it is free for firms."),
        ("When can the card be used?", "The card counts before 7:00, except on Sundays 9:00."),
        ("Which sizes are there for the digger?", "Buckets of 300, 450 and 600 mm come with each digger."),
        ("What must happen before a cut?", "You owe £150, two reminders were sent and 28 days have passed."),
        ("密码输错几次会锁定？", "连续输错 6 次，账号锁定 30 分钟。"),
    ],
)
def test_what_belongs_together_stays_together(question: str, text: str) -> None:
    assert part(question, text) == text


def test_a_part_is_quoted_as_a_sentence_and_with_its_row() -> None:
    text = "Deposit £40, for e-bikes £95."
    assert quote(Piece("passage", "a", 1, 13, len(text)), text, Structure()) == "For e-bikes £95."
    cells = (("Desk", "Freight"), ("Hours", "Mon 6:00-17:00, Sun 16:00-19:00"))
    row = "Desk: Freight | Hours: Mon 6:00-17:00, Sun 16:00-19:00"
    piece = Piece("passage", "a", 1, row.index("Sun"), len(row), (1,))
    assert (
        quote(piece, row, Structure("row", spans=(Span(0, len(row)),), cells=cells))
        == "Freight – Hours: Sun 16:00-19:00."
    )


@pytest.mark.parametrize("piece", ["£4, ", "a. B 3; ", "三天，", "1:00 "])
def test_narrowing_takes_time_as_the_text_does(piece: str) -> None:
    def narrow(text: str) -> None:
        for at in range(0, len(text), 300):
            narrowed("How much is it on Sunday?", lambda _: 1.0, text[at : at + 300], unread)

    short, long = ((piece * length)[:length] for length in (3_000, 12_000))
    assert_grows_within(narrow, short, long, times=6, room=0.1)
