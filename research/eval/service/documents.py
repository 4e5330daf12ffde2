"""Reads documents as plainly as a program can that shares nothing with the product's own parsers."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Passage:
    """A paragraph, list item or table row of a document; `header` are the table's column names, else empty."""

    document: str
    text: str
    cells: tuple[str, ...] = ()
    header: tuple[str, ...] = ()

    def labelled(self) -> str:
        """The text as it reads by itself: a row's cells with their columns' names."""
        if not self.cells or not self.header or self.cells == self.header:
            return self.text
        pairs = [f"{name}: {cell}" if name else cell for name, cell in zip(self.header, self.cells, strict=False)]
        return ", ".join(pair for pair in pairs if pair.strip())


def passages(name: str, file: Path) -> list[Passage]:
    """The document's passages. Raises ValueError for an ending it cannot read."""
    ending = file.suffix.lower()
    content = file.read_bytes()
    if ending in (".md", ".txt"):
        return list(_lines(name, content.decode("utf-8")))
    if ending == ".csv":
        return list(_rows(name, list(csv.reader(io.StringIO(content.decode("utf-8"))))))
    if ending in (".html", ".htm"):
        return list(_html(name, content.decode("utf-8")))
    if ending == ".pdf":
        return list(_pdf(name, content))
    if ending == ".docx":
        import mammoth

        return list(_html(name, mammoth.convert_to_html(io.BytesIO(content)).value))
    if ending == ".xlsx":
        return list(_sheets(name, content))
    raise ValueError(f"{file}: no way to read {ending or 'a file without an ending'}")


def _rows(name: str, rows: Sequence[Sequence[str]]) -> Iterator[Passage]:
    """Rows of a table, the first being its header."""
    header = tuple(cell.strip() for cell in rows[0]) if rows else ()
    for row in rows:
        cells = tuple(cell.strip() for cell in row)
        if any(cells):
            yield Passage(name, " | ".join(cells), cells, header)


def _lines(name: str, text: str) -> Iterator[Passage]:
    """Paragraphs, items, headings and the rows of pipe tables."""
    block: list[str] = []
    table: list[list[str]] = []
    for line in [*text.split("\n"), ""]:
        stripped = line.strip()
        is_row = stripped.startswith("|")
        if table and not is_row:
            yield from _rows(name, table)
            table = []
        begins = re.match(r"\s*(?:#|[-*] |\d+[.)、] |\[\^|\\\*)", line)
        if block and (not stripped or is_row or begins):
            yield Passage(name, " ".join(block))
            block = []
        if is_row:
            cells = [cell.strip() for cell in stripped.strip("|").split("|")]
            if not all(re.fullmatch(r":?-+:?", cell) for cell in cells):
                table.append(cells)
        elif stripped.startswith("#"):
            yield Passage(name, stripped.lstrip("# "))
        elif stripped:
            block.append(stripped)


def _html(name: str, text: str) -> Iterator[Passage]:
    from lxml import html

    if not text.strip():
        return
    root = html.fromstring(text)
    for element in root.xpath("//script|//style|//head|//nav|//footer"):
        element.drop_tree()
    for element in root.iter("h1", "h2", "h3", "h4", "p", "li", "dt", "dd", "table"):
        if element.tag == "table":
            rows = [[_text(cell) for cell in row.xpath("./td|./th")] for row in element.iter("tr")]
            yield from _rows(name, [row for row in rows if row])
        elif not any(parent.tag == "table" for parent in element.iterancestors()) and (line := _text(element)):
            yield Passage(name, line)


def _text(element: object) -> str:
    return " ".join(element.text_content().split())  # type: ignore[attr-defined]


def _pdf(name: str, content: bytes) -> Iterator[Passage]:
    import pypdfium2

    document = pypdfium2.PdfDocument(content)
    try:
        for page in document:
            for line in page.get_textpage().get_text_range().splitlines():
                if line.strip():
                    yield Passage(name, " ".join(line.split()))
    finally:
        document.close()


def _sheets(name: str, content: bytes) -> Iterator[Passage]:
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    for sheet in book.worksheets:
        rows = [["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
        yield from _rows(name, [row for row in rows if any(row)])
