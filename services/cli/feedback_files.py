"""Feedback files as programs write them: JSON Lines in UTF-8, with a byte order mark or not, or another encoding."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterator
from pathlib import Path

from services.cli.output import Failure

MAX_LINE = 2**20  # characters a gateway takes of a line; what is longer is cut right behind and refused by it
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16's, with which it begins
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    codecs.BOM_UTF8: "utf-8-sig",
}


class FeedbackFile:
    """A file's lines in the encoding that its byte order mark or the caller names, else UTF-8.

    Raises Failure where there is no such file or encoding, or where a line is not in the encoding: nothing of a file
    that would be read with other letters than were written is sent.
    """

    def __init__(self, path: Path, encoding: str = "") -> None:
        if not path.is_file():
            raise Failure(f"no such file: {path}")
        self.path = path
        with path.open("rb") as content:
            start = content.read(4)
            content.seek(0)
            self._digest = hashlib.file_digest(content, "sha256").hexdigest()
        marked = next((name for mark, name in _MARKS.items() if start.startswith(mark)), "utf-8")
        try:
            self.encoding = codecs.lookup(encoding or marked).name
        except LookupError:
            raise Failure(f"no such encoding: {encoding}") from None
        self.total = self._count()

    def request_id(self, name: str) -> str:
        """The same for the same content in the same encoding under the same name: such an import goes on."""
        digest = hashlib.sha256(f"{self._digest} {self.encoding} {name}".encode()).hexdigest()
        return f"cli-{digest[:40]}"

    def lines(self) -> Iterator[str]:
        """The lines without their ends, blank ones too, so that numbers are the file's own."""
        with self.path.open(encoding=self.encoding) as content:
            for line in content:
                yield line.rstrip("\r\n").lstrip("\ufeff")[: MAX_LINE + 1]

    def _count(self) -> int:
        total = 0
        try:
            for _ in self.lines():
                total += 1
        except UnicodeError:
            raise Failure(
                f"{self.path} is not {self.encoding}, from about line {total + 1} on; save it as UTF-8, or name its "
                "encoding with --encoding, such as latin-1"
            ) from None
        return total
