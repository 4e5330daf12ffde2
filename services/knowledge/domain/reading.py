"""What a document says: its bytes become sections, by media type. Runs in a limited process (see `parsing`)."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterator

from services.common.media import DOCX
from services.knowledge.domain.passages import Section, markdown_sections

MAX_PAGES = 3000
MAX_ROWS = 100_000
MAX_UNPACKED = 200 * 1024 * 1024
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_BLOCKS = frozenset("p li tr pre blockquote dt dd figcaption".split(" "))
_NO_CONTENT = "script style noscript template nav header footer aside form button".split(" ")
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_QUESTIONS, _ANSWERS = {"question", "q", "问题"}, {"answer", "a", "回答", "答案"}


class Unreadable(Exception):
    """The document cannot be read; the message says why and enters the ingestion's reason."""


def read(content: bytes, kind: str, title: str = "") -> list[Section]:
    """The sections of a document of media type `kind`. Raises Unreadable, also when nothing is in it."""
    reader = _READERS.get(kind)
    if reader is None:
        raise Unreadable(f"media type {kind!r} is not supported")
    sections = [section for section in reader(content, title) if section.text.strip()]
    if not sections:
        raise Unreadable("the document holds no text")
    return sections


def decode(content: bytes) -> str:
    """UTF-8 text (with or without byte order mark) without control characters. Raises Unreadable."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"not UTF-8 at byte {error.start}") from error
    if "\x00" in text:
        raise Unreadable("a text with null bytes is no text")
    return _CONTROL.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))


def _plain(content: bytes, title: str) -> list[Section]:
    return [Section((title,) if title else (), decode(content).strip())]


def _markdown(content: bytes, title: str) -> list[Section]:
    return markdown_sections(decode(content), title)


def _html(content: bytes, title: str) -> list[Section]:
    import trafilatura

    text = trafilatura.extract(
        content, output_format="markdown", include_tables=True, include_comments=False, include_links=False
    )
    structured = text and (text.startswith("#") or "\n#" in text)
    if text and (structured or re.search(rb"<h[1-6][\s>]", content, re.IGNORECASE) is None):
        return markdown_sections(_CONTROL.sub(" ", text), title)
    return _blocks(content, title)  # too short for the extractor, which then takes the menus too


def _docx(content: bytes, title: str) -> list[Section]:
    import mammoth  # type: ignore[import-untyped]

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(entry.file_size for entry in packed.infolist()) > MAX_UNPACKED:
                raise Unreadable("unpacks to more than is allowed")
            if any(entry.flag_bits & 1 for entry in packed.infolist()):
                raise Unreadable("the document is encrypted")
        html = mammoth.convert_to_html(io.BytesIO(content)).value
    except (zipfile.BadZipFile, KeyError, ValueError, AttributeError, SyntaxError, OSError) as error:
        raise Unreadable(f"not a DOCX file: {error}") from error
    return _blocks(html.encode(), title)


def _blocks(content: bytes, title: str) -> list[Section]:
    """Sections of an HTML page by its headings; tables row by row."""
    from lxml import etree, html  # type: ignore[import-untyped]

    try:
        root = html.document_fromstring(content)
    except (etree.ParserError, ValueError) as error:
        raise Unreadable(f"not an HTML page: {error}") from error
    etree.strip_elements(root, *_NO_CONTENT, with_tail=False)
    lines: list[str] = []
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        if element.tag in _HEADINGS:
            lines.append("#" * _HEADINGS[element.tag] + " " + " ".join(element.text_content().split()))
        elif element.tag in _BLOCKS and not any(parent.tag in _BLOCKS for parent in element.iterancestors()):
            cells = element.findall("td") + element.findall("th") if element.tag == "tr" else []
            text = " | ".join(" ".join(cell.text_content().split()) for cell in cells) or element.text_content()
            lines.append(_CONTROL.sub(" ", " ".join(text.split())))
    if not any(lines):
        lines = [" ".join(root.text_content().split())]
    return markdown_sections("\n\n".join(lines), title)


def _pdf(content: bytes, title: str) -> Iterator[Section]:
    import pypdfium2  # type: ignore[import-untyped]

    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        reason = "the document is encrypted" if "assword" in str(error) else f"not a PDF file: {error}"
        raise Unreadable(reason) from error
    if len(document) > MAX_PAGES:
        raise Unreadable(f"more than {MAX_PAGES} pages")
    for number in range(len(document)):
        try:
            page = document[number].get_textpage().get_text_range()
        except pypdfium2.PdfiumError:  # one broken page does not take the others with it
            continue
        text = _CONTROL.sub(" ", page.replace("\r\n", "\n").replace("￾", "").replace("\x02", ""))
        place = f"page {number + 1}"
        yield Section((title, place) if title else (place,), text)


def _csv(content: bytes, title: str) -> Iterator[Section]:
    """A FAQ (columns question and answer) by question; any other table row by row, cells named by the header."""
    text = decode(content)
    try:
        dialect: type[csv.Dialect] | csv.Dialect = csv.Sniffer().sniff(text[:8192], ",;\t|")
    except csv.Error:
        dialect = csv.excel
    try:
        rows = list(csv.reader(io.StringIO(text), dialect, strict=True))
    except csv.Error as error:
        raise Unreadable(f"not a CSV table: {error}") from error
    if len(rows) > MAX_ROWS:
        raise Unreadable(f"more than {MAX_ROWS} rows")
    if not rows:
        return
    header = [cell.strip() for cell in rows[0]]
    names = [cell.casefold() for cell in header]
    question = next((place for place, name in enumerate(names) if name in _QUESTIONS), None)
    answer = next((place for place, name in enumerate(names) if name in _ANSWERS), None)
    for row in rows[1:]:
        if question is not None and answer is not None and len(row) > max(question, answer):
            asked = row[question].strip()
            yield Section((title, asked) if title else (asked,), row[answer].strip())
        else:
            cells = [f"{name}: {cell.strip()}" for name, cell in zip(header, row, strict=False) if cell.strip()]
            yield Section((title,) if title else (), "\n".join(cells))


_READERS: dict[str, Callable[[bytes, str], list[Section] | Iterator[Section]]] = {
    "text/plain": _plain,
    "text/markdown": _markdown,
    "text/html": _html,
    "text/csv": _csv,
    "application/pdf": _pdf,
    DOCX: _docx,
}
