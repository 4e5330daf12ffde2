"""``antiphon knowledge``: documents and facts that replies are grounded on."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from antiphon.v1 import knowledge_pb2
from rich.markup import escape

from services.cli import documents, fact_files
from services.cli.connection import connected
from services.cli.options import JsonOption, LimitOption, user_name
from services.cli.output import Failure, console, print_json, print_table
from services.cli.render import fact_words

knowledge = typer.Typer(no_args_is_help=True, help="Documents and facts that replies are grounded on.")
candidates = typer.Typer(no_args_is_help=True, help="Facts mined from feedback and talk, waiting to be confirmed.")
knowledge.add_typer(documents.documents, name="documents")
knowledge.add_typer(candidates, name="candidates")
knowledge.command("add")(documents.add)
knowledge.command("import")(fact_files.import_facts)


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
