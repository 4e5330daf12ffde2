"""Documents that no parser should have to meet, and the small good ones that they are made of."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Iterator

from services.common.media import DOCX

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
    """A document of Word's with this body; ``more`` adds or replaces parts."""
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
    """A PDF of one page that says this."""
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


def hostile() -> Iterator[tuple[str, bytes]]:
    """Kinds and contents, endlessly: empty, encrypted, cut, deep, huge and hostile."""
    yield from (
        (kind, b"") for kind in ("text/plain", "text/markdown", "text/html", "text/csv", "application/pdf", DOCX)
    )
    yield from (("text/plain", b"\xff\xfe\x00x"), ("text/plain", b"a\x00b"), ("text/plain", b"\n \t\n"))
    yield from (("text/markdown", b"#\n\n---\n"), ("text/csv", b"a,b\n"), ("text/csv", b'"open quote\n' * 50))
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
