"""Headings and tables within quotes, items and cells are read there, and stand above nothing outside."""

from functools import partial

import pytest

from services.knowledge.domain.markdown import read_markdown
from tests.support.cpu import cpu_seconds
from tests.support.office_files import cell, paragraph, table, word
from tests.support.passages import shown

ROWS = "| Plan | Price |\n|---|---|\n| Basic | 19 euros |\n| Pro | 49 euros |\n"


def everything(text: str | bytes, name: str = "a.md") -> str:
    return "\n".join(f"{heading}\n{words}" for heading, words in shown(text, name))


@pytest.mark.parametrize(
    "text",
    [
        "# A\n\n- item\n\n  ## Sold out\n\n- other\n\nEnd.\n",
        "# A\n\n1. ## Sold out\n2. other\n\nEnd.\n",
        "# A\n\n- item\n  - ## Sold out\n\nEnd.\n",
        "# A\n\n> ## Sold out\n> until June\n\nEnd.\n",
        "# A\n\n> # Sold out\n\nEnd.\n",
        "# A\n\n- item\n\n  Sold out\n  ---\n\n  until June\n\nEnd.\n",
    ],
)
def test_an_inner_heading_is_text_without_its_mark(text: str) -> None:
    found = everything(text)
    assert "Sold out" in found
    assert "#" not in found
    assert any(heading == "A" and "End." in words for heading, words in shown(text, "a.md"))


@pytest.mark.parametrize("indent", ["> ", "  "])
def test_an_inner_table_has_rows(indent: str) -> None:
    inner = "".join(indent + line + "\n" for line in ROWS.split("\n")[:-1])
    text = "# A\n\n" + (inner if indent == "> " else f"- list\n\n{inner}")
    assert [words for _, words in shown(text, "a.md")][-2:] == [
        "Plan: Basic | Price: 19 euros",
        "Plan: Pro | Price: 49 euros",
    ]


def test_a_table_in_a_cell_leaves_the_rows_of_its_table() -> None:
    inner = "<table><tr><td>Speed</td><td>50</td></tr></table>"
    page = f"<table><tr><td>Plan</td><td>Contents</td></tr><tr><td>Basic</td><td>{inner}</td></tr>" \
        "<tr><td>Pro</td><td>fast</td></tr></table>"  # fmt: skip
    lines = everything(page, "a.html").split("\n")
    assert any("Pro" in line and "fast" in line for line in lines)
    assert any("Basic" in line and "Speed 50" in line for line in lines)
    nested = f"<w:tc>{table([cell('Speed'), cell('50')])}<w:p/></w:tc>"
    rows = table([cell("Plan"), cell("Contents")], [cell("Basic"), nested], [cell("Pro"), cell("fast")])
    lines = everything(word(paragraph("T", "Heading1"), rows), "a.docx").split("\n")
    assert any("Pro" in line and "fast" in line for line in lines)


def test_front_matter_in_json_is_none_of_the_text() -> None:
    text = '{\n  "title": "Plans",\n  "tags": ["a"]\n}\n\nNine euros.\n'
    assert shown(text, "a.md") == [("Plans", "Nine euros.")]
    assert "tags" in everything('{\n"tags": "x"\n}\n')
    assert "broken" in everything('{\n"broken": \n}\n\nNine euros.\n')


@pytest.mark.parametrize(
    "piece", ["- # a\n", "> # a\n", "- a\n\n  # b\n\n", "\u2028\u2028# a", "\u2029", "> | a |\n> |---|\n"]
)
def test_inner_blocks_are_read_in_time_that_grows_with_their_number(piece: str) -> None:
    short, long = (cpu_seconds(partial(read_markdown, "x\n\n" + piece * times), 0.1) for times in (500, 4_000))
    assert long < 16 * short + 0.2


@pytest.mark.parametrize("mark", ["> ", "- "])
def test_blocks_within_blocks_end(mark: str) -> None:
    deep = "".join(mark * depth + f"# heading {depth}\n" for depth in range(1, 150))
    assert read_markdown(deep).blocks
