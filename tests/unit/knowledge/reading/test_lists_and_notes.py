"""A list stays with what leads to it, a footnote with what it marks, a heading with what stands below."""
# ruff: noqa: E501 - a small document is easier to read on one line

import pytest

from tests.support.office_files import paragraph, word
from tests.support.passages import document, passages, shown, spans

NOTE = "Not on islands."


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.md", "# Visa\n\nYou need:\n\n- a passport\n- a photo\n"),
        ("a.md", "# Visa\n\nYou need:\n* a passport\n* a photo\n"),
        ("a.md", "# Visa\n\nYou need:\n\n1. a passport\n2. a photo\n"),
        ("a.html", "<h1>Visa</h1><p>You need:</p><ul><li>a passport</li><li>a photo</li></ul>"),
        ("a.html", "<h1>Visa</h1><div>You need:<ol><li><p>a passport</p></li><li><p>a photo</p></li></ol></div>"),
        ("a.txt", "Visa\n====\n\nYou need:\n- a passport\n- a photo\n"),
        ("a.txt", "Visa\n\nYou need:\n\n1) a passport\n2) a photo\n"),
        ("a.docx", word(paragraph("Visa", "Heading1"), paragraph("You need:"), paragraph("- a passport"), paragraph("- a photo"))),
    ],
)  # fmt: skip
def test_a_list_stays_with_its_lead_in(name: str, content: str | bytes) -> None:
    (passage,) = passages(content, name)
    assert passage.heading == "Visa"
    assert spans(passage) == ["You need:", "a passport", "a photo"]
    assert [span.lead for span in passage.structure.spans] == [-1, 0, 0]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("HARBOUR DESK\nPier 3. Call 555-0110.\n\nHILL DESK\nMill Lane.", ["HARBOUR DESK", "HILL DESK"]),
        ("WHO TO CALL\nAs of March\n\nUPTOWN\nPier 3.", ["WHO TO CALL", "UPTOWN"]),
        ("NO SMOKING\nNO DOGS\n\nWe mean it.", [""]),
        ("CALL US NOW!\nWe are there.", [""]),
        ("USA\n", [""]),
        ("A4\nis a size of paper.", [""]),
    ],
)
def test_a_line_in_capitals_above_others_is_a_heading(text: str, found: list[str]) -> None:
    assert [heading for heading, _ in shown(text, "a.txt")] == found


def test_a_long_list_has_its_lead_in_in_every_passage() -> None:
    items = "\n".join(f"- the form number {n} of the office for forms, in three copies" for n in range(60))
    found = passages(f"# Forms\n\nFor a stall you need:\n\n{items}\n", "a.md")
    assert len(found) > 2
    assert all(passage.text.startswith("For a stall you need:\n- ") for passage in found)
    assert sum(passage.text.count("\n") for passage in found) == 60


def test_nested_lists_keep_their_order() -> None:
    html = "<p>Bring:</p><ul><li>papers<ul><li>passport</li><li>visa</li></ul></li><li>photo</li></ul>"
    assert shown(html, "a.html")[0][1] == "Bring:\n- papers\n  - passport\n  - visa\n- photo"


NOTES = [
    ("a.md", f"Express costs 9 euros.[^1] Post is free.\n\n[^1]: {NOTE}\n"),
    ("a.md", f"| Way | Price |\n|---|---|\n| Express[^x] | 9 euros |\n\n[^x]: {NOTE}\n"),
    ("a.md", f"| Way | Price |\n|---|---|\n| Express | 9 euros* |\n\n\\* {NOTE}\n"),
    ("a.md", f"| Way | Price* |\n|---|---|\n| Express | 9 euros |\n\n* {NOTE}\n"),
    ("a.md", f"Express costs 9 euros¹ a piece.\n\n¹ {NOTE}\n"),
    ("a.html", f'<p>Express costs 9 euros.<sup><a href="#f1">1</a></sup></p><ol><li id="f1">{NOTE} <a href="#r">↩</a></li></ol>'),
    ("a.html", f"<table><tr><th>Way</th><th>Price</th></tr><tr><td>Express</td><td>9 euros<sup>1</sup></td></tr></table><p><sup>1</sup> {NOTE}</p>"),
    ("a.html", f"<p>Express costs 9 euros*.</p><p>* {NOTE}</p>"),
    ("a.html", f'<p>Express costs 9 euros <a href="#n">†</a></p><p id="n">{NOTE}</p>'),
    ("a.txt", f"Express costs 9 euros.*\n\n* {NOTE}\n"),
    ("a.csv", f'way,price\nExpress,"9 euros"\n"","{NOTE}"\n'),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content"), NOTES[:-1])
def test_a_footnote_stands_with_what_it_marks(name: str, content: str) -> None:
    found = passages(content, name)
    (marked,) = [passage for passage in found if "9 euros" in passage.text]
    assert NOTE in marked.text
    assert marked.structure.notes == (NOTE,)
    assert not any(mark in marked.text for mark in ("[^", "*", "¹", "†"))
    assert len(found) == 1, "and nowhere else"
    assert marked.structure.spans[-1].lead >= 0


def test_word_footnotes_stand_with_what_they_mark() -> None:
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    notes = f'<w:footnotes xmlns:w="{space}"><w:footnote w:id="2"><w:p><w:r><w:t>{NOTE}</w:t></w:r></w:p></w:footnote></w:footnotes>'
    relations = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/><Relationship '
        'Id="r2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes" Target="footnotes.xml"/>'
        "</Relationships>"
    )
    body = paragraph("Express costs 9 euros.").replace("</w:p>", '<w:r><w:footnoteReference w:id="2"/></w:r></w:p>')
    content = word(
        body, paragraph("Post is free."), **{"word/footnotes.xml": notes, "word/_rels/document.xml.rels": relations}
    )
    (passage,) = passages(content, "a.docx")
    assert passage.text == f"Express costs 9 euros.\n{NOTE}\n\nPost is free."


def test_a_note_that_nothing_marks_is_kept() -> None:
    assert ("", NOTE) in shown(f"Express costs 9 euros.\n\n[^9]: {NOTE}\n", "a.md")
    assert "* Terms apply." in shown("Express costs 9 euros.\n\n\\* Terms apply.\n", "a.md")[0][1]


def test_units_with_raised_digits_are_no_marks() -> None:
    assert "20 m² and 3 m³" in shown("A room of 20 m² and 3 m³ of water.\n\n² Not the note.\n", "a.md")[0][1]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("# Basic\n\n19 euros.\n\n## All sold out until June\n", "All sold out until June"),
        ("# All sold out until June\n", "All sold out until June"),
        ("# News\n\n## All sold out until June\n\n## Basic\n\n19 euros.\n", "All sold out until June"),
        ("All sold out until June\n===\n", "All sold out until June"),
        ("<!-- hidden -->\n\n## All sold out until June\n\n<!-- also hidden -->\n", "All sold out until June"),
        ("# News\n\n### All sold out until June\n\n# Plans\n\nNine.\n", "All sold out until June"),
        ("- a\n- b\n\n## All sold out until June", "All sold out until June"),
        ("# Basic\n\n19 euros.\n\n**All sold out until June**\n", "All sold out until June"),
        ("<h1>Basic</h1><p>19 euros.</p><h2>All sold out until June</h2>", "All sold out until June"),
        ("<h2>All sold out until June</h2>", "All sold out until June"),
        ("<h1>News</h1><h2>All sold out until June</h2><h2>Plans</h2><p>Nine.</p>", "All sold out until June"),
    ],
)
def test_what_stands_in_a_heading_alone_is_found(source: str, words: str) -> None:
    found = shown(source, "news.html" if source.startswith("<h") else "news.md")
    assert [text for _, text in found].count(words) == 1


def test_a_heading_too_long_to_stand_above_is_kept_as_text() -> None:
    long = "All plans are sold out until June " + "because of the flood in the harbour " * 12
    texts = " ".join(text for _, text in shown(f"# {long}\n\nNineteen euros.\n", "a.md"))
    assert "Nineteen euros." in texts
    assert "sold out until June" in texts


@pytest.mark.parametrize(
    ("front", "title"),
    [
        ("---\ntitle: Plans\nlang: en\n---\n", "Plans"),
        ("---\r\ntitle: Plans\r\n---\r\n", "Plans"),
        ("\ufeff---\ntitle: 'Plans'\n---\n", "Plans"),
        ("\n---\ntitle: Plans\ntags:\n  - a\n  - b\n---\n", "Plans"),
        ("---\ntitle: Plans: the new ones\n---\n", "Plans: the new ones"),
        ('+++\ntitle = "Plans"\n+++\n', "Plans"),
        ("---\ntitle: Plans\n...\n", "Plans"),
        ("---\nlang: en\n---\n", ""),
        ("---\n\"title\": Plans\n'lang': en\n---\n", "Plans"),
        ('---\n{"title": "Plans", "lang": "en"}\n---\n', "Plans"),
        ('+++\ntitle = "Plans"\n[extra]\nlang = "en"\n+++\n', "Plans"),
        ("---\n# a comment\nlang: en\n\ndate: 2026-05-01\n---\n", ""),
        ("---\ntitle: Plans\ndescription: >\n  long\n  words\n---\n", "Plans"),
    ],
)
def test_front_matter_is_no_heading(front: str, title: str) -> None:
    found = shown(f"{front}\nIntro words.\n\n### Basic\n\nBasic costs 19 euros.\n", "a.md")
    assert found == [(title, "Intro words."), (f"{title} > Basic" if title else "Basic", "Basic costs 19 euros.")]


@pytest.mark.parametrize(
    "source",
    ["---\n\nWords.\n\n---\n\nMore.", "---\nOnly words that are no field at all\n---\nMore.", "Words.\n\n---\n\nMore."],
)
def test_rules_are_no_front_matter(source: str) -> None:
    texts = " ".join(f"{heading} {text}" for heading, text in shown(source, "a.md"))
    assert "ords" in texts
    assert "More." in texts
    assert "---" not in texts


def test_what_the_page_says_around_its_content_is_left_out_and_said() -> None:
    page = (
        "<body><nav><a>Home</a></nav><header><h1>Shop</h1></header><main><p>Open daily. <img alt='Our shop'></p>"
        "<iframe src=x></iframe></main><footer><ul><li><a>Jobs</a></li><li><a>Press</a></li><li><a>Terms</a></li></ul>"
        "<p>Phone 030 123</p></footer><script>x()</script></body>"
    )
    found = document(page, "a.html")
    assert [(section.headings, section.text) for section in found.sections] == [
        (("Shop",), "Open daily. Our shop\n\nPhone 030 123")
    ]
    assert {"1 menu left out", "1 picture left out", "1 embedded page left out", "1 menu of links left out"} <= set(
        found.warnings
    )
