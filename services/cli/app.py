"""The `antiphon` command: where its nouns are put together, and how a failure is shown."""

from __future__ import annotations

import sys

import typer

from services.cli import settings, stack
from services.cli.output import Failure, errors

app = typer.Typer(
    name="antiphon",
    help="Talk to a language model that listens: replies, feedback, state, knowledge, training.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command()(stack.up)
app.command()(stack.down)
app.command()(stack.status)
app.command()(settings.settings)


def main() -> None:
    """Run the command; a Failure becomes one line on standard error and status 1."""
    try:
        app()
    except Failure as failure:
        errors.print(f"[red]antiphon:[/red] {failure}", markup=True)
        sys.exit(1)
