"""What the command prints: rich text for people, one JSON document for machines."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich.console import Console
from rich.table import Table

# Where nobody looks, lines are not broken at 80 columns: other programs read them.
WIDE = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 200
console = Console(highlight=False, width=WIDE)
errors = Console(stderr=True, highlight=False, width=WIDE, soft_wrap=True)


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


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    json.dump(to_json(value), sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def print_json_line(value: object) -> None:
    """One JSON document on a line of its own, at once: for streams."""
    sys.stdout.write(json.dumps(to_json(value), ensure_ascii=False) + "\n")
    sys.stdout.flush()


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> None:
    """A table without lines, or ``empty`` when there are no rows."""
    if not rows:
        console.print(f"[dim]{empty}[/dim]")
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")  # ids stay whole, to be copied
    for row in rows:
        table.add_row(*(cell if isinstance(cell, str) else str(cell) for cell in row))
    console.print(table)
