"""CSV files and Excel workbooks become tables."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from services.knowledge.domain.blocks import Heading, Paragraph, Reading, Table, Unreadable
from services.knowledge.domain.tables import MAX_COLUMNS, MAX_ROWS, Cell, table_of

MAX_UNPACKED = 200 * 1024 * 1024
MAX_SHEETS = 100
MAX_MERGED = 20_000
_DELIMITERS = ",;\t|"
_WHOLE = 24 * 1024 * 1024  # bytes of unpacked sheets up to which a workbook is held in memory, with what is merged
_MAX_BROKEN = 100
_SEP = re.compile(r"^\"?sep=(.)\"?[ \t]*$", re.IGNORECASE)
_LITERAL = re.compile(r"\"([^\"]{0,20})\"|\\(.)|\[\$([^\]-]{0,8})[^\]]{0,12}\]|([€£¥$])")
_ZEROES = re.compile(r"0\.(0{1,10})")


@dataclass(frozen=True)
class _Record:
    line: int
    cells: list[str]
    broken: bool = False


def read_csv(text: str) -> Reading:
    """The table of a CSV file (RFC 4180, with commas, semicolons, tabs or bars); its first row names the columns
    unless it holds values.

    A line whose quotes do not fit is taken as it stands and named. Cells beyond the header's stay in the last column
    and are named. Raises Unreadable where hardly a line fits.
    """
    reading = Reading()
    lines = re.sub("[\u2028\u2029\x85]", " ", text).split("\n")
    start = next((place for place, line in enumerate(lines) if line.strip()), 0)
    said = _SEP.match(lines[start])
    start += bool(said)
    records, delimiter = _best(lines, start, said[1] if said else "")
    if len(records) > MAX_ROWS:
        raise Unreadable(f"more than {MAX_ROWS} rows")
    broken = [record.line for record in records if record.broken]
    if 2 * len(broken) > len(records):
        raise Unreadable(
            f"not a CSV table: the quotes of {len(broken)} lines do not fit, the first is line {broken[0]}"
        )
    for record in records:
        if record.broken:
            reading.warn(f"line {record.line}: its quotes do not fit; it was taken as it stands")
    width = len(records[0].cells) if records else 0
    rows = [[Cell(" ".join(cell.split())) for cell in _fitted(record, width, delimiter, reading)] for record in records]
    table = table_of(rows, "first") if len(rows) > 1 or width == 1 else None  # names of columns alone say nothing
    if table is not None:
        reading.blocks.append(table)
    return reading


def _fitted(record: _Record, width: int, delimiter: str, reading: Reading) -> list[str]:
    cells = record.cells
    if width and len(cells) > width:
        if any(cell.strip() for cell in cells[width:]):
            reading.warn(f"line {record.line}: {len(cells)} cells for {width} columns; the last one holds the rest")
        cells = [*cells[: width - 1], delimiter.join(cells[width - 1 :]).rstrip(f"{delimiter} ")]
    return cells


def _best(lines: Sequence[str], start: int, said: str) -> tuple[list[_Record], str]:
    """(records, delimiter) of the reading under which most rows are as wide as the header.

    A delimiter that the header lacks separates nothing: such a file has one column, of whole lines.
    """
    header = lines[start] if start < len(lines) else ""
    choices: list[tuple[tuple[float, bool, int, int], list[_Record], str]] = []
    for place, delimiter in enumerate([said] if said else [mark for mark in _DELIMITERS if mark in header]):
        for loose in (False, True):
            records = list(_records(lines, start, delimiter, loose))
            width = len(records[0].cells) if records else 0
            fitting = sum(len(record.cells) == width and not record.broken for record in records)
            spaced = any(cell.startswith(" ") for cell in records[0].cells) if records else False
            rank = (fitting / max(1, len(records)), not spaced, width, -place)
            if width > 1:
                choices.append((rank, records, delimiter))
            if not any(f'{delimiter} "' in line for line in lines[start : start + 1000]):
                break  # spaces before quotes make no difference
    if choices:
        _, records, delimiter = max(choices, key=lambda choice: choice[0])
        return records, delimiter
    whole = list(_records(lines, start, "\x1f", loose=False))  # no text holds it: control characters are gone
    return whole, " "


def _records(lines: Sequence[str], start: int, delimiter: str, loose: bool) -> Iterator[_Record]:
    """The records from line `start` on; `loose` allows a space before a quote. Raises Unreadable."""
    place, broken = start, 0
    while place < len(lines):
        rows = (f"{line}\n" for line in lines[place:])
        reader = csv.reader(rows, delimiter=delimiter, strict=True, skipinitialspace=loose)
        done = 0
        try:
            for cells in reader:
                line, done = place + done + 1, reader.line_num
                if any(cell.strip() for cell in cells):
                    yield _Record(line, cells)
            return
        except csv.Error as error:
            broken += 1
            if broken > _MAX_BROKEN:
                raise Unreadable(
                    f"not a CSV table: line {place + done + 1}: {error}, and {_MAX_BROKEN} lines before"
                ) from error
            place += done
            yield _Record(place + 1, lines[place].split(delimiter), broken=True)
            place += 1


def read_xlsx(content: bytes) -> Reading:
    """The tables of a workbook, each sheet under its name; values as they are shown. Raises Unreadable.

    A blank row ends a table; a line of a single cell above one is its heading. Merged cells count in all their places.
    """
    import openpyxl  # type: ignore[import-untyped]

    size = _unpacked(content)
    reading = Reading()
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=size > _WHOLE, data_only=True, keep_links=False)
    except (
        zipfile.BadZipFile,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        SyntaxError,
        OSError,
        IndexError,
    ) as error:
        raise Unreadable(f"not an XLSX workbook: {error}") from error
    if size > _WHOLE:
        reading.warn("the workbook is large: merged cells count in their first place only")
    reading.title = str(book.properties.title or "")
    if book.properties.modified:
        reading.about["modified"] = book.properties.modified.date().isoformat()
    if len(book.sheetnames) > MAX_SHEETS:
        raise Unreadable(f"more than {MAX_SHEETS} sheets")
    rows = 0
    for sheet in book.worksheets:
        if sheet.sheet_state != "visible":
            reading.warn(f"the hidden sheet {sheet.title!r} was left out")
            continue
        if getattr(sheet, "_images", None) or getattr(sheet, "_charts", None):
            reading.lost["picture or chart"] += len(getattr(sheet, "_images", ())) + len(getattr(sheet, "_charts", ()))
        rows += _sheet(sheet, reading, size <= _WHOLE, MAX_ROWS - rows)
    reading.lost["formula without a stored value"] += _formulas(content) if size <= _WHOLE else 0
    reading.lost = +reading.lost
    return reading


def _unpacked(content: bytes) -> int:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            entries = packed.infolist()
            size = sum(entry.file_size for entry in entries)
            if any(entry.flag_bits & 1 for entry in entries):
                raise Unreadable("the document is encrypted")
    except zipfile.BadZipFile as error:
        encrypted = content.startswith(b"\xd0\xcf\x11\xe0")
        raise Unreadable(
            "the document is encrypted or of an old format" if encrypted else f"not a ZIP file: {error}"
        ) from error
    if size > MAX_UNPACKED:
        raise Unreadable("unpacks to more than is allowed")
    return size


def _sheet(sheet: Any, reading: Reading, whole: bool, limit: int) -> int:
    """Adds the tables of a sheet; returns its rows."""
    reading.blocks.append(Heading(1, sheet.title))
    covered = _merged(sheet) if whole else {}
    block: list[list[Cell]] = []
    number = 0
    for number, row in enumerate(sheet.iter_rows(), start=1):
        if number > limit:
            raise Unreadable(f"more than {MAX_ROWS} rows")
        if len(row) > MAX_COLUMNS and any(cell.value is not None for cell in row[MAX_COLUMNS:]):
            raise Unreadable(f"the sheet {sheet.title!r} has more than {MAX_COLUMNS} columns")
        line = [cell for cell in (_cell(source, covered) for source in row[:MAX_COLUMNS]) if cell is not None]
        if any(cell.text for cell in line):
            block.append(line)
        else:
            _tables(block, reading)
            block = []
    _tables(block, reading)
    return number


def _tables(block: list[list[Cell]], reading: Reading) -> None:
    """A run of filled rows: lines of one cell before the table are headings or text, the rest is the table."""
    while block and sum(bool(cell.text) for cell in block[0]) == 1 and (len(block) > 1 or len(block[0]) > 1):
        text = next(cell.text for cell in block[0] if cell.text)
        others = any(sum(bool(cell.text) for cell in line) > 1 for line in block[1:])
        reading.blocks.append(Heading(2, text) if others and len(text) <= 120 else Paragraph(text))
        block = block[1:]
    first = min((next(place for place, cell in enumerate(line) if cell.text) for line in block), default=0)
    table: Table | None = table_of([line[first:] for line in block], "first") if block else None
    if table is not None:
        reading.blocks.append(table)


def _merged(sheet: Any) -> dict[tuple[int, int], tuple[int, int] | None]:
    """(row, column) of the cells in merged ranges: the range's size at its first cell, None at the others."""
    covered: dict[tuple[int, int], tuple[int, int] | None] = {}
    for area in sheet.merged_cells.ranges:
        if area.size["rows"] * area.size["columns"] + len(covered) > MAX_MERGED:
            raise Unreadable(f"more than {MAX_MERGED} merged cells")
        for row, column in ((row, column) for cells in area.rows for row, column in cells):
            covered[row, column] = None
        covered[area.min_row, area.min_col] = (area.size["rows"], area.size["columns"])
    return covered


def _cell(cell: Any, covered: dict[tuple[int, int], tuple[int, int] | None]) -> Cell | None:
    """A cell as it is shown; None where a merged one covers it."""
    place = (getattr(cell, "row", 0), getattr(cell, "column", 0))
    if place in covered and covered[place] is None:
        return None
    down, across = covered.get(place) or (1, 1)
    strong = bool(cell.value is not None and getattr(cell, "font", None) and cell.font.b)
    return Cell(shown(cell.value, cell.number_format if cell.value is not None else ""), False, strong, across, down)


def shown(value: Any, layout: str = "General") -> str:
    """A cell's value as Excel shows it, near enough to be read: dates, percents, decimals, currencies."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.strftime("%H:%M")
    if isinstance(value, int | float):
        return _number(value, layout.partition(";")[0])
    return " ".join(str(value).split())


def _number(value: float, layout: str) -> str:
    around = [next(filter(None, match.groups()), "") for match in _LITERAL.finditer(layout)]
    bare = _LITERAL.sub("", layout)
    decimals = _ZEROES.search(bare)
    percent = "%" in bare
    value = value * 100 if percent else value
    if decimals:
        text = f"{value:.{len(decimals[1])}f}"
    elif "0" in bare and "E" not in bare:
        text = f"{value:.0f}"
    else:
        text = f"{value:.10g}" if isinstance(value, float) else str(value)
    sign = " ".join(filter(None, (part.strip() for part in around)))
    if not sign:
        return f"{text}%" if percent else text
    before = layout.find(around[0]) < layout.find("0")
    return f"{sign}{text}" if before and len(sign) == 1 else f"{sign} {text}" if before else f"{text} {sign}"


def _formulas(content: bytes) -> int:
    """Formulas of which the file holds no value: a program wrote it and none has computed it."""
    count = 0
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        for name in packed.namelist():
            if name.startswith("xl/worksheets/sheet"):
                xml = packed.read(name)
                count += len(re.findall(rb"</f><v>?</v>|</f></c>|</f><v ?/></c>|<f>[^<]*</f>\s*</c>", xml))
    return count
