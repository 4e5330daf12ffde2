"""Word documents, workbooks and PDFs made for tests."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from tests.support.hostile_files import STYLES, docx

_NAMESPACE = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def word(*blocks: str, **parts: str) -> bytes:
    """A Word document of these blocks (see `paragraph`, `table`)."""
    body = f'<w:document xmlns:w="{_NAMESPACE}"><w:body>{"".join(blocks)}</w:body></w:document>'
    styles = STYLES.replace(
        "</w:styles>",
        "".join(
            f'<w:style w:type="paragraph" w:styleId="{name}"><w:name w:val="{spoken}"/></w:style>'
            for name, spoken in (("Heading2", "heading 2"), ("Title", "Title"))
        )
        + "</w:styles>",
    )
    return docx(body, **{"word/styles.xml": styles, **parts})


def paragraph(text: str, style: str = "", bold: bool = False) -> str:
    """A paragraph; a line feed in the text is a line break."""
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    weight = "<w:rPr><w:b/></w:rPr>" if bold else ""
    runs = "<w:r><w:br/></w:r>".join(
        f'<w:r>{weight}<w:t xml:space="preserve">{escape(line)}</w:t></w:r>' for line in text.split("\n")
    )
    return f"<w:p>{properties}{runs}</w:p>"


def cell(*paragraphs: str, across: int = 1, merged: str = "", bold: bool = False) -> str:
    """A table's cell; `merged` is "restart" or "continue" of a cell over several rows."""
    span = f'<w:gridSpan w:val="{across}"/>' if across > 1 else ""
    down = f'<w:vMerge w:val="{merged}"/>' if merged else ""
    inside = "".join(paragraph(text, bold=bold) for text in paragraphs or [""])
    return f"<w:tc><w:tcPr>{span}{down}</w:tcPr>{inside}</w:tc>"


def table(*rows: Sequence[str], header: bool = False) -> str:
    """A table of rows of cells; `header`: the first row is marked as one."""
    mark = "<w:trPr><w:tblHeader/></w:trPr>"
    made = [f"<w:tr>{mark if header and not place else ''}{''.join(row)}</w:tr>" for place, row in enumerate(rows)]
    return f"<w:tbl>{''.join(made)}</w:tbl>"


def workbook(sheets: Mapping[str, Sequence[Sequence[Any]]], merged: Mapping[str, Sequence[str]] | None = None) -> bytes:
    """A workbook; `merged` names ranges by sheet."""
    import openpyxl  # type: ignore[import-untyped]

    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
        for area in (merged or {}).get(name, ()):
            sheet.merge_cells(area)
    return saved(book)


def saved(book: Any) -> bytes:
    """The bytes of an openpyxl workbook."""
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def pdf_pages(*pages: Sequence[tuple[float, float, float, str]], image: Sequence[int] = ()) -> bytes:
    """A PDF; a page is a list of (x, y, size, text). On the pages named in `image` (from 1) a picture stands."""
    objects: list[str] = ["<< /Type /Catalog /Pages 2 0 R >>", ""]
    objects.append("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
    kids = []
    for number, page in enumerate(pages, start=1):
        stream = "".join(
            f"BT /F1 {size} Tf {x} {y} Td ({text.replace('(', chr(92) + '(').replace(')', chr(92) + ')')}) Tj ET\n"
            for x, y, size, text in page
        )
        if number in image:
            stream += "q 400 0 0 400 72 200 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \x7f EI Q\n"
        objects.append(f"<< /Length {len(stream.encode('cp1252'))} >>\nstream\n{stream}\nendstream")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {len(objects)} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    out = b"%PDF-1.4\n"
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n{content}\nendobj\n".encode("cp1252")
    start = len(out)
    table_ = "".join(f"{place:010d} 00000 n \n" for place in places)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table_}".encode()
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF".encode()
    return out
