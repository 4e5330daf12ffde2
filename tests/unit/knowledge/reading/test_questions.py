"""A question stays with its answer, however a document writes the two."""
# ruff: noqa: E501 - a small document is easier to read on one line

import pytest

from tests.support.office_files import paragraph, word
from tests.support.passages import passages, spans

RETURNS, RETURNED = "Can I return shoes?", "Yes, within 30 days."
BOOKS, BOOKED = "And books?", "No. Books are final sale."

FAQS = [
    ("faq.html", f"<dl><dt>{RETURNS}</dt><dd>{RETURNED}</dd><dt>{BOOKS}</dt><dd>{BOOKED}</dd></dl>"),
    ("faq.html", f"<h3>{RETURNS}</h3><p>{RETURNED}</p><h3>{BOOKS}</h3><p>{BOOKED}</p>"),
    ("faq.html", f"<details><summary>{RETURNS}</summary>{RETURNED}</details><details><summary>{BOOKS}</summary><p>{BOOKED}</p></details>"),
    ("faq.html", f"<p><b>{RETURNS}</b></p><p>{RETURNED}</p><p><strong>{BOOKS}</strong> {BOOKED}</p>"),
    ("faq.html", f"<button>{RETURNS}</button><div>{RETURNED}</div><button>{BOOKS}</button><div>{BOOKED}</div>"),
    ("faq.html", f"<div><p>Q: {RETURNS}</p><p>A: {RETURNED}</p></div><p>Q: {BOOKS}<br>A: {BOOKED}</p>"),
    ("faq.md", f"## {RETURNS}\n\n{RETURNED}\n\n## {BOOKS}\n\n{BOOKED}\n"),
    ("faq.md", f"**{RETURNS}**\n\n{RETURNED}\n\n**{BOOKS}**\n{BOOKED}\n"),
    ("faq.md", f"__{RETURNS}__ {RETURNED}\n\n__{BOOKS}__ {BOOKED}\n"),
    ("faq.md", f"Q: {RETURNS}\n\nA: {RETURNED}\n\nQ: {BOOKS}\n\nA: {BOOKED}\n"),
    ("faq.md", f"<details>\n<summary>{RETURNS}</summary>\n\n{RETURNED}\n\n</details>\n\n<details><summary>{BOOKS}</summary>\n{BOOKED}</details>\n"),
    ("faq.md", f"{RETURNS}\n\n{RETURNED}\n\n{BOOKS}\n\n{BOOKED}\n"),
    ("faq.txt", f"Q: {RETURNS}\nA: {RETURNED}\n\nQ: {BOOKS}\nA: {BOOKED}\n"),
    ("faq.txt", f"Question 1: {RETURNS}\nAnswer 1: {RETURNED}\nQuestion 2: {BOOKS}\nAnswer 2: {BOOKED}\n"),
    ("faq.txt", f"{RETURNS}\n{RETURNED}\n\n{BOOKS}\n{BOOKED}\n"),
    ("faq.txt", f"F: {RETURNS}\nA: {RETURNED}\n\nF: {BOOKS}\nA: {BOOKED}\n"),
    ("faq.docx", word(paragraph(RETURNS, "Heading2"), paragraph(RETURNED), paragraph(BOOKS, "Heading2"), paragraph(BOOKED))),
    ("faq.docx", word(paragraph(RETURNS, bold=True), paragraph(RETURNED), paragraph(BOOKS, bold=True), paragraph(BOOKED))),
    ("faq.csv", f'question,answer\n"{RETURNS}","{RETURNED}"\n{BOOKS},{BOOKED}\n'),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content"), FAQS)
def test_each_answer_stands_under_its_question(name: str, content: str | bytes) -> None:
    found = passages(content, name)
    assert [(one.structure.kind, one.structure.question, one.text) for one in found] == [
        ("faq", RETURNS, RETURNED),
        ("faq", BOOKS, BOOKED),
    ]
    assert [one.structure.answer for one in found] == [RETURNED, BOOKED]
    assert all(one.heading.endswith(one.structure.question) for one in found), "and it is found by the question"
    assert spans(found[1]) == ["No.", "Books are final sale."]


@pytest.mark.parametrize(
    "content",
    [
        "问：可以退货吗？\n答：三十天内可以。\n",
        "问题：可以退货吗？\n回答：三十天内可以。",
        "## 可以退货吗？\n\n三十天内可以。",
    ],
)
def test_chinese_questions_stay_with_their_answers(content: str) -> None:
    (passage,) = passages(content, "faq.md")
    assert (passage.structure.question, passage.text) == ("可以退货吗？", "三十天内可以。")


def test_a_long_answer_has_its_question_in_every_passage() -> None:
    answer = "\n\n".join(
        f"Step {n} is to open the box number {n} and to look for the letter inside it." for n in range(40)
    )
    found = passages(f"# Help\n\n## How do I set it up?\n\n{answer}\n", "faq.md")
    assert len(found) > 2
    assert {one.structure.question for one in found} == {"How do I set it up?"}


def test_an_answer_keeps_its_list_and_its_table_stays_below_the_question() -> None:
    source = "## What do I need?\n\nBring these:\n\n- a passport\n- a photo\n\n## What does it cost?\n\n| Who | Fee |\n|---|---|\n| Adults | 9 |"
    first, second = passages(source, "faq.md")
    assert first.text == "Bring these:\n- a passport\n- a photo"
    assert (second.heading, second.text) == ("What does it cost?", "Who: Adults | Fee: 9")


@pytest.mark.parametrize(
    "content",
    [
        "# Plans\n\nWant more? Call us. We are here.\n",
        "# Plans\n\n**Important: shoes are not returned.**\n\nThey are worn.\n",
        "# Plans\n\nDo you travel a lot?\n",
    ],
)
def test_a_question_within_a_text_asks_nothing(content: str) -> None:
    assert all(one.structure.kind == "prose" for one in passages(content, "a.md"))


def test_terms_that_are_no_questions_are_rows() -> None:
    (row,) = passages("<h1>Contact</h1><dl><dt>Phone</dt><dd>030 123</dd></dl>", "a.html")
    assert (row.structure.kind, row.structure.cells, row.text) == ("row", (("Phone", "030 123"),), "Phone: 030 123")
