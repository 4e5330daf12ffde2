"""``antiphon train``: runs that learn from feedback."""

from __future__ import annotations

import time
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

import typer
from antiphon.client import Client, Unavailable
from antiphon.v1 import model_pb2
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from services.cli.connection import connected
from services.cli.options import JsonOption, LimitOption
from services.cli.output import console, errors, print_json, print_json_line, print_table

PATIENCE_S = 60.0
"""So long a training is watched without a gateway."""

train = typer.Typer(no_args_is_help=True, help="Learn from feedback: start, watch, cancel, list.")


class Kind(StrEnum):
    """What a training changes."""

    ADAPTER = "adapter"
    FUSION_HEAD = "fusion-head"


ENDED = (
    model_pb2.TRAINING_STATUS_COMPLETED,
    model_pb2.TRAINING_STATUS_CANCELLED,
    model_pb2.TRAINING_STATUS_FAILED,
)


@train.command("start")
def start(
    context: typer.Context,
    kind: Annotated[
        Kind, typer.Option(help="What learns: low-rank pairs, or the head that mixes feedback into revisions")
    ] = Kind.ADAPTER,
    promote: Annotated[bool, typer.Option("--promote", help="Promote what passes its gates")] = False,
    max_steps: Annotated[int | None, typer.Option(min=1)] = None,
    watch_it: Annotated[bool, typer.Option("--watch", help="Follow it to its end")] = False,
    as_json: JsonOption = False,
) -> None:
    """Start a training on the feedback that is there."""
    settings = model_pb2.TrainingSettings(max_steps=max_steps)
    number = model_pb2.TrainingKind.Value(f"TRAINING_KIND_{kind.name}")
    request = model_pb2.StartTrainingRequest(settings=settings, promote=promote, kind=number)
    with connected(context) as client:
        training = client.models.StartTraining(request).training
    if watch_it:
        watch(context, training.id, as_json)
    elif as_json:
        print_json(training)
    else:
        console.print(f"{training.id} [dim]`antiphon train watch {training.id}` follows it[/dim]")


@train.command("watch")
def watch(context: typer.Context, training: str, as_json: JsonOption = False) -> None:
    """Follow a training to its end. Ends with status 1 when it failed."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    last = model_pb2.Training(id=training)
    with (
        connected(context) as client,
        Progress(*columns, console=errors, transient=True, disable=as_json) as progress,
    ):
        task = progress.add_task("queued", total=None)
        for last in follow(client, training):
            if as_json:
                print_json_line(last)
            loss = f", loss {last.loss:.3f}" if last.loss else ""
            progress.update(
                task, description=status_word(last) + loss, completed=last.step, total=last.total_steps or None
            )
    if not as_json:
        console.print(f"{last.id} {status_word(last)} {escape(last.version_id)} [red]{escape(last.error)}[/red]")
    if last.status == model_pb2.TRAINING_STATUS_FAILED:
        raise typer.Exit(1)


def follow(client: Client, training: str, patience_s: float = PATIENCE_S) -> Iterator[model_pb2.Training]:
    """A training as it goes on, to its end; a gateway that goes away is waited for. Raises Unavailable after that."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            for answer in client.models.WatchTraining(model_pb2.WatchTrainingRequest(training_id=training)):
                deadline = time.monotonic() + patience_s
                yield answer.training
            return
        except Unavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


@train.command("cancel")
def cancel(context: typer.Context, training: str, as_json: JsonOption = False) -> None:
    """Cancel a training; its checkpoints go."""
    with connected(context) as client:
        found = client.models.CancelTraining(model_pb2.CancelTrainingRequest(training_id=training)).training
    if as_json:
        print_json(found)
    else:
        console.print(f"{found.id} {status_word(found)}")


@train.command("list")
def list_trainings(context: typer.Context, limit: LimitOption = 20, as_json: JsonOption = False) -> None:
    """List trainings, the latest first."""
    with connected(context) as client:
        answer = client.models.ListTrainings(model_pb2.ListTrainingsRequest(page_size=limit))
    if as_json:
        print_json(answer)
        return
    rows = [
        (
            one.id,
            kind_word(one.kind),
            status_word(one),
            f"{one.step}/{one.total_steps}",
            one.new_examples,
            one.version_id,
        )
        for one in answer.trainings
    ]
    print_table(("training", "kind", "status", "step", "examples", "version"), rows, "No training yet.")


def kind_word(kind: model_pb2.TrainingKind.ValueType) -> str:
    """What a training changes, in words."""
    return model_pb2.TrainingKind.Name(kind).removeprefix("TRAINING_KIND_").lower().replace("_", " ")


def status_word(training: model_pb2.Training) -> str:
    """How far a training is, in a word."""
    return model_pb2.TrainingStatus.Name(training.status).removeprefix("TRAINING_STATUS_").lower()
