"""``antiphon knowledge``: documents and facts that replies are grounded on."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from antiphon.client import Client, document
from antiphon.v1 import knowledge_pb2
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from services.cli.connection import connected
from services.cli.options import JsonOption, LimitOption, user_name
from services.cli.output import Failure, console, errors, print_json, print_table
from services.cli.render import fact_words
from services.common.media import MEDIA_TYPES

WAIT_S = 300.0

knowledge = typer.Typer(no_args_is_help=True, help="Documents and facts that replies are grounded on.")
candidates = typer.Typer(no_args_is_help=True, help="Facts mined from feedback and talk, waiting to be confirmed.")
knowledge.add_typer(candidates, name="candidates")


@knowledge.command("add")
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

    What of a document could not be kept, and which files of a folder were left out, is said.
    """
    files, others = find_documents(paths), left_out(paths)
    with connected(context) as client:
        done = ingest(client, files, labels=label or [], wait=wait, show=not as_json)
    if as_json:
        print_json({"ingestions": done, "left_out": others})
        return
    if others:
        errors.print(f"[yellow]left out, of no kind that is read:[/yellow] {escape(', '.join(others))}")
    _show_ingestions(done)
    if any(one.status == knowledge_pb2.INGESTION_STATUS_FAILED for one in done):
        raise typer.Exit(1)


def _show_ingestions(ingestions: Sequence[knowledge_pb2.Ingestion]) -> None:
    for ingestion in ingestions:
        status = knowledge_pb2.IngestionStatus.Name(ingestion.status).removeprefix("INGESTION_STATUS_").lower()
        day = f", as of {ingestion.effective}" if ingestion.effective else ""
        error = f"[dim]{escape(ingestion.error)}[/dim]"
        console.print(f"{escape(ingestion.name)}  {status}, {ingestion.passages} passages{day} {error}")
        for warning in ingestion.warnings:
            console.print(f"  [yellow]{escape(warning)}[/yellow]")


@knowledge.command("list")
def list_documents(context: typer.Context, limit: LimitOption = 50, as_json: JsonOption = False) -> None:
    """List the documents by name, each as its newest upload stands."""
    with connected(context) as client:
        answer = client.knowledge.ListDocuments(knowledge_pb2.ListDocumentsRequest(page_size=limit))
    if as_json:
        print_json(answer)
    else:
        _show_ingestions(answer.documents)


def find_documents(paths: Sequence[Path]) -> dict[str, Path]:
    """Name to file: files under their own names, those of a folder under their paths in it.

    Raises Failure when there is none, or two have one name.
    """
    files: dict[str, Path] = {}
    for path in paths:
        if path.is_dir():
            found = {one.relative_to(path).as_posix(): one for one in _files(path) if _is_read(one)}
        elif path.is_file():
            found = {path.name: path}
        else:
            raise Failure(f"no such file or folder: {path}")
        if twice := files.keys() & found.keys():
            raise Failure(f"two documents would be called {min(twice)}; add their folder instead")
        files |= found
    if not files:
        others = f" (left out: {', '.join(left_out(paths))})" if left_out(paths) else ""
        raise Failure(f"no document there{others}; known endings: {', '.join(MEDIA_TYPES)}")
    return files


def left_out(paths: Sequence[Path]) -> list[str]:
    """The files in the folders that no reader takes, by their paths there; hidden ones do not count."""
    folders = (path for path in paths if path.is_dir())
    return [file.relative_to(path).as_posix() for path in folders for file in _files(path) if not _is_read(file)]


def _files(folder: Path) -> list[Path]:
    visible = (
        path for path in folder.rglob("*") if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    return sorted(path for path in visible if path.is_file())


def _is_read(file: Path) -> bool:
    """Whether the ending is a document's and the file not one that Office keeps beside an open document."""
    return file.suffix.lower() in MEDIA_TYPES and not file.name.startswith("~$")


def ingest(
    client: Client, files: Mapping[str, Path], labels: Sequence[str] = (), wait: bool = True, show: bool = True
) -> list[knowledge_pb2.Ingestion]:
    """Upload files under their names and, with ``wait``, follow them until they can be searched."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True, disable=not show) as progress:
        uploading = progress.add_task("uploading", total=len(files))
        ingestions = []
        for name, file in files.items():
            parts = document(name, file.read_bytes(), labels=labels, user_id=user_name())
            ingestions.append(client.knowledge.IngestDocument(parts).ingestion)
            progress.advance(uploading)
        if not wait:
            return ingestions
        reading = progress.add_task("reading", total=len(files))
        deadline = time.monotonic() + WAIT_S
        while any(one.status == knowledge_pb2.INGESTION_STATUS_ACCEPTED for one in ingestions):
            if time.monotonic() > deadline:
                raise Failure(f"not searchable after {WAIT_S:.0f} s; is `antiphon status` all ready?")
            time.sleep(0.1)
            ingestions = [_refreshed(client, one) for one in ingestions]
            waiting = sum(one.status == knowledge_pb2.INGESTION_STATUS_ACCEPTED for one in ingestions)
            progress.update(reading, completed=len(files) - waiting)
    return ingestions


def _refreshed(client: Client, one: knowledge_pb2.Ingestion) -> knowledge_pb2.Ingestion:
    if one.status != knowledge_pb2.INGESTION_STATUS_ACCEPTED:
        return one
    request = knowledge_pb2.GetIngestionRequest(ingestion_id=one.id)
    return client.knowledge.GetIngestion(request).ingestion


@knowledge.command("delete")
def delete(context: typer.Context, name: str, as_json: JsonOption = False) -> None:
    """Take a document out of the knowledge base."""
    with connected(context) as client:
        answer = client.knowledge.DeleteDocument(knowledge_pb2.DeleteDocumentRequest(name=name))
    if as_json:
        print_json(answer)
    else:
        console.print(f"deleted {answer.passages} passages")


@knowledge.command("search")
def search(context: typer.Context, query: str, limit: LimitOption = 5, as_json: JsonOption = False) -> None:
    """Search as a turn would."""
    request = knowledge_pb2.SearchRequest(query=query, limit=min(limit, 100))
    with connected(context) as client:
        answer = client.knowledge.Search(request)
    if as_json:
        print_json(answer)
        return
    if not answer.hits:
        console.print("[dim]Nothing found.[/dim]")
    for hit in answer.hits:
        if hit.WhichOneof("item") == "fact":
            console.print(f"[green]fact[/green] {escape(fact_words(hit.fact))} [dim]{hit.score:.3f}[/dim]")
        else:
            where = " › ".join([hit.passage.document_name, *hit.passage.headings])
            console.print(f"[cyan]{escape(where)}[/cyan] [dim]{hit.score:.3f}[/dim]")
            console.print(escape(hit.passage.text))
        console.print()


@knowledge.command("teach")
def teach(context: typer.Context, entity: str, slot: str, value: str, as_json: JsonOption = False) -> None:
    """Teach a fact: ENTITY's SLOT is VALUE. It replaces what was known of the two."""
    provenance = knowledge_pb2.Provenance(author=user_name())
    request = knowledge_pb2.TeachFactRequest(entity=entity, slot=slot, value=value, provenance=provenance)
    with connected(context) as client:
        answer = client.knowledge.TeachFact(request)
    if as_json:
        print_json(answer)
        return
    console.print(f"{escape(fact_words(answer.fact))} [dim]{answer.fact.id}, watermark {answer.watermark}[/dim]")
    if answer.HasField("superseded"):
        console.print(f"[dim]instead of: {escape(answer.superseded.value)}[/dim]")


@knowledge.command("retract")
def retract(context: typer.Context, fact: str, as_json: JsonOption = False) -> None:
    """Take a fact back; its history stays."""
    request = knowledge_pb2.RetractFactRequest(fact_id=fact, author=user_name())
    with connected(context) as client:
        answer = client.knowledge.RetractFact(request)
    if as_json:
        print_json(answer)
    else:
        console.print(f"retracted {fact}")


@knowledge.command("undo")
def undo(context: typer.Context, fact: str, as_json: JsonOption = False) -> None:
    """Undo the last change of a fact."""
    request = knowledge_pb2.UndoFactRequest(fact_id=fact, author=user_name())
    with connected(context) as client:
        answer = client.knowledge.UndoFact(request)
    if as_json:
        print_json(answer)
    else:
        console.print(escape(fact_words(answer.fact)) if answer.HasField("fact") else f"{fact} is gone")


@knowledge.command("facts")
def facts(
    context: typer.Context,
    entity: Annotated[str, typer.Option(help="About this entity only")] = "",
    as_of: Annotated[datetime | None, typer.Option(help="What was true then, in UTC; now by default")] = None,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
) -> None:
    """List what holds."""
    request = knowledge_pb2.ListFactsRequest(entity=entity, page_size=limit)
    if as_of is not None:
        request.as_of.FromDatetime(as_of)
    with connected(context) as client:
        answer = client.knowledge.ListFacts(request)
    if as_json:
        print_json(answer)
        return
    rows = [
        (one.id, escape(one.entity), escape(one.slot), escape(one.value) + (" (stale)" if one.stale else ""))
        for one in answer.facts
    ]
    print_table(("fact", "entity", "slot", "value"), rows, "No fact yet; `antiphon knowledge teach` teaches one.")


@knowledge.command("history")
def history(context: typer.Context, fact: str, as_json: JsonOption = False) -> None:
    """List all that was said about a fact's slot, the latest first."""
    request = knowledge_pb2.FactHistoryRequest(fact_id=fact, page_size=500)
    with connected(context) as client:
        answer = client.knowledge.FactHistory(request)
    if as_json:
        print_json(answer)
        return
    rows = [
        (
            one.revision,
            knowledge_pb2.FactOperation.Name(one.operation).removeprefix("FACT_OPERATION_").lower(),
            escape(one.value),
            knowledge_pb2.FactStatus.Name(one.status).removeprefix("FACT_STATUS_").lower(),
            escape(one.provenance.author),
            one.create_time.ToDatetime().strftime("%Y-%m-%d %H:%M"),
        )
        for one in answer.revisions
    ]
    print_table(("revision", "said", "value", "status", "by", "when"), rows, "Nothing is known of it.")


@knowledge.command("used")
def used(
    context: typer.Context,
    fact: Annotated[str, typer.Option(help="A fact's id")] = "",
    document_name: Annotated[str, typer.Option("--document", help="A document's name")] = "",
    limit: LimitOption = 20,
    as_json: JsonOption = False,
) -> None:
    """List the replies that a fact or a document went into."""
    if bool(fact) == bool(document_name):
        raise Failure("name one of --fact and --document")
    request = knowledge_pb2.UsedByRequest(page_size=limit)
    if fact:
        request.fact_id = fact
    else:
        request.document_name = document_name
    with connected(context) as client:
        answer = client.knowledge.UsedBy(request)
    if as_json:
        print_json(answer)
        return
    rows = [(one.session_id, one.turn_id, one.round, one.revision) for one in answer.uses]
    print_table(("session", "turn", "round", "revision"), rows, "No reply has used it.")


@candidates.command("list")
def list_candidates(context: typer.Context, limit: LimitOption = 50, as_json: JsonOption = False) -> None:
    """List what waits to be confirmed."""
    with connected(context) as client:
        answer = client.knowledge.ListCandidates(knowledge_pb2.ListCandidatesRequest(page_size=limit))
    if as_json:
        print_json(answer)
        return
    rows = [
        (
            one.id,
            escape(one.question),
            escape(one.text),
            escape(one.value),
            escape(one.retracts or one.conflicts_with.value),
        )
        for one in answer.candidates
    ]
    print_table(("candidate", "question", "said", "value", "instead of"), rows, "Nothing waits.")


@candidates.command("confirm")
def confirm(context: typer.Context, candidate: str, as_json: JsonOption = False) -> None:
    """Make a candidate a fact."""
    _decide(context, candidate, reject=False, as_json=as_json)


@candidates.command("reject")
def reject(context: typer.Context, candidate: str, as_json: JsonOption = False) -> None:
    """Turn a candidate down."""
    _decide(context, candidate, reject=True, as_json=as_json)


def _decide(context: typer.Context, candidate: str, *, reject: bool, as_json: bool) -> None:
    request = knowledge_pb2.ConfirmCandidateRequest(candidate_id=candidate, reject=reject)
    with connected(context) as client:
        answer = client.knowledge.ConfirmCandidate(request)
    if as_json:
        print_json(answer)
    else:
        console.print("rejected" if reject else escape(fact_words(answer.fact)))
