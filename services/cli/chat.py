"""``antiphon chat``: talking on the terminal, with commands for feedback, state and knowledge."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Annotated

import typer
from antiphon.client import AntiphonError, Client
from antiphon.v1 import conversation_pb2, knowledge_pb2, state_pb2
from rich.markup import escape

from deploy.local.home import Home
from services.cli import demonstration, stack
from services.cli.connection import Target, open_client
from services.cli.conversation import Conversation
from services.cli.demonstration import play
from services.cli.options import user_name
from services.cli.output import Failure, console
from services.cli.scripts import SCRIPTS, Language, Script
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
    language: Annotated[Language, typer.Option(help="Language of the demonstration")] = Language.EN,
) -> None:
    """Talk. Without a terminal, play a short customer-service conversation instead."""
    target: Target = context.obj
    demo = demo or not sys.stdin.isatty()
    script = SCRIPTS[language]
    with _stack(target) if bring_up else contextlib.nullcontext(), open_client(target) as client:
        if demo:
            play(client, (lambda key: open_client(replace(target, key=key))) if learning else None, script)
        else:
            talk(_conversation(client, session, user or user_name(), schema, script, first=bring_up))
            if bring_up:
                console.print(script.next_steps.format(command=stack.launcher()), markup=False)


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


def _conversation(
    client: Client, session: str | None, user: str, schema: str, script: Script, first: bool
) -> Conversation:
    """The named session's conversation; else a new one.

    That has the assistant of `schema`, else the only one that there is; where it may be the `first` one of a tenant
    that knows nothing and has no assistant but demonstrations, that of the `script`.
    """
    if session is not None:
        request = conversation_pb2.GetSessionRequest(session_id=session)
        return Conversation(client, client.conversations.GetSession(request).session)
    if not schema:
        names = [known.name for known in client.states.ListSchemas(state_pb2.ListSchemasRequest()).schemas]
        demonstrations = {each.schema for each in SCRIPTS.values()}
        if script.schema in names and demonstrations.issuperset(names):
            return _suggest(demonstration.begin(client, user, script), script)
        if first and (demonstrations.issuperset(names) if names else not _knows_something(client)):
            return _suggest(demonstration.set_up(client, user, script), script)
        schema = names[0] if len(names) == 1 else ""
        if len(names) > 1:
            console.print(f"[dim]no assistant chosen (--schema): {escape(', '.join(names))}[/dim]")
    created = conversation_pb2.CreateSessionRequest(user_id=user, schema_name=schema)
    return Conversation(client, client.conversations.CreateSession(created).session)


def _knows_something(client: Client) -> bool:
    facts = client.knowledge.ListFacts(knowledge_pb2.ListFactsRequest(page_size=1)).facts
    return bool(facts or client.knowledge.Search(knowledge_pb2.SearchRequest(query="the", limit=1)).hits)


def _suggest(conversation: Conversation, script: Script) -> Conversation:
    """Show what one may ask the demonstration's assistant."""
    console.print(script.introduction)
    for line in script.suggestions:
        console.print(f"  [cyan]{escape(line)}[/cyan]")
    return conversation


def talk(conversation: Conversation) -> None:
    """The loop of a person at a terminal."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  (line editing for input())
    console.print(f"[dim]session {conversation.session.id}; /help lists the commands[/dim]")
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
