"""Which kinds of documents the knowledge base reads."""

from __future__ import annotations

from pathlib import PurePosixPath

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEDIA_TYPES = {
    ".txt": "text/plain",
    ".text": "text/plain",
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".html": "text/html",
    ".htm": "text/html",
    ".csv": "text/csv",
    ".pdf": "application/pdf",
    ".docx": DOCX,
    ".xlsx": XLSX,
}


def media_type(uri: str, given: str = "") -> str:
    """The media type given, without its parameters, else the one the uri's ending tells, else plain text."""
    plain = given.partition(";")[0].strip().lower()
    return plain or MEDIA_TYPES.get(PurePosixPath(uri).suffix.lower(), "text/plain")
