"""``antiphon feedback``: what people said about drafts, one by one, in batches, and out again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, TextIO

import typer
from antiphon.client import Client
from antiphon.v1 import feedback_pb2
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from services.cli.ask import feedback_of
from services.cli.connection import connected
from services.cli.feedback_files import FeedbackFile
from services.cli.options import JsonOption
from services.cli.output import console, errors, json_text, print_json, print_table
from services.cli.receipts import reach, receipt_lines
from services.cli.render import constraint_words

CHUNK = 500
CHUNK_SIZE = 2**20  # characters; with three bytes each still below what a gateway takes

feedback = typer.Typer(no_args_is_help=True, help="What people said about drafts: add, import, export, receipt.")


@feedback.command("add")
def add(
    context: typer.Context,
    turn: str,
    rating: Annotated[int | None, typer.Option(min=1, max=5, help="1 (worst) to 5 (best)")] = None,
    comment: Annotated[str, typer.Option(help="Free words")] = "",
    edit: Annotated[str | None, typer.Option(help="The reply as it should have been")] = None,
    include: Annotated[list[str] | None, typer.Option(help="A word or phrase the reply should have")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="A word or phrase it should not have")] = None,
    round_number: Annotated[int | None, typer.Option("--round", help="The draft's round; default: the latest")] = None,
    user: Annotated[str, typer.Option(help="Who says it; default: whose key it is")] = "",
    as_json: JsonOption = False,
) -> None:
    """Store feedback on a draft, without asking for another one."""
    said = feedback_of(comment, include or [], exclude or [], None) or feedback_pb2.Feedback()
    if rating is not None:
        said.rating = rating
    if edit is not None:
        said.edited_text = edit
    request = feedback_pb2.SubmitFeedbackRequest(turn_id=turn, round=round_number, feedback=said, user_id=user)
    with connected(context) as client:
        record = client.feedback.SubmitFeedback(request).record
    if as_json:
        print_json(record)
        return
    understood = "; ".join(constraint_words(one) for one in record.understood)
    console.print(f"stored {record.id} [dim]{escape(understood)}[/dim]")
    if edit is not None:
        console.print(f"[dim]{reach(record)}[/dim]")


@feedback.command("import")
def import_file(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="JSON Lines: one feedback item a line, as `export` writes them")],
    name: Annotated[str, typer.Option(help="What to call the import; default: the file's name")] = "",
    encoding: Annotated[str, typer.Option(help="The file's encoding; default: its byte order mark's, or UTF-8")] = "",
    as_json: JsonOption = False,
) -> None:
    """Import feedback from a file. The same file again goes on where it broke; bad lines are named, blank ones skipped.

    Ends with status 1 if there were lines and every one was refused.
    """
    read, name = FeedbackFile(file, encoding), name or file.name
    request = feedback_pb2.OpenImportRequest(request_id=read.request_id(name), name=name)
    with connected(context) as client:
        opened = _import(client.feedback.OpenImport(request))
        refused = list(_send(client, opened.id, read, opened.next_line, show=not as_json))
        closing = feedback_pb2.CloseImportRequest(import_id=opened.id, total_lines=read.total)
        closed = _import(client.feedback.CloseImport(closing))
    if as_json:
        print_json({"import": closed, "refused": refused})
    else:
        console.print(f"{closed.id}: {closed.stored} stored, {closed.refused} refused")
        if refused:
            rows = [(line.line, line.field, escape(line.reason)) for line in refused[:50]]
            print_table(("line", "field", "reason"), rows, "")
    if closed.refused and not closed.stored:
        raise typer.Exit(1)


def _import(
    answer: feedback_pb2.OpenImportResponse | feedback_pb2.CloseImportResponse | feedback_pb2.GetImportResponse,
) -> feedback_pb2.Import:
    """The answer's field `import`, a name that Python keeps for itself."""
    found: feedback_pb2.Import = getattr(answer, "import")
    return found


def _send(
    client: Client, import_id: str, file: FeedbackFile, next_line: int, show: bool
) -> Iterator[feedback_pb2.RefusedLine]:
    """Send the file's lines from ``next_line`` on, in chunks; gives the refused ones."""
    columns = (TextColumn("importing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True, disable=not show) as progress:
        task = progress.add_task("importing", total=file.total, completed=next_line - 1)
        rest = islice(file.lines(), next_line - 1, None)
        for chunk in _chunks(rest):
            items = [feedback_pb2.ImportItem(json=line) for line in chunk]
            request = feedback_pb2.AppendImportRequest(import_id=import_id, first_line=next_line, items=items)
            answer = client.feedback.AppendImport(request)
            yield from answer.refused
            next_line += len(chunk)
            progress.update(task, completed=next_line - 1)


def _chunks(lines: Iterator[str]) -> Iterator[list[str]]:
    """Lines in groups that fit into a message."""
    chunk: list[str] = []
    size = 0
    for line in lines:
        if chunk and (len(chunk) == CHUNK or size + len(line) > CHUNK_SIZE):
            yield chunk
            chunk, size = [], 0
        chunk.append(line)
        size += len(line)
    if chunk:
        yield chunk


@feedback.command("status")
def import_status(context: typer.Context, import_id: str, as_json: JsonOption = False) -> None:
    """Show how far an import's items are processed."""
    request = feedback_pb2.GetImportRequest(import_id=import_id, page_size=50)
    with connected(context) as client:
        answer = client.feedback.GetImport(request)
    if as_json:
        print_json(answer)
        return
    found = _import(answer)
    status = feedback_pb2.ImportStatus.Name(found.status).removeprefix("IMPORT_STATUS_").lower()
    console.print(
        f"{escape(found.name)}: {status}; {found.stored} stored, {found.processed} processed, {found.refused} refused"
    )


@feedback.command("review")
def review(
    context: typer.Context,
    records: Annotated[list[str], typer.Argument(help="Ids of records that are held back")],
    refuse: Annotated[bool, typer.Option("--refuse", help="Refuse them; otherwise they count from now on")] = False,
    as_json: JsonOption = False,
) -> None:
    """Decide on feedback that was given under another user's name."""
    request = feedback_pb2.ReviewFeedbackRequest(feedback_ids=records, refuse=refuse)
    with connected(context) as client:
        answer = client.feedback.ReviewFeedback(request)
    if as_json:
        print_json(answer)
    else:
        console.print(f"{answer.reviewed} of {len(records)} were held back and {'are refused' if refuse else 'count'}")


@feedback.command("receipt")
def receipt(context: typer.Context, record: str, as_json: JsonOption = False) -> None:
    """Say what became of feedback: its example, what learned it, how that was judged, and the replies given by it."""
    with connected(context) as client:
        found = client.feedback.GetReceipt(feedback_pb2.GetReceiptRequest(feedback_id=record)).receipt
    if as_json:
        print_json(found)
        return
    for line in receipt_lines(found):
        console.print(line)


@feedback.command("export")
def export(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File; default: standard output")] = None,
    user: Annotated[str, typer.Option(help="Of this user only")] = "",
    session: Annotated[str, typer.Option(help="Of this session only")] = "",
    after: Annotated[str, typer.Option(help="Go on after this record")] = "",
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Personal data as it was said, where you may see it")
    ] = False,
) -> None:
    """Write stored feedback as JSON Lines, oldest first."""
    request = feedback_pb2.ExportFeedbackRequest(user_id=user, session_id=session, after_id=after, reveal=reveal)
    with connected(context) as client:
        if out is None:
            _write(client, request, sys.stdout)
            return
        with out.open("w", encoding="utf-8") as file:
            console.print(f"{_write(client, request, file)} records in {out}")


def _write(client: Client, request: feedback_pb2.ExportFeedbackRequest, file: TextIO) -> int:
    written = 0
    for answer in client.feedback.ExportFeedback(request):
        file.write(json_text(answer.record) + "\n")
        written += 1
    return written
