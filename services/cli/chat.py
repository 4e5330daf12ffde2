"""``antiphon chat``: talking on the terminal, with commands for feedback, state and knowledge."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Annotated

import typer
from antiphon.client import AntiphonError, Client
from antiphon.v1 import conversation_pb2

from deploy.local.home import Home
from services.cli import stack
from services.cli.connection import Target, open_client
from services.cli.conversation import Conversation
from services.cli.demonstration import play
from services.cli.options import user_name
from services.cli.output import Failure, console
from services.cli.state import parse_correction

HELP = """\
  /revise TEXT                  another draft of the last reply; without text it is drawn again
  /drafts                       every draft of the last turn, and what changed from one to the next
  /accept [ROUND]               the draft that counts, the latest unless you name one
  /rate 1..5                    rate the last reply (stored, learned from)
  /edit TEXT                    the last reply as it should have been (stored, learned from)
  /state                        what the assistant has understood
  /correct SERVICE.SLOT=VALUE   correct it; without a value the slot is deleted
  /teach ENTITY | SLOT | VALUE  teach a fact that the next reply knows
  /facts                        facts that hold
  /why                          what the last reply was made from
  /help, /quit                  this list; the end (so does Ctrl-D). Ctrl-C cancels a reply."""


def chat(
    context: typer.Context,
    session: Annotated[str | None, typer.Option(help="Go on in this session; default: a new one")] = None,
    user: Annotated[str | None, typer.Option(help="Whose session a new one is")] = None,
    schema: Annotated[str, typer.Option(help="Schema of a new session")] = "",
    bring_up: Annotated[bool, typer.Option("--up", help="Run the embedded stack for as long as it takes")] = False,
    demo: Annotated[
        bool, typer.Option("--demo", help="Play a short conversation; so it does when there is no terminal")
    ] = False,
    learning: Annotated[
        bool, typer.Option("--learning/--no-learning", help="Whether what is played ends with a training (two minutes)")
    ] = True,
) -> None:
    """Talk. Without a terminal, play a short customer-service conversation instead."""
    target: Target = context.obj
    demo = demo or not sys.stdin.isatty()
    with _stack(target) if bring_up else contextlib.nullcontext(), open_client(target) as client:
        if demo:
            play(client, (lambda key: open_client(replace(target, key=key))) if learning else None)
        else:
            talk(client, session, user or user_name(), schema)


@contextlib.contextmanager
def _stack(target: Target) -> Iterator[None]:
    """The embedded stack, started if it is not running and then ended again on leaving."""
    home = Home(target.home)
    supervisor = stack.start(home)
    try:
        stack.wait_ready(home, supervisor)
        if supervisor is not None:
            stack.announce(home)
        yield
    finally:
        if supervisor is not None:
            with console.status("stopping"):
                stack.stop(home)


def talk(client: Client, session: str | None, user: str, schema: str) -> None:
    """The loop of a person at a terminal."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  (line editing for input())
    if session is not None:
        found = client.conversations.GetSession(conversation_pb2.GetSessionRequest(session_id=session)).session
    else:
        request = conversation_pb2.CreateSessionRequest(user_id=user, schema_name=schema)
        found = client.conversations.CreateSession(request).session
    conversation = Conversation(client, found)
    console.print(f"[dim]session {found.id}; /help lists the commands[/dim]")
    while True:
        try:
            line = console.input("[bold]> [/bold]").strip()
        except (EOFError, KeyboardInterrupt):
            console.print()
            return
        if line in ("/quit", "/exit", "/q"):
            return
        if line:
            _obey(conversation, line)


def _obey(conversation: Conversation, line: str) -> None:
    """Do what one line says; what goes wrong is shown and the conversation goes on."""
    try:
        if not line.startswith("/"):
            conversation.say(line)
            return
        name, _, rest = line[1:].partition(" ")
        if name not in COMMANDS:
            raise Failure(f"no command /{name}; /help lists them")
        COMMANDS[name](conversation, rest.strip())
    except (Failure, AntiphonError) as error:
        console.print(f"[red]{error}[/red]", markup=True)


def _rate(conversation: Conversation, text: str) -> None:
    if text not in {"1", "2", "3", "4", "5"}:
        raise Failure("/rate wants a number from 1 to 5")
    conversation.rate(int(text))


def _accept(conversation: Conversation, text: str) -> None:
    if text and not text.isdecimal():
        raise Failure("/accept wants a draft's number, or nothing for the latest")
    conversation.accept(int(text) if text else None)


def _edit(conversation: Conversation, text: str) -> None:
    if not text:
        raise Failure("/edit wants the reply as it should have been")
    conversation.edit(text)


def _correct(conversation: Conversation, text: str) -> None:
    correction = parse_correction(text)
    value = correction.value if correction.HasField("value") else None
    conversation.correct(correction.service, correction.slot, value)


def _teach(conversation: Conversation, text: str) -> None:
    parts = [part.strip() for part in text.split("|")]
    if len(parts) != 3 or not all(parts):
        raise Failure("/teach wants ENTITY | SLOT | VALUE, as: /teach Family plan | discount | 10 percent")
    conversation.teach(*parts)


COMMANDS: dict[str, Callable[[Conversation, str], None]] = {
    "revise": lambda conversation, text: conversation.revise(text or None),
    "drafts": lambda conversation, _: conversation.show_drafts(),
    "accept": _accept,
    "rate": _rate,
    "edit": _edit,
    "state": lambda conversation, _: conversation.show_state(),
    "correct": _correct,
    "teach": _teach,
    "facts": lambda conversation, _: conversation.show_facts(),
    "why": lambda conversation, _: conversation.show_why(),
    "help": lambda _conversation, _: console.print(HELP, markup=False),
}
