"""``antiphon dataset``: what people said about drafts, as training sets for other trainers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from antiphon.v1 import feedback_pb2

from services.cli.connection import connected
from services.cli.dataset_rows import Form, Made, rows
from services.cli.options import JsonOption
from services.cli.output import Failure, console, print_json

TRAIN, HELD_OUT, LINEAGE = "train.jsonl", "held_out.jsonl", "lineage.jsonl"

dataset = typer.Typer(no_args_is_help=True, help="Training sets for other trainers: export.")


@dataset.command("export")
def export(
    context: typer.Context,
    form: Annotated[Form, typer.Option("--format", help="Who reads it: a trainer of TRL, or OpenAI's fine-tuning")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder to write into; what it holds of an export is replaced")
    ],
    held_out: Annotated[float, typer.Option(min=0, max=1, help="Share of the conversations that is held out")] = 0.1,
    masked: Annotated[
        bool, typer.Option("--masked/--every-reply", help="Whether a row's last reply alone is learned, or every one")
    ] = True,
    user: Annotated[str, typer.Option(help="Of this user only")] = "",
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Personal data as it was said, where you may see it")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Write what was corrected, approved of and rejected as a training set, with the whole conversation of each.

    The folder gets train.jsonl, held_out.jsonl (the same conversations in every export) and lineage.jsonl, which says
    of every line which feedback, turn and session it came from. What was erased is in no later export.
    """
    if out.exists() and not out.is_dir():
        raise Failure(f"{out} is no folder")
    if not masked and form in (Form.TRL_DPO, Form.TRL_KTO):
        raise Failure(f"--every-reply is not for {form.value}: it compares last replies")
    request = feedback_pb2.ExportFeedbackRequest(user_id=user, with_earlier_turns=True, reveal=reveal)
    with connected(context) as client:
        records = [answer.record for answer in client.feedback.ExportFeedback(request)]
    counts = write(rows(records, form, held_out=held_out, masked=masked), out)
    if as_json:
        print_json({"format": form.value, "records": len(records), **counts})
        return
    console.print(f"{counts['train']} rows to train on and {counts['held_out']} held out in {out}")


def write(made: Iterable[Made], folder: Path) -> dict[str, int]:
    """Write the rows and where each came from; answers how many of each kind."""
    folder.mkdir(parents=True, exist_ok=True)
    lines: dict[str, list[str]] = {TRAIN: [], HELD_OUT: []}
    lineage = []
    for one in made:
        name = HELD_OUT if one.held_out else TRAIN
        lines[name].append(json.dumps(one.row, ensure_ascii=False))
        source = {"feedback": one.record.id, "turn": one.record.turn_id, "session": one.record.session_id}
        earlier = [turn.turn_id for turn in one.record.earlier_turns]
        lineage.append(json.dumps({"file": name, "line": len(lines[name]), **source, "earlier_turns": earlier}))
    for name, written in ((TRAIN, lines[TRAIN]), (HELD_OUT, lines[HELD_OUT]), (LINEAGE, lineage)):
        (folder / name).write_text("".join(f"{line}\n" for line in written), encoding="utf-8")
    return {"train": len(lines[TRAIN]), "held_out": len(lines[HELD_OUT])}
