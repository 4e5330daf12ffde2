"""``antiphon knowledge import``: facts from a CSV file, each line for itself."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from antiphon.client import Client, InvalidArgument
from antiphon.v1 import knowledge_pb2
from rich.markup import escape
from rich.progress import track

from services.cli.connection import connected
from services.cli.options import JsonOption, user_name
from services.cli.output import Failure, console, errors, print_json

NEEDED = ("entity", "slot", "value")
OPTIONAL = ("text", "valid_from", "valid_to")
MAX_SHOWN = 20
_DELIMITERS = ",;\t"


@dataclass(frozen=True)
class Line:
    """A fact as one line of the file states it; `refusal` says why it is none."""

    number: int
    entity: str = ""
    slot: str = ""
    value: str = ""
    text: str = ""
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    refusal: str = ""


def import_facts(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV with a header: entity, slot, value; text, valid_from, valid_to")],
    entity: Annotated[
        str, typer.Option(help="The file is a table: this column names what a line is about, every other one is a slot")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Teach the facts of a CSV file. What holds already is left as it is; a line that is refused keeps none back.

    Ends with status 1 when a line was refused.
    """
    lines = list(read_facts(file, entity))
    taught, known, refused = 0, 0, {}
    with connected(context) as client:
        for line in track(lines, "teaching", console=errors, transient=True, disable=as_json):
            reason = line.refusal
            if not reason and _holds(client, line):
                known += 1
                continue
            if not reason:
                reason = _teach(client, line, file.name)
            if reason:
                refused[line.number] = reason
            else:
                taught += 1
    if as_json:
        print_json({"taught": taught, "known": known, "refused": refused})
    else:
        for number, reason in list(refused.items())[:MAX_SHOWN]:
            console.print(f"[red]refused[/red]  {escape(file.name)}:{number}: {escape(reason)}")
        console.print(f"{taught} taught, {known} held already, {len(refused)} refused")
    if refused:
        raise typer.Exit(1)


def _holds(client: Client, line: Line) -> bool:
    if line.text or line.valid_from or line.valid_to:
        return False
    request = knowledge_pb2.ListFactsRequest(entity=line.entity, slot=line.slot, page_size=10)
    return any(fact.value == line.value for fact in client.knowledge.ListFacts(request).facts)


def _teach(client: Client, line: Line, name: str) -> str:
    """Teach one fact; why it was refused, or ""."""
    request = knowledge_pb2.TeachFactRequest(
        entity=line.entity,
        slot=line.slot,
        value=line.value,
        text=line.text,
        provenance=knowledge_pb2.Provenance(author=user_name(), document_name=name),
    )
    for field, day in (("valid_from", line.valid_from), ("valid_to", line.valid_to)):
        if day is not None:
            getattr(request, field).FromDatetime(day)
    try:
        client.knowledge.TeachFact(request)
    except InvalidArgument as error:
        return "; ".join(f"{one.field}: {one.reason}" for one in error.violations) or error.message
    return ""


def read_facts(file: Path, entity: str = "") -> Iterator[Line]:
    """The facts of a file, line by line. Raises Failure where the whole is no table of facts.

    With ``entity`` every cell but those of that column is a fact about what its line names there; empty ones are none.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise Failure(f"{file} is no UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise Failure(f"{file}: {error.strerror}") from None
    first = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    rows = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True)
    try:
        header = [name.strip() for name in next(rows, [])]
        names = header if entity else [name.casefold() for name in header]
        _check_header(file.name, names, entity)
        start = rows.line_num + 1  # a cell may span lines: a row is called by its first
        for row in rows:
            number, start = start, rows.line_num + 1
            if any(cell.strip() for cell in row):
                yield from _facts(number, names, [cell.strip() for cell in row], entity)
    except csv.Error as error:
        raise Failure(f"{file.name}:{rows.line_num}: {error}") from None


def _check_header(name: str, names: list[str], entity: str) -> None:
    if repeated := sorted({column for column in names if names.count(column) > 1}):
        raise Failure(f"{name}:1: two columns are called {repeated[0]!r}")
    if entity:
        if entity not in names:
            raise Failure(f"{name}:1: has no column {entity!r}; there are: {', '.join(names)}")
        return
    if missing := [column for column in NEEDED if column not in names]:
        raise Failure(
            f"{name}:1: has no column {missing[0]!r}; a file of facts begins with entity,slot,value; of a table say by "
            f"--entity which column names what a line is about"
        )
    if unknown := [column for column in names if column not in (*NEEDED, *OPTIONAL)]:
        raise Failure(f"{name}:1: {unknown[0]!r} is no column of a fact; there are: {', '.join((*NEEDED, *OPTIONAL))}")


def _facts(number: int, names: list[str], cells: list[str], entity: str) -> Iterator[Line]:
    if len(cells) > len(names):
        yield Line(number, refusal=f"has {len(cells)} cells where the header has {len(names)}")
        return
    row = dict(zip(names, cells, strict=False))
    if entity:
        about = row.pop(entity, "")
        if not about:
            yield Line(number, refusal=f"{entity}: is empty")
            return
        yield from (Line(number, about, slot, value) for slot, value in row.items() if slot and value)
        return
    if empty := [name for name in NEEDED if not row.get(name)]:
        yield Line(number, refusal=f"{empty[0]}: is empty")
        return
    days = {}
    for name in ("valid_from", "valid_to"):
        try:
            days[name] = _day(row.get(name, ""))
        except ValueError:
            yield Line(number, refusal=f"{name}: {row[name]!r} is no date such as 2026-01-31")
            return
    fields = (row["entity"], row["slot"], row["value"], row.get("text", ""))
    yield Line(number, *fields, valid_from=days["valid_from"], valid_to=days["valid_to"])


def _day(text: str) -> datetime | None:
    """A date, or a date and time, in UTC unless it names another zone; None for "". Raises ValueError."""
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
