"""What a document says: its bytes become blocks, by media type. Runs in a limited process (see `sandbox`)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from services.common.editions import Edition
from services.common.media import DOCX, XLSX
from services.common.quoting import quoted
from services.knowledge.domain.blocks import Heading, Page, Reading, Unreadable
from services.knowledge.domain.editions import read_edition
from services.knowledge.domain.markdown import read_markdown
from services.knowledge.domain.pages import read_html
from services.knowledge.domain.pdf import read_pdf
from services.knowledge.domain.plain import read_plain
from services.knowledge.domain.sections import Section, sections_of
from services.knowledge.domain.sheets import read_csv, read_xlsx
from services.knowledge.domain.word import read_docx

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\x80-\x84\x86-\x9f]")
_SHIFTS = re.compile(rb"\x1b(?:\$[@AB]|\$[+*()][@-D]|\([BIJ])")
"""How texts in ISO-2022, of seven bits a byte and so valid UTF-8 too, go from one alphabet to another."""
_SIGNATURES = {
    b"%PDF-": "a PDF",
    b"PK\x03\x04": "a ZIP archive (as DOCX and XLSX files are)",
    b"\x89PNG": "a PNG picture",
    b"GIF8": "a GIF picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x1f\x8b": "a gzip archive",
    b"\x7fELF": "a program",
    b"SQLite format 3": "a database",
    b"\xd0\xcf\x11\xe0": "an old Office file",
    b"{\\rtf": "an RTF document",
    b"%!PS": "a PostScript file",
}
_MAX_CONTROL = 0.02  # the share of control characters beyond which a text is none
_NAMELESS = frozenset(["text/plain", "application/pdf"])  # go by their file's name where they have no heading
_TABLES = frozenset(["text/csv", XLSX])  # go by it at any rate
LINES = frozenset(["text/html", DOCX])
"""Kinds whose line breaks within a paragraph are shown as spaces."""


@dataclass(frozen=True)
class Document:
    """A document read: its sections, its title, what it says about its age, and what of it was not kept."""

    sections: tuple[Section, ...]
    title: str = ""
    edition: Edition = field(default_factory=Edition)
    warnings: tuple[str, ...] = ()


def read(content: bytes, kind: str, title: str = "", name: str = "") -> Document:
    """The document of media type `kind`. `title` is the uploader's; without one the document's own counts.

    A table or text without title and headings goes by its file's name. All text is quoted: it holds no template
    marks. Raises Unreadable, also when nothing is in it.
    """
    reader = _READERS.get(kind)
    if reader is None:
        raise Unreadable(f"media type {kind!r} is not supported")
    reading = reader(content)
    headed = any(isinstance(block, Heading) for block in reading.blocks)
    spoken = _spoken(name) if kind in _TABLES or (kind in _NAMELESS and not headed) else ""
    title = quoted(title or _own_title(reading) or spoken).strip()
    sections = tuple(section for section in sections_of(reading.blocks, title) if section.text.strip())
    if not any(re.search(r"\w", section.text) for section in sections):
        scanned = " ".join(reading.warnings[:1])
        raise Unreadable("the document holds no text" + (f"; {scanned}" if scanned else ""))
    edition = read_edition(reading, title)
    return Document(tuple(map(_quoted, sections)), title, edition, tuple(reading.all_warnings()))


def decode(content: bytes) -> str:
    """UTF-8 text (with or without byte order mark) without control characters. Raises Unreadable."""
    for signature, what in _SIGNATURES.items():
        if content.startswith(signature):
            raise Unreadable(f"this is {what} and no text")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"not UTF-8 at byte {error.start}") from error
    if shift := _SHIFTS.search(content):
        raise Unreadable(f"not UTF-8 but ISO-2022 (as in Japanese mail) at byte {shift.start()}; save it as UTF-8")
    if "\x00" in text:
        raise Unreadable("a text with null bytes is no text")
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0b", "\u2028").replace("\x0c", "\n\n")
    plain, controls = _CONTROL.subn(" ", text)
    if controls > _MAX_CONTROL * len(text) + 8:
        raise Unreadable("a text with so many control characters is no text")
    return plain


def _own_title(reading: Reading) -> str:
    """The title a document gives itself, where no heading of the first level does so too."""
    has_heading = any(isinstance(block, Heading) and block.level == 1 for block in reading.blocks)
    title = " ".join(reading.title.split())[:300]
    if re.search(r"\.[a-z]{2,4}$", title, re.IGNORECASE):  # programs write a file's name there
        title = _spoken(title)
    return "" if has_heading and not reading.about.get("title") else title


def _spoken(name: str) -> str:
    """A file's name as words, "" for one that says nothing."""
    stem = re.sub(r"[_\-.\s]+", " ", PurePosixPath(name).stem).strip()
    return stem if re.search(r"[^\W\d_]{3}", stem) and len(stem) <= 100 else ""


def _quoted(section: Section) -> Section:
    """The section with all its texts quoted; most hold nothing to quote."""
    text = quoted(section.text)
    headings = tuple(map(quoted, section.headings))
    cells = tuple((quoted(column), quoted(value)) for column, value in section.cells)
    notes = tuple(map(quoted, section.notes))
    changed = (headings, text, cells, quoted(section.question), notes)
    if changed == (section.headings, section.text, section.cells, section.question, section.notes):
        return section
    return Section(
        headings, text, section.kind, cells, changed[3], notes, section.table, section.row, section.page
    )  # fmt: skip


def _csv(content: bytes) -> Reading:
    return read_csv(decode(content))


def _html(content: bytes) -> Reading:
    return read_html(decode(content).encode())


def _pdf(content: bytes) -> Reading:
    reading = read_pdf(content)
    if all(isinstance(block, Page) for block in reading.blocks):
        reading.blocks = []
    return reading


_READERS: dict[str, Callable[[bytes], Reading]] = {
    "text/plain": lambda content: read_plain(decode(content)),
    "text/markdown": lambda content: read_markdown(decode(content)),
    "text/html": _html,
    "text/csv": _csv,
    "application/pdf": _pdf,
    DOCX: read_docx,
    XLSX: read_xlsx,
}
