"""Documents are read in a limited process: the good ones whole, the bad ones refused with a reason."""

import io
import random
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.common.media import DOCX, media_type
from services.knowledge.domain.reading import Unreadable
from services.knowledge.parsing import read_limited

BODY = (
    '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
    '<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>Returns</w:t></w:r></w:p>'
    "<w:p><w:r><w:t>Shoes may be returned.</w:t></w:r></w:p></w:body></w:document>"
)
STYLES = (
    '<w:styles xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
    '<w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/></w:style></w:styles>'
)
TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.'
    'wordprocessingml.document.main+xml"/></Types>'
)
RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
    'Target="word/document.xml"/></Relationships>'
)
DOCUMENT_RELATIONS = RELATIONS.replace('/officeDocument"', '/styles"').replace("word/document.xml", "styles.xml")


def docx(body: str = BODY, **more: str) -> bytes:
    parts = {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": RELATIONS,
        "word/document.xml": body,
        "word/styles.xml": STYLES,
        "word/_rels/document.xml.rels": DOCUMENT_RELATIONS,
        **more,
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in parts.items():
            file.writestr(name, text)
    return packed.getvalue()


def pdf(text: str = "Shoes may be returned.", trailer: str = "") -> bytes:
    stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        "/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
    ]
    out = "%PDF-1.4\n"
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n{content}\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n" + "".join(
        f"{place:010d} 00000 n \n" for place in places
    )
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R {trailer}>>\nstartxref\n{start}\n%%EOF"
    return out.encode()


ENCRYPTED = pdf(
    trailer="/Encrypt << /Filter /Standard /V 2 /R 3 /Length 128 /P -44 "
    f"/O <{'ab' * 32}> /U <{'cd' * 32}> >> /ID [<00><00>] "
)
HTML = b"<html><body><nav>menu</nav><h1>Returns</h1><p>Shoes may be returned within thirty days.</p></body></html>"
FAQ = b"question;answer\nCan I return shoes?;Yes, within 30 days.\nAnd books?;No."


@pytest.mark.parametrize(
    ("kind", "content", "headings", "text"),
    [
        ("text/plain", "Schöne Schuhe".encode(), ("T",), "Schöne Schuhe"),
        ("text/markdown", b"# Returns\n\nShoes may.", ("T", "Returns"), "Shoes may."),
        ("text/csv", FAQ, ("T", "Can I return shoes?"), "Yes, within 30 days."),
        ("text/csv", b"plan,price\nBasic,9\n", ("T",), "plan: Basic\nprice: 9"),
        ("application/pdf", pdf(), ("T", "page 1"), "Shoes may be returned."),
        (DOCX, docx(), ("T", "Returns"), "Shoes may be returned."),
    ],
)
def test_reads_each_kind(kind: str, content: bytes, headings: tuple[str, ...], text: str) -> None:
    section = read_limited(content, kind, "T")[0]
    assert (section.headings, section.text.strip()) == (headings, text)


def test_reads_a_page_without_its_menu() -> None:
    (section,) = read_limited(HTML, "text/html")
    assert section.headings == ("Returns",)
    assert section.text == "Shoes may be returned within thirty days."


def hostile() -> Iterator[tuple[str, bytes]]:
    """A hundred files that no parser should have to meet."""
    yield from (
        (kind, b"") for kind in ("text/plain", "text/markdown", "text/html", "text/csv", "application/pdf", DOCX)
    )
    yield from (("text/plain", b"\xff\xfe\x00x"), ("text/plain", b"a\x00b"), ("text/plain", b"\n \t\n"))
    yield from (("text/markdown", b"# only a heading"), ("text/csv", b"a,b\n"), ("text/csv", b'"open quote\n' * 50))
    yield from (("application/x-thing", b"text"), ("image/png", b"\x89PNG"), ("", b"x"))
    yield from (("application/pdf", ENCRYPTED), ("application/pdf", b"%PDF-1.4\n%%EOF"), ("application/pdf", b"text"))
    yield "application/pdf", pdf().replace(b"/Kids [3 0 R]", b"/Kids [2 0 R]")
    yield "application/pdf", pdf("")
    yield DOCX, docx("<not xml")
    yield DOCX, docx("")
    yield DOCX, docx('<!DOCTYPE x [<!ENTITY a "' + "x" * 100 + '">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{("&" + chr(97 + n) + ";") * 10}">' for n in range(12)) + "]><x>&m;</x>")  # fmt: skip
    yield DOCX, docx(**{"word/media/bomb": "\x00" * (210 * 1024 * 1024)})
    yield DOCX, b"PK\x03\x04" + b"\x00" * 100
    yield "text/html", b"<div>" * 3_000
    yield "text/html", b"<script>alert(1)</script>"
    rng = random.Random(5)
    while True:
        kind, whole = rng.choice([("application/pdf", pdf("")), (DOCX, docx()), ("text/plain", b"abc" * 50)])
        cut = bytearray(whole[: rng.randrange(4, max(5, len(whole) // 2))])
        for _ in range(8):
            cut[rng.randrange(len(cut))] = rng.choice([0, 255, 128, 254])
        yield kind, bytes(cut)


@pytest.mark.timeout(600)
def test_a_hundred_hostile_files_are_each_refused_with_a_reason() -> None:
    files = [file for file, _ in zip(hostile(), range(100), strict=False)]

    def refuse(file: tuple[str, bytes]) -> str:
        try:
            return "" if not read_limited(file[1], file[0]) else "read"
        except Unreadable as error:
            return f"refused: {error}"

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(refuse, files))
    taken = [(file[0], file[1][:80]) for file, answer in zip(files, answers, strict=True) if "refused: " not in answer]
    assert taken == []
    assert all(len(answer) > len("refused: ") for answer in answers)


def test_a_parser_that_hangs_or_eats_memory_is_stopped() -> None:
    with pytest.raises(Unreadable, match="longer than"):
        read_limited(b"x" * 5_000_000, "text/markdown", seconds=0.01)


def test_the_ending_tells_the_kind_unless_it_is_given() -> None:
    assert media_type("a/b.PDF") == "application/pdf"
    assert media_type("a/b.pdf", "Text/HTML; charset=utf-8") == "text/html"
    assert media_type("notes") == "text/plain"
