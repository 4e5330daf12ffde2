"""``antiphon state`` and ``antiphon schema``: what the tracker has understood, read and corrected."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from antiphon.v1 import state_pb2

from services.cli.connection import connected
from services.cli.options import JsonOption
from services.cli.output import Failure, console, print_json, print_table
from services.cli.render import state_table

state = typer.Typer(no_args_is_help=True, help="Read and correct a session's dialogue state.")
schema = typer.Typer(no_args_is_help=True, help="What the dialogue is about: services, intents, slots.")


@state.command("show")
def show_state(
    context: typer.Context,
    session: str,
    turn: Annotated[int | None, typer.Option(help="After this turn's number; default: the latest")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show a session's state."""
    with connected(context) as client:
        answer = client.states.GetState(state_pb2.GetStateRequest(session_id=session, turn_number=turn))
    if as_json:
        print_json(answer.snapshot)
    elif not answer.snapshot.state.services:
        console.print("[dim]Nothing is known yet.[/dim]")
    else:
        console.print(state_table(answer.snapshot.state))
        console.print(f"[dim]after turn {answer.snapshot.turn_number}, revision {answer.snapshot.revision}[/dim]")


@state.command("correct")
def correct_state(
    context: typer.Context,
    session: str,
    corrections: Annotated[list[str], typer.Argument(help="SERVICE.SLOT=VALUE; without a value it is deleted")],
    expected_revision: Annotated[int | None, typer.Option(help="Refuse if the state has moved on")] = None,
    as_json: JsonOption = False,
) -> None:
    """Correct slots of the latest state; all or none."""
    request = state_pb2.CorrectStateRequest(
        session_id=session,
        expected_revision=expected_revision,
        corrections=[parse_correction(text) for text in corrections],
    )
    with connected(context) as client:
        answer = client.states.CorrectState(request)
    if as_json:
        print_json(answer.snapshot)
    else:
        console.print(state_table(answer.snapshot.state))


def parse_correction(text: str) -> state_pb2.StateCorrection:
    """``internet.visit_time=2 pm`` as a correction; ``internet.visit_time=`` deletes. Raises Failure."""
    place, equals, value = text.partition("=")
    service, dot, slot = place.strip().rpartition(".")
    if not equals or not dot or not service or not slot:
        raise Failure(f"a correction reads SERVICE.SLOT=VALUE, not {text!r}")
    return state_pb2.StateCorrection(service=service, slot=slot, value=value.strip() or None)


@schema.command("put")
def put_schema(context: typer.Context, name: str, file: Path, as_json: JsonOption = False) -> None:
    """Store a schema from a YAML or JSON file; a changed one becomes its next revision."""
    if not file.is_file():
        raise Failure(f"no such file: {file}")
    request = state_pb2.PutSchemaRequest(name=name, definition=file.read_text(encoding="utf-8"))
    with connected(context) as client:
        stored = client.states.PutSchema(request).schema
    if as_json:
        print_json(stored)
        return
    slots = sum(len(service.slots) for service in stored.services)
    console.print(f"{name}, revision {stored.revision}: {len(stored.services)} services, {slots} slots")


@schema.command("list")
def list_schemas(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the schemas in their latest revisions."""
    with connected(context) as client:
        answer = client.states.ListSchemas(state_pb2.ListSchemasRequest(page_size=500))
    if as_json:
        print_json(answer)
        return
    rows = [(one.name, one.revision, ", ".join(service.name for service in one.services)) for one in answer.schemas]
    print_table(("schema", "revision", "services"), rows, "No schema yet; `antiphon schema put NAME FILE` stores one.")


@schema.command("show")
def show_schema(
    context: typer.Context,
    name: str,
    revision: Annotated[int, typer.Option(help="Default: the latest")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Show a schema as it was put."""
    with connected(context) as client:
        found = client.states.GetSchema(state_pb2.GetSchemaRequest(name=name, revision=revision)).schema
    if as_json:
        print_json(found)
    else:
        console.print(found.definition, markup=False)
