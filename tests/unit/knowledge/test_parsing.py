"""Documents are read in a limited process: the good ones whole, the bad ones refused with a reason."""

import pytest

from services.common.media import DOCX, media_type
from services.knowledge.domain.blocks import Unreadable
from services.knowledge.parsing import Parsed, Source, parse_limited
from services.models.encoder_files import encoder_folder
from tests.support.hostile_files import docx, pdf

HTML = b"<html><body><nav>menu</nav><h1>Returns</h1><p>Shoes may be returned within thirty days.</p></body></html>"
FAQ = b"question;answer\nCan I return shoes?;Yes, within 30 days.\nAnd books?;No."


def parse(content: bytes, kind: str, title: str = "", name: str = "", seconds: float = 60) -> Parsed:
    source = Source(kind, "acme/doc", encoder_folder() / "tokenizer.json", title, name)
    return parse_limited(content, source, seconds)


@pytest.mark.parametrize(
    ("kind", "content", "headings", "text"),
    [
        ("text/plain", "Schöne Schuhe".encode(), ("T",), "Schöne Schuhe"),
        ("text/markdown", b"# Returns\n\nShoes may.", ("T", "Returns"), "Shoes may."),
        ("text/csv", FAQ, ("T", "Can I return shoes?"), "Yes, within 30 days."),
        ("text/csv", b"plan,price\nBasic,9\n", ("T",), "plan: Basic | price: 9"),
        ("application/pdf", pdf(), ("T",), "Shoes may be returned."),
        (DOCX, docx(), ("T", "Returns"), "Shoes may be returned."),
    ],
)
def test_reads_each_kind(kind: str, content: bytes, headings: tuple[str, ...], text: str) -> None:
    passage = parse(content, kind, "T").passages[0]
    assert (tuple(passage.heading.split(" > ")), passage.text) == (headings, text)


def test_reads_a_page_without_its_menu() -> None:
    (passage,) = parse(HTML, "text/html").passages
    assert passage.heading == "Returns"
    assert passage.text == "Shoes may be returned within thirty days."


def test_a_parser_that_hangs_or_eats_memory_is_stopped() -> None:
    with pytest.raises(Unreadable, match="longer than"):
        parse(b"x" * 5_000_000, "text/markdown", seconds=0.01)


def test_the_ending_tells_the_kind_unless_it_is_given() -> None:
    assert media_type("a/b.PDF") == "application/pdf"
    assert media_type("a/b.pdf", "Text/HTML; charset=utf-8") == "text/html"
    assert media_type("notes") == "text/plain"
