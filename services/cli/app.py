"""The `antiphon` command: where its nouns are put together, and how a failure is shown."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from antiphon.client import AntiphonError

from services.cli import (
    admin,
    ask,
    chat,
    dataset,
    doctor,
    drafts,
    erasures,
    evaluate,
    feedback,
    init,
    keys,
    knowledge,
    mcp,
    models,
    replaying,
    sessions,
    settings,
    stack,
    state,
    train,
    verify,
    webhooks,
)
from services.cli.connection import Target
from services.cli.options import HomeOption
from services.cli.output import Failure, console, errors

app = typer.Typer(
    name="antiphon",
    help="Talk to a language model that listens: replies, feedback, state, knowledge, training.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        console.print(f"antiphon {version('antiphon')}")
        raise typer.Exit


@app.callback()
def target(
    context: typer.Context,
    address: Annotated[
        str | None, typer.Option(envvar="ANTIPHON_ADDRESS", help="Gateway, HOST:PORT[,HOST:PORT…]")
    ] = None,
    key: Annotated[str | None, typer.Option(envvar="ANTIPHON_API_KEY", help="API key")] = None,
    tls: Annotated[bool, typer.Option("--tls", envvar="ANTIPHON_TLS", help="Speak TLS to the gateway")] = False,
    tls_ca: Annotated[
        Path | None, typer.Option(envvar="ANTIPHON_TLS_CA", help="Trust this authority (PEM) instead of the system's")
    ] = None,
    tls_certificate: Annotated[
        Path | None, typer.Option(envvar="ANTIPHON_CLIENT_CERTIFICATE", help="Own certificate (PEM), for mutual TLS")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(envvar="ANTIPHON_CLIENT_KEY", help="Its private key (PEM)")] = None,
    token_file: Annotated[
        Path | None, typer.Option(envvar="ANTIPHON_TOKEN_FILE", help="File with a token (JWT) to send in a key's place")
    ] = None,
    home: HomeOption = None,
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version and end", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Without an address, commands talk to the embedded stack of this machine."""
    context.obj = Target(address, key, home, tls, tls_ca, tls_certificate, tls_key, token_file)


PANELS: dict[str, tuple[Callable[..., None], ...]] = {
    "Embedded stack": (stack.up, stack.down, stack.status, doctor.logs, doctor.doctor, init.init, verify.verify),
    "Talking": (
        chat.chat,
        ask.ask,
        ask.revise,
        drafts.drafts,
        ask.accept,
        ask.attach,
        ask.retry,
        ask.cancel,
        replaying.replay,
        evaluate.evaluate,
        mcp.mcp,
    ),
}
for panel, commands in PANELS.items():
    for command in commands:
        app.command(rich_help_panel=panel)(command)
for name, noun in {
    "sessions": sessions.sessions,
    "state": state.state,
    "schema": state.schema,
    "knowledge": knowledge.knowledge,
    "feedback": feedback.feedback,
    "dataset": dataset.dataset,
    "train": train.train,
    "models": models.models,
    "keys": keys.keys,
    "webhooks": webhooks.webhooks,
    "erasures": erasures.erasures,
    "admin": admin.admin,
}.items():
    app.add_typer(noun, name=name, rich_help_panel="Nouns")
app.command()(settings.settings)


def main() -> None:
    """Run the command; what goes wrong becomes one line on standard error and status 1."""
    try:
        app()
    except (Failure, AntiphonError) as failure:
        errors.print("[red]antiphon:[/red]", end=" ")
        errors.print(str(failure), markup=False)
        sys.exit(1)
