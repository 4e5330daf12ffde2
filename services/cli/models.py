"""``antiphon models``: versions, which one is served, and changing that."""

from __future__ import annotations

from typing import Annotated

import typer
from antiphon.v1 import model_pb2

from services.cli.connection import connected
from services.cli.options import JsonOption, LimitOption
from services.cli.output import console, print_json, print_table
from services.cli.train import kind_word

models = typer.Typer(no_args_is_help=True, help="Model versions: list, show, promote, canary, rollback, serving.")
Epoch = Annotated[int | None, typer.Option("--expected-epoch", help="Refuse if somebody changed it meanwhile")]


@models.command("list")
def list_versions(context: typer.Context, limit: LimitOption = 20, as_json: JsonOption = False) -> None:
    """List versions, the latest first, and what is current."""
    with connected(context) as client:
        answer = client.models.ListVersions(model_pb2.ListVersionsRequest(page_size=limit))
    if as_json:
        print_json(answer)
        return
    marks = {answer.pointer.previous_id: "previous", answer.pointer.canary_id: "canary"}
    marks[answer.pointer.current_id] = "[green]current[/green]"
    rows = [
        (
            one.id,
            kind_word(one.kind),
            status_word(one),
            one.base_model,
            marks.get(one.id, ""),
            one.create_time.ToDatetime().date(),
        )
        for one in answer.versions
    ]
    print_table(("version", "kind", "status", "base model", "", "made"), rows, "Only the base model is there.")


@models.command("show")
def show_version(context: typer.Context, version: str, as_json: JsonOption = False) -> None:
    """Show a version and what it scored at its gates."""
    with connected(context) as client:
        found = client.models.GetVersion(model_pb2.GetVersionRequest(version_id=version)).version
    if as_json:
        print_json(found)
        return
    console.print(
        f"{found.id} {kind_word(found.kind)}, {status_word(found)}, from {found.parent_id or found.base_model}"
    )
    if found.fusion_head_id:
        console.print(f"[dim]revisions use the fusion head {found.fusion_head_id}[/dim]")
    rows = [
        (
            one.name,
            f"{one.before:.3f}",
            f"{one.after:.3f}",
            f"{one.limit:.3f}" if one.HasField("limit") else "",
            one.items,
            "[green]passed[/green]" if one.passed else "[red]failed[/red]",
        )
        for one in found.measures
    ]
    print_table(("measure", "before", "after", "limit", "items", ""), rows, "It was not measured.")
    if found.HasField("scope"):
        console.print(f"[dim]{scope_words(found)}[/dim]")


@models.command("report")
def report(context: typer.Context, version: str, as_json: JsonOption = False) -> None:
    """Say in sentences how a version behaves, what it missed, and where it applies."""
    with connected(context) as client:
        found = client.models.GetVersion(model_pb2.GetVersionRequest(version_id=version)).version
    if as_json:
        print_json(found)
        return
    for line in report_lines(found):
        console.print(line)


@models.command("promote")
def promote(
    context: typer.Context,
    version: str,
    force: Annotated[bool, typer.Option("--force", help="Though it failed its gates")] = False,
    comment: Annotated[str, typer.Option(help="Why; kept in the log")] = "",
    expected_epoch: Epoch = None,
    as_json: JsonOption = False,
) -> None:
    """Make a version the current one."""
    request = model_pb2.PromoteVersionRequest(
        version_id=version, force=force, comment=comment, expected_epoch=expected_epoch
    )
    with connected(context) as client:
        _show_pointer(client.models.PromoteVersion(request).pointer, as_json)


@models.command("canary")
def canary(
    context: typer.Context,
    version: Annotated[str, typer.Argument(help="Empty ends the canary")] = "",
    share: Annotated[float, typer.Option(min=0, max=1, help="Share of new sessions")] = 0.1,
    expected_epoch: Epoch = None,
    as_json: JsonOption = False,
) -> None:
    """Give a share of new sessions another version."""
    request = model_pb2.SetCanaryRequest(
        version_id=version, share=share if version else 0.0, expected_epoch=expected_epoch
    )
    with connected(context) as client:
        _show_pointer(client.models.SetCanary(request).pointer, as_json)


@models.command("rollback")
def rollback(
    context: typer.Context,
    comment: Annotated[str, typer.Option(help="Why; kept in the log")] = "",
    expected_epoch: Epoch = None,
    as_json: JsonOption = False,
) -> None:
    """Go back to the previous version and withdraw the current one."""
    request = model_pb2.RollbackVersionRequest(comment=comment, expected_epoch=expected_epoch)
    with connected(context) as client:
        _show_pointer(client.models.RollbackVersion(request).pointer, as_json)


@models.command("serving")
def serving(context: typer.Context, as_json: JsonOption = False) -> None:
    """Show what every generator serves."""
    with connected(context) as client:
        answer = client.models.ListServing(model_pb2.ListServingRequest())
    if as_json:
        print_json(answer)
        return
    rows = [
        (one.worker, one.current_id, len(one.loaded_version_ids), f"{one.active}/{one.slots}", one.epoch)
        for one in answer.serving
    ]
    print_table(("generator", "current", "loaded", "active", "epoch"), rows, "No generator is up.")


def _show_pointer(pointer: model_pb2.VersionPointer, as_json: bool) -> None:
    if as_json:
        print_json(pointer)
        return
    canary_words = f", canary {pointer.canary_id} at {pointer.canary_share:.0%}" if pointer.canary_id else ""
    console.print(f"current {pointer.current_id or 'base model'}{canary_words} [dim]epoch {pointer.epoch}[/dim]")


_ABOUT = {
    "corrected": "Corrected messages are answered right",
    "paraphrases": "Wordings of them that no training saw are answered right",
    "neighbours_same": "Messages that sound like them keep the reply they had",
    "old_same": "General messages keep the reply they had",
    "earlier_corrected": "What earlier trainings learned is still answered right",
    "perplexity": "Perplexity of general replies",
    "degenerate": "Replies loop or find no end",
}


def report_lines(version: model_pb2.Version) -> list[str]:
    """The report of a version, line by line, the verdict first."""
    missed = [one for one in version.measures if not one.passed]
    verdict = "can be promoted" if version.status == model_pb2.VERSION_STATUS_READY else status_word(version)
    lines = [f"{version.id}: [bold]{verdict}[/bold]"]
    lines += [f"[red]misses[/red] {_sentence(one)}" for one in missed]
    lines += [
        f"[green]keeps[/green] {_sentence(one)}" for one in version.measures if one.passed and one.HasField("limit")
    ]
    lines += [f"[dim]informs {_sentence(one)}[/dim]" for one in version.measures if not one.HasField("limit")]
    return [*lines, scope_words(version)]


def scope_words(version: model_pb2.Version) -> str:
    """Where a version's pairs apply."""
    if not version.HasField("scope"):
        return "It has no scope: its weights answer every message."
    scope = version.scope
    return (
        f"Its weights answer messages that belong to one of {scope.corrections} corrections with a probability of at "
        f"least {scope.threshold:.2f}; every other message is answered as without it."
    )


def _sentence(measure: model_pb2.EvaluationMeasure) -> str:
    about = _ABOUT.get(measure.name, measure.name.replace("_", " "))
    if not measure.HasField("low"):
        limit = f", at most {measure.limit:.3f} is allowed" if measure.HasField("limit") else ""
        return f"{about}: {measure.after:.3f}, before {measure.before:.3f}{limit}."
    bound = "at most" if measure.name == "degenerate" else "at least"
    return (
        f"{about}: {measure.after:.1%} of {measure.items} (truly {measure.low:.0%} to {measure.high:.0%}), before "
        f"{measure.before:.1%}; {bound} {measure.limit:.0%} is asked for."
    )


def status_word(version: model_pb2.Version) -> str:
    """What a version is good for, in a word."""
    return model_pb2.VersionStatus.Name(version.status).removeprefix("VERSION_STATUS_").lower().replace("_", " ")
