"""``antiphon verify``: the kill test."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from deploy.local.program import ProgramError
from services.cli.options import JsonOption
from services.cli.output import Failure, console, errors, print_json
from services.verify.history import FAULTS, KINDS
from services.verify.report import figures, markdown


def verify(
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds are tried")] = 3,
    first: Annotated[int, typer.Option(min=0, help="The first seed's number")] = 1,
    faults: Annotated[
        list[str] | None, typer.Option("--fault", help=f"A kind of fault; all by default: {', '.join(FAULTS)}")
    ] = None,
    clients: Annotated[int, typer.Option(min=1, max=64, help="Clients at a time")] = 6,
    seconds: Annotated[float, typer.Option(min=5, help="How long the clients of a seed act")] = 14.0,
    broker: Annotated[str, typer.Option(help="amqp://… or redis://… in place of an own Redis; it is not hurt")] = "",
    report: Annotated[Path | None, typer.Option(help="Where the report goes (Markdown)")] = None,
    as_json: JsonOption = False,
) -> None:
    """Kill, stop, freeze and cut off a stack of its own under load, and hold what clients were told against what is
    stored. Ends with status 1 where a promise was broken."""
    if unknown := set(faults or ()) - set(FAULTS):
        raise Failure(f"--fault knows {', '.join(FAULTS)}, not {', '.join(sorted(unknown))}")
    from services.verify import campaign  # it holds the clients of mongod and Redis; no other command needs them

    options = campaign.Options(seconds, clients, kinds=tuple(faults or FAULTS), broker_url=broker)
    numbers = list(range(first, first + seeds))
    with tempfile.TemporaryDirectory(prefix="antiphon-verify-") as folder:
        try:
            results = campaign.run(Path(folder), numbers, options, errors.print if not as_json else lambda _: None)
        except ProgramError as error:
            raise Failure(f"the stack does not work: {error}") from None
    found = figures(results)
    if report is not None:
        report.write_text(markdown(results), encoding="utf-8")
    if as_json:
        print_json(found)
    else:
        console.print(markdown(results), markup=False)
    if any(found[kind] for kind in KINDS):
        raise typer.Exit(1)
