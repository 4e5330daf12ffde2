"""What documents say of their age and of each other is read from text, front matter and metadata."""

import pytest

from services.common.editions import Dated, Edition, prefer, supersedes
from tests.support.office_files import paragraph, word, workbook
from tests.support.passages import document, passages


def edition(text: str, name: str = "prices.md") -> Edition:
    return document(text, name).edition


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Valid from 1 March 2026.", "2026-03-01"),
        ("Prices valid from: 2026-03-01", "2026-03-01"),
        ("Effective March 1st, 2026", "2026-03-01"),
        ("Effective date: 01.03.2026", "2026-03-01"),
        ("These terms apply from the 1st of March 2026 on.", "2026-03-01"),
        ("Price list as of March 2026", "2026-03-01"),
        ("Last updated: 2026/03/01", "2026-03-01"),
        ("Version 2.1 (1 March 2026)", "2026-03-01"),
        ("Gültig ab 1. März 2026", "2026-03-01"),
        ("Stand: 01.03.2026", "2026-03-01"),
        ("Stand: 03/2026", "2026-03-01"),
        ("Die Preise gelten ab dem 1. März 2026.", "2026-03-01"),
        ("本价目表自2026年3月1日起生效。", "2026-03-01"),
        ("更新日期：2026年3月1日", "2026-03-01"),
        ("生效日期：2026-03-01", "2026-03-01"),
        ("En vigueur au 1 mars 2026", "2026-03-01"),
        ("Updated 03/13/2026", "2026-03-13"),
        ("Timetable from 1 March 2026 until 31 October 2026", "2026-03-01"),
        ("WHO IS WHERE   issue: March 2026", "2026-03-01"),
    ],
)
def test_the_day_from_which_a_document_holds(text: str, day: str) -> None:
    found = edition(f"# Prices\n\n{text}\n\nA visit costs 40 euros.\n")
    assert (found.effective, found.basis) == (day, "text")
    assert found.words in " ".join(text.split())


@pytest.mark.parametrize(
    "text",
    [
        "We opened our first shop in March 1998.",
        "Order 2026-03-01 was late.",
        "Valid from 31 February 2026.",
        "From 9 to 12 on Mondays.",
        "Call 030 01.03.2026.",
    ],
)
def test_other_days_are_not_taken_for_it(text: str) -> None:
    assert edition(f"# Prices\n\n{text}\n").effective == ""


def test_a_day_of_validity_goes_before_one_of_change() -> None:
    assert edition("Updated 2026-02-01.\n\nValid from 1 March 2026.").effective == "2026-03-01"


@pytest.mark.parametrize(
    ("front", "day", "basis"),
    [
        ("effective: 2026-03-01", "2026-03-01", "front matter"),
        ("valid_from: 1 March 2026", "2026-03-01", "front matter"),
        ("title: Prices\ndate: 2026-03-01", "2026-03-01", "front matter"),
        ("title: Prices\nupdated: 2026-03-01 10:00:00", "2026-03-01", "front matter"),
    ],
)
def test_front_matter_says_it(front: str, day: str, basis: str) -> None:
    found = edition(f"---\n{front}\n---\n\nA visit costs 40 euros.\n")
    assert (found.effective, found.basis) == (day, basis)


def test_metadata_says_it_where_nothing_else_does() -> None:
    page = '<meta property="article:modified_time" content="2026-03-01T10:00:00Z"><p>A visit costs 40 euros.</p>'
    assert edition(page, "a.html") == Edition(
        effective="2026-03-01", basis="metadata", words="article:modified_time: 2026-03-01T10:00:00Z"
    )
    core = (
        '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
        'xmlns:dcterms="http://purl.org/dc/terms/"><dcterms:modified>2026-03-01T00:00:00Z</dcterms:modified></cp:coreProperties>'
    )
    content = word(paragraph("A visit costs 40 euros."), **{"docProps/core.xml": core})
    assert (document(content, "a.docx").edition.effective, document(content, "a.docx").edition.basis) == (
        "2026-03-01",
        "metadata",
    )
    assert document(workbook({"Fees": [["Plan", "Price"], ["Basic", 19]]}), "a.xlsx").edition.basis == "metadata"


def test_the_day_goes_with_every_passage() -> None:
    found = passages("# Prices\n\nValid from 1 March 2026.\n\n| Plan | Price |\n|---|---|\n| Basic | 19 |\n", "a.md")
    assert {passage.structure.effective for passage in found} == {"2026-03-01"}


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("Valid until 31 December 2026.", "2026-12-31"),
        ("Valid from 1 March 2026 to 31 December 2026", "2026-12-31"),
        ("Gültig ab 01.03.2026 bis 31.12.2026", "2026-12-31"),
        ("This offer expires on December 31, 2026.", "2026-12-31"),
        ("有效期至2026年12月31日", "2026-12-31"),
    ],
)
def test_the_day_until_which_it_holds(text: str, until: str) -> None:
    assert edition(text).until == until


@pytest.mark.parametrize(
    ("text", "replaces"),
    [
        ("This price list replaces the price list of 2025.", "the price list of 2025"),
        ("It supersedes prices-2025.", "prices-2025"),
        ("Diese Liste ersetzt die Preisliste 2025.", "die Preisliste 2025"),
        ("本价目表取代《2025年价目表》。", "2025年价目表"),
    ],
)
def test_what_a_document_takes_the_place_of(text: str, replaces: str) -> None:
    assert edition(text).replaces == (replaces,)


@pytest.mark.parametrize(
    ("text", "by", "outdated"),
    [
        ("This list was superseded by the price list 2026.", "the price list 2026", False),
        ("Replaced by prices-2026.", "prices-2026", False),
        ("This document is no longer valid.", "", True),
        ("ARCHIVED\n\nA visit costs 30 euros.", "", True),
        ("Diese Preise sind nicht mehr gültig.", "", True),
        ("本文件已作废。", "", True),
        ("Tickets that are expired are not refunded.", "", False),
    ],
)
def test_what_a_document_says_of_its_own_end(text: str, by: str, outdated: bool) -> None:
    found = edition(text)
    assert (found.replaced_by, found.outdated) == (by, outdated)


def dated(name: str, **fields: object) -> Dated:
    return Dated(name, "", Edition(**fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("first", "second", "preferred"),
    [
        (dated("a", effective="2026-03-01"), dated("b", effective="2025-03-01"), -1),
        (dated("a", effective="2025-03-01"), dated("b", effective="2026-03-01"), 1),
        (dated("a"), dated("b", effective="2026-03-01"), 0),
        (dated("a", effective="2027-01-01"), dated("b", effective="2026-03-01"), 1),
        (dated("a", effective="2026-05-01", until="2026-05-31"), dated("b", effective="2026-03-01"), 1),
        (dated("a", outdated=True, effective="2026-05-01"), dated("b"), 1),
        (dated("prices-2026.md", replaces=("prices 2025",)), dated("prices-2025.md", effective="2026-05-01"), -1),
        (dated("prices-2025.md", replaced_by="prices-2026"), dated("prices-2026.md"), 1),
        (dated("a", effective="2026-03-01"), dated("b", effective="2026-03-01"), 0),
    ],
)
def test_which_of_two_documents_holds(first: Dated, second: Dated, preferred: int) -> None:
    assert prefer(first, second, today="2026-06-15") == preferred
    assert prefer(second, first, today="2026-06-15") == -preferred


def test_a_document_is_named_by_its_title_or_its_files_name() -> None:
    newer = Dated("a.md", "", Edition(replaces=("the price list 2025",)))
    assert supersedes(newer, Dated("x.md", "Price list 2025", Edition()))
    assert supersedes(newer, Dated("old/price_list-2025.pdf", "", Edition()))
    assert not supersedes(newer, Dated("x.md", "Price list 2024", Edition()))
    assert not supersedes(newer, Dated("terms.md", "Terms", Edition()))
