"""What the command prints: rich text for people, one JSON document for machines."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich.console import Console
from rich.segment import Segment
from rich.table import Table

# Where nobody looks, lines are not broken at 80 columns: other programs read them.
WIDE = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 200
# What steers a terminal: control characters (an escape may set its clipboard or its title) and marks that turn the
# direction of what follows. None of them is in the words of a user, a model or a document for a good reason.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

_STEERING_IN_JSON = re.compile("[\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # JSON escapes the others itself


class SafeConsole(Console):
    """A console whose texts steer nothing: only what rich itself adds does."""

    def _render_buffer(self, buffer: Iterable[Segment]) -> str:
        return super()._render_buffer(
            segment if segment.control else Segment(_STEERING.sub("\ufffd", segment.text), segment.style)
            for segment in buffer
        )


console = SafeConsole(highlight=False, width=WIDE)
errors = SafeConsole(stderr=True, highlight=False, width=WIDE, soft_wrap=True)


class Failure(Exception):
    """A command cannot go on; the text says why and what to do. Ends the command with status 1."""


def to_json(value: object) -> Any:
    """A protobuf message (proto3 JSON form, contract's field names), or plain data holding such messages."""
    if isinstance(value, Message):
        return MessageToDict(value, preserving_proto_field_name=True)
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    return value


def json_text(value: object, indent: int | None = None) -> str:
    """The JSON of a value, in which nothing steers a terminal."""
    text = json.dumps(to_json(value), ensure_ascii=False, indent=indent)
    return _STEERING_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json_text(value, indent=2) + "\n")


def print_json_line(value: object) -> None:
    """One JSON document on a line of its own, at once: for streams."""
    sys.stdout.write(json_text(value) + "\n")
    sys.stdout.flush()


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> None:
    """A table without lines, or ``empty`` when there are no rows."""
    if not rows:
        console.print(f"[dim]{empty}[/dim]")
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=True)  # ids stay whole, to be copied
    cells = [[cell if isinstance(cell, str) else str(cell) for cell in row] for row in rows]
    for row_cells in cells:
        table.add_row(*row_cells)
    if console.measure(table, options=console.options.update(width=10_000)).maximum <= console.width:
        console.print(table)
        return
    for row_cells in cells:  # too wide for this terminal: a block for each row, a line for each cell
        console.print(f"[bold]{row_cells[0]}[/bold]", soft_wrap=True)
        block = Table(box=None, show_header=False, pad_edge=False)
        block.add_column(no_wrap=True, style="dim")
        block.add_column(overflow="fold")
        for column, cell in zip(columns[1:], row_cells[1:], strict=True):
            if cell:
                block.add_row(f"  {column}", cell)
        console.print(block)
