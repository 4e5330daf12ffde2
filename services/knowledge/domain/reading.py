"""What a document says: its bytes become sections, by media type."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from services.knowledge.domain.passages import Section, markdown_sections

MEDIA_TYPES = {
    ".txt": "text/plain",
    ".text": "text/plain",
    ".md": "text/markdown",
    ".markdown": "text/markdown",
}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Unreadable(Exception):
    """The document cannot be read; the message says why and enters the ingestion's `reason`."""


def media_type(uri: str, given: str = "") -> str:
    """The media type given, else the one that the uri's ending tells, else plain text."""
    return given.partition(";")[0].strip().lower() or MEDIA_TYPES.get(PurePosixPath(uri).suffix.lower(), "text/plain")


def decode(content: bytes) -> str:
    """UTF-8 text (with or without byte order mark) without control characters. Raises Unreadable."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"not UTF-8 at byte {error.start}") from error
    if "\x00" in text:
        raise Unreadable("a text with null bytes is no text")
    return _CONTROL.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))


def read(content: bytes, kind: str, title: str = "") -> list[Section]:
    """The sections of a document of media type `kind`. Raises Unreadable, also when nothing is in it."""
    if kind == "text/markdown":
        sections = markdown_sections(decode(content), title)
    elif kind == "text/plain":
        text = decode(content).strip()
        sections = [Section((title,) if title else (), text)] if text else []
    else:
        raise Unreadable(f"media type {kind!r} is not supported")
    if not sections:
        raise Unreadable("the document holds no text")
    return sections
