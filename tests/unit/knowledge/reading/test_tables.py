"""A row of a table can be read by itself, in every format: each cell under its column's name, in order."""
# ruff: noqa: E501 - a small document is easier to read on one line

from datetime import date
from typing import Any

import pytest

from services.knowledge.domain.blocks import Unreadable
from tests.support.office_files import cell, paragraph, pdf_pages, saved, table, word, workbook
from tests.support.passages import document, passages, shown, spans


def texts(content: str | bytes, name: str) -> list[str]:
    return [text for _, text in shown(content, name)]


def html(rows: str) -> str:
    return f"<html><body><h1>Hours</h1><table>{rows}</table></body></html>"


HEAD = "<tr><th>Branch</th><th>Day</th><th>Hours</th></tr>"


@pytest.mark.parametrize(
    ("rows", "right"),
    [
        ("<tr><th>Plan</th><th>Price</th></tr><tr><th>Basic</th><td>19 euros</td></tr>", ["Plan: Basic | Price: 19 euros"]),
        ("<tr><th scope=row>Phone</th><td>030 123</td></tr><tr><th>Fax</th><td>030 124</td></tr>", ["Phone | 030 123", "Fax | 030 124"]),
        ("<tr><td>Harbour</td><td>9-12<br>14-18</td></tr>", ["Harbour | 9-12 14-18"]),
        ("<tr><td>Harbour</td><td><p>9-12</p><p>14-18</p></td></tr>", ["Harbour | 9-12 14-18"]),
        ("<tr><td>Harbour</td><td><ul><li>Monday</li><li>Friday</li></ul></td></tr>", ["Harbour | Monday Friday"]),
        (
            HEAD + "<tr><td rowspan=2>Harbour</td><td>Monday</td><td>9-12</td></tr><tr><td>Tuesday</td><td>14-18</td></tr>",
            ["Branch: Harbour | Day: Monday | Hours: 9-12", "Branch: Harbour | Day: Tuesday | Hours: 14-18"],
        ),
        (
            HEAD + "<tr><td>Harbour</td><td>Monday</td><td rowspan=2>9-12</td></tr><tr><td>Station</td><td>Friday</td></tr>",
            ["Branch: Harbour | Day: Monday | Hours: 9-12", "Branch: Station | Day: Friday | Hours: 9-12"],
        ),
        (
            HEAD + "<tr><td rowspan=0>Harbour</td><td>Monday</td><td>9-12</td></tr><tr><td>Tuesday</td><td>14-18</td></tr>",
            ["Branch: Harbour | Day: Monday | Hours: 9-12", "Branch: Harbour | Day: Tuesday | Hours: 14-18"],
        ),
        (HEAD + "<tr><td>Harbour</td><td colspan=2>closed</td></tr>", ["Branch: Harbour | Day: closed | Hours: closed"]),
        (
            "<thead><tr><th rowspan=2>Plan</th><th colspan=2>Price</th></tr><tr><th>monthly</th><th>yearly</th></tr></thead>"
            "<tr><td>Basic</td><td>19</td><td>190</td></tr>",
            ["Plan: Basic | Price monthly: 19 | Price yearly: 190"],
        ),
        (
            "<tr><th></th><th>Basic</th><th>Pro</th></tr><tr><th>Price</th><td>19</td><td>39</td></tr>",
            ["Price | Basic: 19 | Pro: 39"],
        ),
        ("<thead><tr><td>Plan</td><td>Price</td></tr></thead><tbody><tr><td>Basic</td><td>19</td></tr></tbody>", ["Plan: Basic | Price: 19"]),
        ("<tr><td><b>Plan</b></td><td><strong>For whom</strong></td></tr><tr><td>Pro</td><td>firms</td></tr>", ["Plan: Pro | For whom: firms"]),
        ("<tr><td>Plan</td><td>Price</td></tr><tr><td>Basic</td><td>19 euros</td></tr><tr><td>Pro</td><td>€39</td></tr>",
         ["Plan: Basic | Price: 19 euros", "Plan: Pro | Price: €39"]),
        ("<tr><td>Harbour</td><td>closed on Sundays</td></tr><tr><td>Station</td><td>always open</td></tr>",
         ["Harbour | closed on Sundays", "Station | always open"]),
        (HEAD + "<tr><td>A</td><td rowspan=9>daily</td><td>9-12</td></tr>", ["Branch: A | Day: daily | Hours: 9-12"]),
        (HEAD + "<tr><td></td><td></td><td></td></tr><tr><td>A</td><td></td><td>9-12</td></tr>", ["Branch: A | Hours: 9-12"]),
        ("<tr><th>Plan</th><th>Price</th></tr><tr><td>Basic <table><tr><td>a</td><td>b</td></tr></table></td><td>19</td></tr>",
         ["Plan: Basic a b | Price: 19"]),
    ],
)  # fmt: skip
def test_rows_of_a_page(rows: str, right: list[str]) -> None:
    assert texts(html(rows), "hours.html") == right


def test_a_line_across_a_table_is_a_heading_of_the_rows_below_it() -> None:
    rows = HEAD + "<tr><th colspan=3>North</th></tr><tr><td>Harbour</td><td>Monday</td><td>9-12</td></tr>"
    rows += "<tr><td colspan=3>South</td></tr><tr><td>Station</td><td>Friday</td><td>8-20</td></tr>"
    assert [heading for heading, _ in shown(html(rows), "hours.html")] == ["Hours > North", "Hours > South"]


def test_a_caption_stands_above_every_row() -> None:
    rows = "<caption>Summer 2026</caption><tr><th>Day</th><th>Hours</th></tr><tr><td>Monday</td><td>9-12</td></tr>"
    assert shown(html(rows), "hours.html") == [("Hours > Summer 2026", "Day: Monday | Hours: 9-12")]


def test_a_table_that_lays_out_a_page_is_read_as_text() -> None:
    rows = "<tr><td><h2>Visits</h2><p>A visit costs 40 euros.</p></td><td><h2>Parking</h2><p>3 euros.</p></td></tr>"
    assert shown(html(rows), "a.html") == [
        ("Hours > Visits", "A visit costs 40 euros."),
        ("Hours > Parking", "3 euros."),
    ]


MARKDOWN = [
    ("| Plan | Price |\n|---|---|\n| Basic | 19 euros |", ["Plan: Basic | Price: 19 euros"]),
    ("Plan | Price\n--- | ---\nBasic | 19", ["Plan: Basic | Price: 19"]),
    ("| Plan | Price |\n|:--|--:|\n| **Basic** | `19` |", ["Plan: Basic | Price: 19"]),
    ("| Plan | Hours |\n|---|---|\n| Basic | 9-12<br>14-18 |", ["Plan: Basic | Hours: 9-12 14-18"]),
    ("| Plan | Sign |\n|---|---|\n| Basic | a \\| b |", ["Plan: Basic | Sign: a | b"]),
    ("| | Basic | Pro |\n|---|---|---|\n| Price | 19 | 39 |", ["Price | Basic: 19 | Pro: 39"]),
    ("| | |\n|---|---|\n| Phone | 030 1 |", ["Phone | 030 1"]),
    ("| Plan | Price |\n|---|---|\n| Basic |\n| Pro | 39 |", ["Plan: Basic", "Plan: Pro | Price: 39"]),
    ("| Plan | Price |\n|---|---|\n| Basic | 19 | extra |", ["Plan: Basic | Price: 19 | extra"]),
    ("| Plan | Site |\n|---|---|\n| Basic | [here](https://x.example/a) |", ["Plan: Basic | Site: here (https://x.example/a)"]),
    ("<table><tr><th>Plan</th><th>Price</th></tr><tr><td>Basic</td><td>19</td></tr></table>", ["Plan: Basic | Price: 19"]),
    ("> | Plan | Price |\n> |---|---|\n> | Basic | 19 |", ["Plan: Basic | Price: 19"]),
    ("| 套餐 | 价格 |\n|---|---|\n| 基础 | 19元 |", ["套餐: 基础 | 价格: 19元"]),
]  # fmt: skip


@pytest.mark.parametrize(("source", "right"), MARKDOWN)
def test_rows_of_markdown(source: str, right: list[str]) -> None:
    assert shown(f"# Tariffs\n\n{source}\n", "tariffs.md") == [("Tariffs", text) for text in right]


def test_every_row_of_a_long_table_says_what_its_columns_are() -> None:
    rows = "\n".join(f"| T{n} | {n + 10} euros | {n % 3 + 1} years |" for n in range(200))
    found = passages(f"# Tariffs\n\n| Tariff | Monthly price | Contract |\n|---|---|---|\n{rows}", "tariffs.md")
    assert len(found) == 200
    assert found[150].text == "Tariff: T150 | Monthly price: 160 euros | Contract: 1 years"
    assert found[150].structure.cells == (("Tariff", "T150"), ("Monthly price", "160 euros"), ("Contract", "1 years"))
    assert (found[150].structure.kind, found[150].structure.table, found[150].structure.row) == ("row", 0, 151)
    assert spans(found[150]) == [found[150].text]


def test_the_words_above_a_table_stay_with_its_rows() -> None:
    found = passages(
        "# Fees\n\nPer month, with tax:\n\n| Plan | Price |\n|---|---|\n| Basic | 19 |\n", "fees.md", "Handbook"
    )
    (row,) = found
    assert row.heading == "Handbook > Fees > Per month, with tax"
    assert (row.structure.title, row.structure.headings) == ("Handbook", ("Fees", "Per month, with tax"))


WORD = [
    (
        table([cell("Plan"), cell("Price")], [cell("Basic"), cell("19 euros")], header=True),
        ["Plan: Basic | Price: 19 euros"],
    ),
    (table([cell("Harbour", "branch"), cell("9-12", "14-18")]), ["Harbour branch | 9-12 14-18"]),
    (table([cell("Harbour"), cell("9-12\n14-18")]), ["Harbour | 9-12 14-18"]),
    (
        table([cell("Plan", bold=True), cell("For", bold=True)], [cell("Pro"), cell("firms")]),
        ["Plan: Pro | For: firms"],
    ),
    (
        table(
            [cell("Branch"), cell("Day"), cell("Hours")],
            [cell("Harbour", merged="restart"), cell("Monday"), cell("9-12")],
            [cell("", merged="continue"), cell("Tuesday"), cell("14-18")],
            header=True,
        ),
        ["Branch: Harbour | Day: Monday | Hours: 9-12", "Branch: Harbour | Day: Tuesday | Hours: 14-18"],
    ),
    (
        table([cell("Branch"), cell("Day"), cell("Hours")], [cell("A"), cell("closed", across=2)], header=True),
        ["Branch: A | Day: closed | Hours: closed"],
    ),
    (table([cell("Plan"), cell("Price")], [cell("Basic"), cell("19")], [cell("Pro"), cell("39")]),
     ["Plan: Basic | Price: 19", "Plan: Pro | Price: 39"]),
    (table([cell("Phone"), cell("030 123")], [cell("Fax"), cell("030 124")]), ["Phone | 030 123", "Fax | 030 124"]),
    (table([cell("Größe"), cell("Preis")], [cell("groß"), cell("5 €")], header=True), ["Größe: groß | Preis: 5 €"]),
    (table([cell("Plan"), cell("Note")], [cell("Pro"), cell("")], header=True), ["Plan: Pro"]),
]  # fmt: skip


@pytest.mark.parametrize(("source", "right"), WORD)
def test_rows_of_word(source: str, right: list[str]) -> None:
    assert shown(word(paragraph("Hours", "Heading1"), source), "hours.docx") == [("Hours", text) for text in right]


def test_columns_that_spaces_line_up_are_a_table() -> None:
    source = (
        "Who is where\n============\n\nReception    dial 9    open day and night\nKitchen      dial 7    7:00-22:00\n"
    )
    assert texts(source, "a.txt") == ["Reception | dial 9 | open day and night", "Kitchen | dial 7 | 7:00-22:00"]


def test_a_header_of_word_is_known_by_the_values_below_it() -> None:
    rows = [
        ["When", "Flex", "Saver"],
        ["early", "free", "kept"],
        ["late", "30 %", "60 %"],
        ["no show", "90 %", "100 %"],
    ]
    content = word(table(*([cell(text) for text in row] for row in rows)))
    assert texts(content, "a.docx")[0] == "When: early | Flex: free | Saver: kept"


def test_lines_of_a_paragraph_of_word_stay_divided() -> None:
    (passage,) = passages(word(paragraph("Monday 9-12\nTuesday 14-18")), "a.docx")
    assert passage.text == "Monday 9-12 Tuesday 14-18"
    assert spans(passage) == ["Monday 9-12", "Tuesday 14-18"]


@pytest.mark.parametrize(
    ("rows", "right"),
    [
        ([["Plan", "Price"], ["Basic", 19]], ["Plan: Basic | Price: 19"]),
        ([["Plan", "From"], ["Basic", date(2026, 5, 1)]], ["Plan: Basic | From: 2026-05-01"]),
        (
            [["Plan", "Price"], ["Basic", 19.5], [], ["Colour", "Fee"], ["red", 3]],
            ["Plan: Basic | Price: 19.5", "Colour: red | Fee: 3"],
        ),
        ([[None, "Plan", "Price"], [None, "Basic", 19]], ["Plan: Basic | Price: 19"]),
        ([["Plan", "Open"], ["Basic", True]], ["Plan: Basic | Open: yes"]),
        ([["Plan", 2025, 2026], ["Basic", 19, 21]], ["Plan: Basic | 2025: 19 | 2026: 21"]),
        ([["Größe", "Preis"], ["groß", "5 €"]], ["Größe: groß | Preis: 5 €"]),
        ([["Question", "Answer"], ["Open?", "Daily."]], ["Daily."]),
    ],
)
def test_rows_of_a_workbook(rows: list[list[Any]], right: list[str]) -> None:
    found = shown(workbook({"Fees": rows}), "fees.xlsx")
    assert [text for _, text in found] == right
    assert all(heading.startswith("fees > Fees") for heading, _ in found)


def test_sheets_merged_cells_and_titles_of_a_workbook() -> None:
    rows: list[list[Any]] = [
        ["Opening hours"],
        ["Branch", "Day", "Hours"],
        ["Harbour", "Monday", "9-12"],
        [None, "Tuesday", "14-18"],
    ]
    sheets: dict[str, list[list[Any]]] = {"North": rows, "South": [["a", "b"], ["x", 1]]}
    found = shown(workbook(sheets, {"North": ["A3:A4"]}), "hours.xlsx")
    assert ("hours > North > Opening hours", "Branch: Harbour | Day: Tuesday | Hours: 14-18") in found
    assert ("hours > South", "a: x | b: 1") in found


def test_numbers_of_a_workbook_look_as_in_excel() -> None:
    import openpyxl  # type: ignore[import-untyped]

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Plan", "Price", "Share", "Net", "Dollars"])
    sheet.append(["Basic", 19.5, 0.19, 7, 4])
    for place, layout in (("B2", '#,##0.00 "€"'), ("C2", "0%"), ("D2", "0.00"), ("E2", '"$"#,##0.00')):
        sheet[place].number_format = layout
    assert texts(saved(book), "a.xlsx") == ["Plan: Basic | Price: 19.50 € | Share: 19% | Net: 7.00 | Dollars: $4.00"]


def test_what_a_workbook_hides_or_has_not_computed_is_said() -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["Plan", "Price"])
    book.active.append(["Basic", "=9+10"])
    book.create_sheet("Draft").sheet_state = "hidden"
    warnings = document(saved(book), "a.xlsx").warnings
    assert any("'Draft'" in warning for warning in warnings)
    assert any("formula" in warning for warning in warnings)


COLUMNS = (72, 220, 380)


def lines(*rows: tuple[str, ...], top: float = 700) -> list[tuple[float, float, float, str]]:
    return [
        (x, top - 18 * n, 11, text) for n, row in enumerate(rows) for x, text in zip(COLUMNS, row, strict=False) if text
    ]


@pytest.mark.parametrize(
    ("rows", "right"),
    [
        ((("Plan", "Price"), ("Basic", "19 euros"), ("Pro", "39 euros")), ["Plan: Basic | Price: 19 euros", "Plan: Pro | Price: 39 euros"]),
        ((("Plan", "Price", "Setup fee"), ("Basic", "19", "5"), ("Pro", "39", "0")),
         ["Plan: Basic | Price: 19 | Setup fee: 5", "Plan: Pro | Price: 39 | Setup fee: 0"]),
        ((("Phone", "030 123 456"), ("Fax", "030 123 457")), ["Phone | 030 123 456", "Fax | 030 123 457"]),
        ((("Größe", "Preis"), ("groß", "5 €"), ("klein", "3 €")), ["Größe: groß | Preis: 5 €", "Größe: klein | Preis: 3 €"]),
        ((("Day", "Hours"), ("Monday", "9-12"), ("", "14-18"), ("Friday", "8-20")),
         ["Day: Monday | Hours: 9-12 14-18", "Day: Friday | Hours: 8-20"]),
    ],
)  # fmt: skip
def test_rows_of_a_pdf(rows: tuple[tuple[str, ...], ...], right: list[str]) -> None:
    assert shown(pdf_pages(lines(*rows)), "fees.pdf") == [("fees", text) for text in right]


def test_a_pdf_keeps_headings_text_and_the_page() -> None:
    page = [
        (72, 740, 22, "Tariffs"),
        (72, 700, 11, "All prices are monthly."),
        *lines(("Plan", "Price"), ("Basic", "19"), top=660),
    ]
    first, row = passages(pdf_pages([(72, 700, 11, "Welcome to our price list, dear reader.")], page), "a.pdf")[1:]
    assert (first.text, first.structure.page) == ("All prices are monthly.", 2)
    assert row.heading.endswith("Tariffs")
    assert (row.text, row.structure.page) == ("Plan: Basic | Price: 19", 2)


def test_a_row_with_long_texts_takes_several_passages_each_with_its_name() -> None:
    long = " ".join(f"The router of kind {n} is sent by post." for n in range(60))
    found = passages(f"name,what,when\nBasic,{long},at once\n", "a.csv")
    assert len(found) > 2
    assert all(passage.text.startswith("name: Basic | ") for passage in found)
    assert found[-1].text.endswith("when: at once")
    assert "kind 59" in " ".join(passage.text for passage in found)


def test_a_table_beyond_the_limits_is_refused_with_the_reason() -> None:
    with pytest.raises(Unreadable, match="more than 100000 rows"):
        document("a,b\n" + "x,1\n" * 100_001, "big.csv")
    with pytest.raises(Unreadable, match="columns"):
        document(html(f"<tr>{'<td>x</td>' * 500}</tr>"), "wide.html")
