"""PDF documents become blocks, as far as their text layer says where things stand."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from services.knowledge.domain.blocks import Block, Heading, Page, Reading, Unreadable
from services.knowledge.domain.plain import read_plain
from services.knowledge.domain.tables import Cell, table_of

MAX_PAGES = 3000
_MAX_RUNS = 20_000  # pieces of text on a page; beyond, the page is read in the file's order
_COLUMN_GAP = 1.1  # of the height of a line: a wider gap divides columns
_PARAGRAPH_GAP = 0.75  # of the height of a line: a wider one divides paragraphs
_HEADING = 1.15  # of the usual height of letters
_COLUMN_TEXT = 45  # characters: lines of columns that are longer are text in columns and no table


@dataclass(frozen=True, slots=True)
class _Run:
    """A piece of a line with its box, in points from the page's lower left."""

    text: str
    left: float
    bottom: float
    right: float
    top: float

    @property
    def height(self) -> float:
        return max(self.top - self.bottom, 1.0)


@dataclass(frozen=True, slots=True)
class _Line:
    """What stands on one height, divided where there are wide gaps."""

    cells: tuple[_Run, ...]

    @property
    def text(self) -> str:
        return " ".join(cell.text for cell in self.cells)

    @property
    def height(self) -> float:
        return max(cell.height for cell in self.cells)

    @property
    def bottom(self) -> float:
        return min(cell.bottom for cell in self.cells)

    @property
    def top(self) -> float:
        return max(cell.top for cell in self.cells)


def read_pdf(content: bytes) -> Reading:
    """The blocks of a PDF, page by page; pages without text are named. Raises Unreadable."""
    import pypdfium2  # type: ignore[import-untyped]

    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        reason = "the document is encrypted" if "assword" in str(error) else f"not a PDF file: {error}"
        raise Unreadable(reason) from error
    if len(document) > MAX_PAGES:
        raise Unreadable(f"more than {MAX_PAGES} pages")
    reading = Reading()
    about = document.get_metadata_dict(skip_empty=True)
    reading.title = about.get("Title", "")[:300]
    changed = re.match(r"D:(\d{4})(\d\d)(\d\d)", about.get("ModDate", about.get("CreationDate", "")))
    if changed:
        reading.about["modified"] = "-".join(changed.groups())
    pages: list[tuple[int, list[_Line]]] = []
    scanned: list[int] = []
    for number in range(1, len(document) + 1):
        try:
            page = document[number - 1]
            lines = _lines_of(page.get_textpage())
            if not lines and any(True for _ in page.get_objects(max_depth=3)):
                scanned.append(number)
            page.close()
        except pypdfium2.PdfiumError:  # one broken page does not take the others with it
            reading.warn(f"page {number} is broken and was left out")
            continue
        if lines:
            pages.append((number, lines))
    if scanned:
        listed = ", ".join(map(str, scanned[:20])) + (" and more" if len(scanned) > 20 else "")
        reading.warn(f"no text on page {listed}: a scan or drawing, of which nothing was kept")
    _drop_margins(pages, reading)
    sizes = Counter(
        round(cell.height, 1) for _, lines in pages for line in lines for cell in line.cells for _ in cell.text
    )
    usual = max(sizes, key=lambda size: sizes[size], default=10.0)
    for number, lines in pages:
        reading.blocks.append(Page(number))
        reading.blocks += _blocks(lines, usual)
    return reading


def _lines_of(page: Any) -> list[_Line]:
    """The lines of a page from top to bottom."""
    count = page.count_rects()
    if count > _MAX_RUNS:
        text = _clean(page.get_text_range())
        return [
            _Line((_Run(line, 0, -10.0 * place, 500, 10 - 10.0 * place),))
            for place, line in enumerate(text.split("\n"))
        ]
    runs = []
    for place in range(count):
        left, bottom, right, top = page.get_rect(place)
        text = _clean(page.get_text_bounded(left, bottom, right, top)).replace("\n", " ").strip()
        if text:
            runs.append(_Run(text, left, bottom, right, top))
    rows: list[list[_Run]] = []
    for run in sorted(runs, key=lambda run: -(run.top + run.bottom)):
        if rows and (run.top + run.bottom) / 2 > min(other.bottom for other in rows[-1][-3:]):
            rows[-1].append(run)
        else:
            rows.append([run])
    return [_Line(tuple(_cells(sorted(row, key=lambda run: run.left)))) for row in rows]


def _cells(runs: Sequence[_Run]) -> Iterator[_Run]:
    """The runs of a line, joined where no wide gap divides them."""
    held = runs[0]
    for run in runs[1:]:
        gap = run.left - held.right
        if gap > _COLUMN_GAP * max(held.height, 6):
            yield held
            held = run
        else:
            joint = " " if gap > 0.1 * held.height else ""
            text, right = f"{held.text}{joint}{run.text}", max(held.right, run.right)
            held = _Run(text, held.left, min(held.bottom, run.bottom), right, max(held.top, run.top))
    yield held


def _clean(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\x02", "￾").replace("￾\n", "").replace("￾", "-")


def _drop_margins(pages: list[tuple[int, list[_Line]]], reading: Reading) -> None:
    """Takes out the first and last lines that most pages share, but for their numbers, and says so."""
    if len(pages) < 3:
        return
    for place in (0, -1):
        shared = Counter(re.sub(r"\d+", "#", lines[place].text) for _, lines in pages if len(lines) > 1)
        text, count = max(shared.items(), key=lambda item: item[1], default=("", 0))
        if count > len(pages) / 2:
            if re.search(r"[^\W\d_]{3}", text):
                reading.warn(f"what stands on every page was left out: {text[:120]}")
            for _, lines in pages:
                if len(lines) > 1 and re.sub(r"\d+", "#", lines[place].text) == text:
                    lines.pop(place)


def _blocks(lines: Sequence[_Line], usual: float) -> Iterator[Block]:
    """Headings, tables and text of a page."""
    held: list[_Line] = []
    place = 0
    while place < len(lines):
        line = lines[place]
        run = _aligned(lines, place)
        if len(run) >= 2:
            yield from _text(held)
            held = []
            yield from _table(run)
            place += len(run)
            continue
        if len(line.cells) == 1 and line.height >= _HEADING * usual and len(line.text) <= 150:
            yield from _text(held)
            held = []
            yield Heading(1 if line.height >= 1.5 * usual else 2, line.text)
        else:
            held.append(line)
        place += 1
    yield from _text(held)


def _aligned(lines: Sequence[_Line], place: int) -> list[_Line]:
    """The lines from `place` on that stand in the columns of a table: each with several cells, or going on with one."""
    run: list[_Line] = []
    while place < len(lines):
        line = lines[place]
        if run and run[-1].bottom - line.top > 2.5 * line.height:
            break
        if len(line.cells) < 2 and not (run and line.cells[0].left > run[0].cells[0].right + line.height):
            break
        if run and not any(
            _overlaps(cell, other) for cell in line.cells[1:] or line.cells for other in run[0].cells[1:]
        ):
            break
        run.append(line)
        place += 1
    return run


def _overlaps(cell: _Run, other: _Run) -> bool:
    return cell.left <= other.right + 2 and other.left <= cell.right + 2


def _table(lines: Sequence[_Line]) -> Iterator[Block]:
    """A table of the lines; where their cells are long, two columns of running text."""
    columns = _columns(lines)
    placed: list[list[str]] = []
    for line in lines:
        row = [""] * len(columns)
        for cell in line.cells:
            number = next(
                number for number, (left, right) in enumerate(columns) if cell.left <= right and left <= cell.right
            )
            row[number] = f"{row[number]} {cell.text}".strip()
        if placed and not row[0] and sum(map(bool, row)) < max(2, len(columns) - 1):
            placed[-1] = [f"{above} {cell}".strip() for above, cell in zip(placed[-1], row, strict=True)]
        else:
            placed.append(row)
    lengths = [median([len(row[number]) for row in placed if row[number]] or [0]) for number in range(len(columns))]
    if len(columns) == 2 and len(placed) > 4 and min(lengths) >= _COLUMN_TEXT / 1.5 and max(lengths) >= _COLUMN_TEXT:
        for number in range(len(columns)):
            yield from read_plain("\n".join(row[number] for row in placed if row[number])).blocks
        return
    table = table_of([[Cell(text) for text in row] for row in placed], "guess")
    if table is not None:
        yield table


def _columns(lines: Sequence[_Line]) -> list[tuple[float, float]]:
    """The columns' (left, right), from what of the cells overlaps."""
    columns: list[tuple[float, float]] = []
    for left, right in sorted((cell.left, cell.right) for line in lines for cell in line.cells):
        if columns and left <= columns[-1][1]:
            columns[-1] = (columns[-1][0], max(columns[-1][1], right))
        else:
            columns.append((left, right))
    return columns


def _text(lines: Sequence[_Line]) -> Iterator[Block]:
    """Running text: lines that reach the right edge go on, wide gaps divide paragraphs."""
    if not lines:
        return
    edge = max(line.cells[-1].right for line in lines)
    start = min(line.cells[0].left for line in lines)
    text = ""
    for line, before in zip(lines, [None, *lines[:-1]], strict=True):
        if before is None:
            text = line.text
        elif before.bottom - line.top > _PARAGRAPH_GAP * min(line.height, before.height):
            text += f"\n\n{line.text}"
        elif text.endswith("-") and line.text[:1].islower():
            text = text[:-1] + line.text
        elif (
            before.cells[-1].right - start >= 0.8 * (edge - start)
            and edge - start > 200
            and not text.endswith((":", "："))
        ):
            text += f" {line.text}"
        else:
            text += f"\n{line.text}"
    yield from read_plain(text).blocks
