"""Tables: a grid of cells, with spans, becomes columns and rows that can be read by themselves."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from services.knowledge.domain.blocks import Row, Table, Unreadable

MAX_ROWS = 100_000
MAX_COLUMNS = 200
MAX_CELLS = 1_000_000
_UNIT = r"(?:from|up to|ab|bis|ca\.?|about|per|EUR|USD|GBP|CHF|CNY|RMB|[$€£¥₹₽])"
_VALUE = re.compile(rf"^[<>≤≥~≈+−–-]{{0,2}}\s?(?:{_UNIT}\s?)?\d", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_YEAR = re.compile(r"^(?:19|20)\d\d(?:/\d\d(?:\d\d)?)?$")

Header = Literal["marked", "first", "guess"]
"""Where a table's header is: in rows marked as such alone, in the first row, or there if the rows below look so."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as the source has it. `head`: marked as a header; `strong`: all of it bold."""

    text: str
    head: bool = False
    strong: bool = False
    across: int = 1
    down: int = 1


_EMPTY = Cell("")


def table_of(rows: Sequence[Sequence[Cell]], header: Header, caption: str = "") -> Table | None:
    """The table of these cells, None when nothing stands in it. Raises Unreadable for one beyond the limits.

    Rows across the whole table are captions above the header and groups below it. Header rows that stand upon each
    other are joined: "Price" over "monthly" is the column "Price monthly".
    """
    grid = [line for line in _spread(rows) if any(cell.text for cell in line)]
    while grid and _across(grid[0]) and len(grid) > 1:
        caption = f"{caption} {grid[0][0].text}".strip()
        grid = grid[1:]
    height = _header_height(grid, header)
    columns = tuple(_joined(line[place].text for line in grid[:height]) for place in range(_width(grid)))
    body: list[Row] = []
    group = ""
    for line in grid[height:]:
        if _across(line):
            group = line[0].text
        else:
            body.append(Row(tuple(cell.text for cell in line), group))
    if not body and grid:
        return Table((), tuple(Row(tuple(cell.text for cell in line)) for line in grid), caption)
    return Table(columns if height else (), tuple(body), caption) if body else None


def _spread(rows: Sequence[Sequence[Cell]]) -> list[list[Cell]]:
    """The grid with every spanning cell in all the places it covers; rows are filled to one width."""
    if len(rows) > MAX_ROWS:
        raise Unreadable(f"a table of more than {MAX_ROWS} rows")
    grid: list[list[Cell]] = []
    hanging: dict[int, tuple[Cell, int]] = {}  # column -> (cell of a row above, rows it still covers)
    total = 0
    for row in rows:
        line: list[Cell] = []
        waiting = deque(row)
        below: dict[int, tuple[Cell, int]] = {}
        last = max(hanging, default=-1)
        while waiting or len(line) <= last:
            column = len(line)
            if column in hanging:
                cell, left = hanging[column]
                covered = [(cell, left - 1)]
            elif waiting:
                cell = waiting.popleft()
                covered = [(cell, cell.down - 1)] * max(1, min(cell.across, MAX_COLUMNS))
            else:
                covered = [(_EMPTY, 0)]
            for cell, left in covered:
                if left > 0:
                    below[len(line)] = (cell, left)
                line.append(cell)
            if len(line) > MAX_COLUMNS + 1:
                raise Unreadable(f"a table of more than {MAX_COLUMNS} columns")
        hanging = below
        total += len(line)
        if total > MAX_CELLS:
            raise Unreadable(f"tables of more than {MAX_CELLS} cells")
        grid.append(line)
    width = _width(grid)
    return [line + [_EMPTY] * (width - len(line)) for line in grid]


def _width(grid: Sequence[Sequence[Cell]]) -> int:
    return max((len(line) for line in grid), default=0)


def _across(line: Sequence[Cell]) -> bool:
    """True where one cell spans the whole line of a table that has several columns."""
    return len(line) > 1 and line[0].across >= len(line) and all(cell is line[0] for cell in line)


def _header_height(grid: Sequence[Sequence[Cell]], header: Header) -> int:
    """Rows at the top that name the columns."""
    height = 0
    while (
        height < len(grid) - 1
        and all(cell.head or not cell.text for cell in grid[height])
        and not _across(grid[height])
    ):
        height += 1
    if height or len(grid) < 2 or (header == "marked" and not _bold_alone(grid)):
        return height
    if header == "marked" or header == "first":
        return 0 if header == "first" and _holds_values(grid) else 1
    return 1 if _bold_alone(grid) or _names_values(grid) else 0


def _bold_alone(grid: Sequence[Sequence[Cell]]) -> bool:
    """True where the first row, and no other, is bold from end to end."""
    return _bold(grid[0]) and not any(_bold(line) for line in grid[1:])


def _bold(line: Sequence[Cell]) -> bool:
    texts = [cell for cell in line if cell.text]
    return bool(texts) and all(cell.strong for cell in texts)


def _holds_values(grid: Sequence[Sequence[Cell]]) -> bool:
    """True where the first row holds a value: it is a row as the others. A year names a column of other things."""
    for place, cell in enumerate(grid[0]):
        if _VALUE.match(cell.text) and not _YEAR.match(cell.text):
            return True
        if _YEAR.match(cell.text) and all(_YEAR.match(line[place].text) for line in grid[1:]):
            return True
    return False


def _names_values(grid: Sequence[Sequence[Cell]]) -> bool:
    """True where the first row is filled and without numbers (but years, percentages) and most below one cell are
    values."""
    first = [cell.text for cell in grid[0]]
    numbers = (text for text in first if _DIGIT.search(text) and not _YEAR.match(text) and "%" not in text)
    if not all(first[1:]) or next(numbers, None) is not None:
        return False
    values = (sum(bool(_VALUE.match(line[place].text)) for line in grid[1:]) for place in range(len(first)))
    return any(2 * count >= len(grid) - 1 for count in values)


def _joined(parts: object) -> str:
    names: list[str] = []
    for part in parts:  # type: ignore[attr-defined]
        if part and part not in names:
            names.append(part)
    return " ".join(names)
