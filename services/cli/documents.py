"""Documents on the command line: which files are taken, what became of each, and what of it is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from antiphon.client import Client, InvalidArgument, NotFound, ResourceExhausted, document
from antiphon.v1 import knowledge_pb2
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from services.cli.connection import connected
from services.cli.options import JsonOption, LimitOption, user_name
from services.cli.output import Failure, console, errors, print_json, to_json
from services.common.media import MEDIA_TYPES

WAIT_S = 300.0
MAX_NAMED = 20
"""So many files that were left out are named; of more, how many."""

documents = typer.Typer(no_args_is_help=True, help="The documents that are there, and what was kept of each.")


@dataclass(frozen=True)
class Choice:
    """The files to upload, by document name, and those left out, by name, each with the reason."""

    files: dict[str, Path] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What became of uploads: those that were taken, and why others were refused, by name."""

    ingestions: list[knowledge_pb2.Ingestion]
    refused: dict[str, str]


def choose(paths: Sequence[Path]) -> Choice:
    """Name documents: files go by their own names, those of a folder by their paths in it.

    Raises Failure where a path does not exist, no file is of a kind that is read, or two documents have one name.
    """
    choice = Choice()
    for path in paths:
        if not path.exists():
            raise Failure(f"no such file or folder: {path}")
        for name, file in _named(path).items():
            if name in choice.files:
                raise Failure(f"two documents would be called {name}; add their folder instead")
            if reason := _unread(file):
                choice.left_out[name] = reason
            else:
                choice.files[name] = file
    if not choice.files:
        others = "".join(f"\n  {name}: {reason}" for name, reason in list(choice.left_out.items())[:MAX_NAMED])
        raise Failure(f"no document there; known endings: {', '.join(MEDIA_TYPES)}{others}")
    return choice


def _named(path: Path) -> dict[str, Path]:
    """A file, or those below a folder, by document name; what is hidden or lies in a hidden folder does not count."""
    if path.is_file():
        return {path.name: path}
    names = ((file.relative_to(path), file) for file in sorted(path.rglob("*")) if file.is_file())
    return {name.as_posix(): file for name, file in names if not any(part.startswith(".") for part in name.parts)}


def _unread(file: Path) -> str:
    """Why a file is no document, "" where it is one: its ending tells no kind, it is empty, or Office's lock."""
    if file.name.startswith("~$"):
        return "is kept by Office beside an open document"
    if file.suffix.lower() not in MEDIA_TYPES:
        return f"{file.suffix or 'no ending'} is no kind that is read"
    return "" if file.stat().st_size else "is empty"


def ingest(
    client: Client, files: Mapping[str, Path], labels: Sequence[str] = (), wait: bool = True, show: bool = True
) -> Outcome:
    """Upload files under their names and, with ``wait``, follow them until they can be searched.

    A file that is refused keeps no other one back. Raises Failure where they are not read in time.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    outcome = Outcome([], {})
    with Progress(*columns, console=errors, transient=True, disable=not show) as progress:
        uploading = progress.add_task("uploading", total=len(files))
        for name, file in files.items():
            parts = document(name, file.read_bytes(), labels=labels, user_id=user_name())
            try:
                outcome.ingestions.append(client.knowledge.IngestDocument(parts).ingestion)
            except (InvalidArgument, ResourceExhausted) as error:
                if isinstance(error, ResourceExhausted) and error.reason != "TOO_LARGE":
                    raise
                outcome.refused[name] = "; ".join(one.reason for one in error.violations) or error.message
            progress.advance(uploading)
        if wait:
            reading = progress.add_task("reading", total=len(outcome.ingestions))
            _follow(client, outcome.ingestions, lambda read: progress.update(reading, completed=read))
    return outcome


def _follow(client: Client, ingestions: list[knowledge_pb2.Ingestion], show: Callable[[int], None]) -> None:
    """Bring the uploads up to date until each is searchable, or never will be. ``show`` is told how many are."""
    deadline = time.monotonic() + WAIT_S
    while waiting := [n for n, one in enumerate(ingestions) if one.status == knowledge_pb2.INGESTION_STATUS_ACCEPTED]:
        if time.monotonic() > deadline:
            raise Failure(f"not searchable after {WAIT_S:.0f} s; is `antiphon status` all ready?")
        time.sleep(0.1)
        for number in waiting:
            request = knowledge_pb2.GetIngestionRequest(ingestion_id=ingestions[number].id)
            ingestions[number] = client.knowledge.GetIngestion(request).ingestion
        show(len(ingestions) - len(waiting))


def add(
    context: typer.Context,
    paths: Annotated[
        list[Path], typer.Argument(help="Files (text, Markdown, HTML, PDF, DOCX, XLSX, CSV) or folders of them")
    ],
    label: Annotated[list[str] | None, typer.Option(help="A word to find it by")] = None,
    wait: Annotated[bool, typer.Option(help="Return when they are searchable")] = True,
    as_json: JsonOption = False,
) -> None:
    """Upload documents. One that is there unchanged is left as it is, a changed one replaces its old text.

    Of every file is said what was kept of it and what not. Ends with status 1 when one was refused or cannot be read,
    or when a file was named that is of no kind that is read.
    """
    choice = choose(paths)
    with connected(context) as client:
        outcome = ingest(client, choice.files, labels=label or [], wait=wait, show=not as_json)
    if as_json:
        ingestions = [to_json(ingestion) for ingestion in outcome.ingestions]
        print_json({"ingestions": ingestions, "left_out": choice.left_out, "refused": outcome.refused})
    else:
        _show_uploads(choice, outcome)
    named = {path.name for path in paths if path.is_file()}
    failed = any(one.status == knowledge_pb2.INGESTION_STATUS_FAILED for one in outcome.ingestions)
    if failed or outcome.refused or named & choice.left_out.keys():
        raise typer.Exit(1)


def _show_uploads(choice: Choice, outcome: Outcome) -> None:
    for ingestion in outcome.ingestions:
        show_ingestion(ingestion)
    for name, reason in outcome.refused.items():
        console.print(f"[red]refused[/red]   {escape(name)}: {escape(reason)}")
    for name, reason in list(choice.left_out.items())[:MAX_NAMED]:
        console.print(f"[yellow]left out[/yellow]  {escape(name)}: {escape(reason)}")
    if len(choice.left_out) > MAX_NAMED:
        console.print(f"[yellow]left out[/yellow]  {len(choice.left_out) - MAX_NAMED} more files")
    passages = sum(one.passages for one in outcome.ingestions)
    kept = f"{_count(len(outcome.ingestions), 'document')}, {_count(passages, 'passage')}"
    others = len(choice.left_out) + len(outcome.refused)
    console.print(f"[dim]{kept}" + (f"; not taken: {_count(others, 'file')}" if others else "") + "[/dim]")


_KEPT = {
    knowledge_pb2.INGESTION_STATUS_ACCEPTED: "[yellow]waits[/yellow]   ",
    knowledge_pb2.INGESTION_STATUS_FAILED: "[red]failed[/red]  ",
}


def show_ingestion(ingestion: knowledge_pb2.Ingestion) -> None:
    """Print what was kept of a document, and what of it was not."""
    word = _KEPT.get(ingestion.status, "[green]kept[/green]    ")
    words = _count(ingestion.passages, "passage") if ingestion.status in (2, 3) else ""
    day = f"as of {ingestion.effective}" if ingestion.effective else ""
    said = ", ".join(part for part in (words, day, ingestion.error) if part)
    console.print(f"{word}  {escape(ingestion.name)}{': ' if said else ''}{escape(said)}")
    for warning in ingestion.warnings:
        console.print(f"          [yellow]{escape(warning)}[/yellow]")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


@documents.command("list")
def list_documents(context: typer.Context, limit: LimitOption = 50, as_json: JsonOption = False) -> None:
    """List the documents by name, each as its newest upload stands."""
    with connected(context) as client:
        answer = client.knowledge.ListDocuments(knowledge_pb2.ListDocumentsRequest(page_size=limit))
    if as_json:
        print_json(answer)
        return
    for ingestion in answer.documents:
        show_ingestion(ingestion)
    if not answer.documents:
        console.print("[dim]No document yet; `antiphon knowledge add FOLDER` adds some.[/dim]")
    _say_more(answer.next_page_token)


@documents.command("show")
def show_document(context: typer.Context, name: str, limit: LimitOption = 50, as_json: JsonOption = False) -> None:
    """Show what was kept of a document: its passages, in its order, as they are searched and quoted."""
    request = knowledge_pb2.ListPassagesRequest(document_name=name, page_size=limit)
    with connected(context) as client, _known(name):
        answer = client.knowledge.ListPassages(request)
    if as_json:
        print_json(answer)
        return
    show_ingestion(answer.document)
    for passage in answer.passages:
        console.print(f"\n[cyan]{escape(' › '.join(passage.headings) or name)}[/cyan] [dim]{passage.id}[/dim]")
        console.print(escape(passage.text))
    _say_more(answer.next_page_token)


@documents.command("remove")
def remove(context: typer.Context, names: list[str], as_json: JsonOption = False) -> None:
    """Take documents out of the knowledge base."""
    with connected(context) as client:
        passages = {}
        for name in names:
            with _known(name):
                request = knowledge_pb2.DeleteDocumentRequest(name=name)
                passages[name] = client.knowledge.DeleteDocument(request).passages
    if as_json:
        print_json({"removed": passages})
        return
    for name, count in passages.items():
        console.print(f"removed   {escape(name)}: {_count(count, 'passage')}")


@contextmanager
def _known(name: str) -> Iterator[None]:
    """Say which name is that of no document."""
    try:
        yield
    except NotFound:
        names = "`antiphon knowledge documents list` names those that there are"
        raise Failure(f"there is no document {name}; {names}") from None


def _say_more(token: str) -> None:
    if token:
        console.print("[dim]… and more; --limit shows up to 500[/dim]")
