"""Documents whose text must be found in the passages, whole and under its headings: Word, HTML, Markdown, CSV."""

from __future__ import annotations

import csv
import itertools
import re
import zipfile
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

from antiphon.client import AntiphonError, document
from antiphon.v1 import knowledge_pb2
from lxml import html

from research.eval.cases.check import Check, Desk
from research.eval.service.stack import wait_until

_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MOJIBAKE = re.compile(r"Ã[\u0080-\u00bf]|â€|\ufffd")
_SEPARATORS = re.compile("[\u2028\u2029\u0085]")


@dataclass(frozen=True)
class Read:
    """What became of a document: its passages as (headings, text) and the error that it was refused with."""

    passages: tuple[tuple[str, str], ...]
    error: str

    @property
    def everything(self) -> str:
        """All headings and texts, white space made one space."""
        return plain("\n".join(f"{heading}\n{text}" for heading, text in self.passages))


def plain(text: str) -> str:
    """White space, line separators and Markdown's escapes and marks aside."""
    return " ".join(re.sub(r"\\(?=[^\w\s])|[*_`]{1,2}(?=\S)|(?<=\S)[*_`]{1,2}", "", text).split())


def read(desk: Desk, file: Path) -> Read:
    """Ingest a file and wait for its passages."""
    try:
        found = desk.client.knowledge.IngestDocument(document(file.name, file.read_bytes(), user_id="case")).ingestion
    except AntiphonError as error:
        return Read((), str(error))
    newest = [found]

    def is_read() -> bool:
        request = knowledge_pb2.GetIngestionRequest(ingestion_id=found.id)
        newest[0] = desk.client.knowledge.GetIngestion(request).ingestion
        return newest[0].status != knowledge_pb2.INGESTION_STATUS_ACCEPTED

    wait_until(is_read, 120, f"reading {file.name}")
    rows = desk.store.connection.scoped("passages", desk.tenant).find({"uri": file.name}).sort("order", 1)
    passages = tuple((str(row.get("heading") or ""), str(row["text"])) for row in rows)
    return Read(passages, f"{newest[0].error} {' '.join(getattr(newest[0], 'warnings', ()))}".strip())


def check_document(desk: Desk, file: Path) -> list[Check]:
    """What follows from the file's own form must be in its passages."""
    found = read(desk, file)
    kinds = {".docx": _word, ".html": _html, ".htm": _html, ".md": _markdown, ".csv": _csv, ".txt": _text}
    checks = kinds[file.suffix.lower()](found, file)
    clean = not _MOJIBAKE.search(found.everything)
    return [*checks, Check(f"{file.name}: no letters of another encoding", clean, found.everything[:200])]


def _stands(found: Read, file: Path, words: str) -> Check:
    return Check(f"{file.name}: {words!r}", plain(words) in found.everything, found.everything[:300] or found.error)


def _word(found: Read, file: Path) -> list[Check]:
    body = ElementTree.fromstring(zipfile.ZipFile(file).read("word/document.xml"))
    checks = []
    for paragraph in body.iter(f"{_WORD}p"):
        pieces = [""]
        for part in paragraph.iter():
            if part.tag == f"{_WORD}t":
                pieces[-1] += part.text or ""
            elif part.tag == f"{_WORD}br":
                pieces.append("")
        checks += [_stands(found, file, piece) for piece in pieces if piece.strip()]
    for row in body.iter(f"{_WORD}tr"):
        cells = [
            ["".join(t.text or "" for t in p.iter(f"{_WORD}t")) for p in c.iter(f"{_WORD}p")]
            for c in row.iter(f"{_WORD}tc")
        ]
        checks += [_apart(found, file, one, other) for cell in cells for one, other in itertools.pairwise(cell)]
    return checks


def _apart(found: Read, file: Path, one: str, other: str) -> Check:
    """What a break separates is not glued together."""
    glued = one.strip() + other.strip()
    return Check(f"{file.name}: {one!r} apart from {other!r}", glued not in found.everything, found.everything[:300])


def _html(found: Read, file: Path) -> list[Check]:
    tree = html.document_fromstring(file.read_bytes(), parser=html.HTMLParser(encoding="utf-8"))
    checks = []
    for element in tree.iter("p", "h1", "h2", "h3", "h4", "h5", "h6", "li"):
        words = " ".join(element.itertext())
        if words.strip():
            checks.append(_stands(found, file, words))
    for table in tree.iter("table"):
        checks += [_row(found, file, row) for row in _rows(table)]
        for cell in table.iter("td", "th"):
            pieces = [piece for piece in cell.itertext() if piece.strip()]
            checks += [_apart(found, file, a, b) for a, b in itertools.pairwise(pieces)]
    return checks


def _rows(table: html.HtmlElement) -> list[list[str]]:
    """A table's rows with what spans repeat."""
    rows: list[list[str]] = []
    hanging: dict[int, tuple[int, str]] = {}
    for row in table.iter("tr"):
        cells: list[str] = []
        own = iter([cell for cell in row if cell.tag in ("td", "th")])
        while True:
            column = len(cells)
            if column in hanging and hanging[column][0]:
                left, words = hanging[column]
                hanging[column] = (left - 1, words)
                cells.append(words)
                continue
            cell = next(own, None)
            if cell is None:
                break
            words = " ".join(" ".join(cell.itertext()).split())
            for _ in range(int(cell.get("colspan") or 1)):
                hanging[len(cells)] = (int(cell.get("rowspan") or 1) - 1, words)
                cells.append(words)
        rows.append(cells)
    return rows


def _row(found: Read, file: Path, cells: list[str]) -> Check:
    """The cells stand in their order on one line of a passage (or are named by their column there)."""
    wanted = [plain(cell) for cell in cells if cell.strip()]
    lines = [plain(line) for _, text in found.passages for line in text.split("\n")]
    return Check(f"{file.name}: row {wanted}", any(_in_order(wanted, line) for line in lines), found.everything[:400])


def _in_order(wanted: list[str], line: str) -> bool:
    at = 0
    for cell in wanted:
        at = line.find(cell, at)
        if at < 0:
            return False
        at += len(cell)
    return True


def _markdown(found: Read, file: Path) -> list[Check]:
    text = file.read_text(encoding="utf-8")
    checks = []
    if front := re.match(r"---\n(.*?)\n---\n", text, re.DOTALL):
        text = text[front.end() :]
        keys = [line.split(":")[0] for line in front[1].split("\n")]
        wrong = [h for h, t in found.passages if any(f"{key}:" in h for key in keys) or plain(t) in ("---", "—")]
        checks.append(Check(f"{file.name}: front matter is no heading", not wrong, str(wrong)))
    heading, header = "", []
    for line in text.split("\n"):
        if match := re.match(r"#{1,6}\s+(.*)", line):
            heading = plain(match[1])
            checks.append(_stands(found, file, heading))
        elif line.startswith("|"):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if header and not re.fullmatch(r"[|:\-\s]+", line):
                checks.append(_named_row(found, file, header, cells))
            header = header or cells
        elif line.strip().strip("-"):
            header = []
            checks += [_under(found, file, heading, part) for part in _SEPARATORS.split(line) if part.strip()]
    marks = [t for _, t in found.passages if re.search(r"(?m)^#{1,6} ", t)]
    return [*checks, Check(f"{file.name}: no heading's mark in a text", not marks, str(marks)[:200])]


def _under(found: Read, file: Path, heading: str, words: str) -> Check:
    holding = [h for h, t in found.passages if plain(words) in plain(t)]
    right = any(h.split(" > ")[-1].strip() == heading or not heading or heading in h for h in holding)
    return Check(f"{file.name}: {words!r} under {heading!r}", right, str(found.passages)[:300])


def _named_row(found: Read, file: Path, header: list[str], cells: list[str]) -> Check:
    """The row stands on a line of its own in a passage that says what its columns are."""
    for heading, text in found.passages:
        line = next((line for line in text.split("\n") if _in_order(cells, plain(line))), None)
        if line is not None and all(name in f"{heading}\n{text}" for name in header):
            return Check(f"{file.name}: row {cells}", True)
    return Check(f"{file.name}: row {cells}", False, found.everything[:300])


def _csv(found: Read, file: Path) -> list[Check]:
    text = file.read_text(encoding="utf-8-sig")
    first, _, rest = text.partition("\n")
    delimiter = first.strip()[4:] if first.strip().casefold().startswith("sep=") else ""
    text = rest if delimiter else text
    header = text.split("\n", 1)[0]
    delimiter = delimiter or max(",;\t", key=header.count)
    if delimiter not in header:  # one column: its commas are text
        rows = [[re.sub(r'^"(.*)"$', r"\1", line)] for line in text.split("\n")]
    else:
        rows = list(csv.reader(StringIO(text), delimiter=delimiter))
    checks = []
    for number, row in enumerate(rows[1:], 1):  # the names of the columns need not be said
        whole = all(plain(cell) in found.everything for cell in row if cell.strip())
        named = bool(re.search(rf"\b{number + 1}\b", found.error))
        if any(cell.strip() for cell in row):
            checks.append(
                Check(f"{file.name}: row {number + 1} {row}", whole or named, found.error or found.everything[:300])
            )
    return checks


def _text(found: Read, file: Path) -> list[Check]:
    return [_stands(found, file, line) for line in file.read_text(encoding="utf-8").split("\n") if line.strip()]
