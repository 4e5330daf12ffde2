"""The short customer-service conversation that `antiphon chat` plays where nobody types."""

from __future__ import annotations

import uuid

from antiphon.client import Client
from antiphon.v1 import conversation_pb2, state_pb2
from antiphon.v1.common_pb2 import DecodingSettings
from rich.cells import cell_len

from services.cli.conversation import Conversation
from services.cli.documents import choose, ingest, show_ingestion
from services.cli.learning import Open, play_learning
from services.cli.output import Failure, console
from services.cli.scripts import Script

_LABEL_CELLS = 11


def play(client: Client, opened: Open | None, script: Script) -> None:
    """Play the conversation against the real services. ``opened`` makes a client with another key; None: no training.

    Raises Failure when a turn gets no reply.
    """
    _talk(set_up(client, f"demo-{uuid.uuid4().hex[:8]}", script), script)
    if opened is not None and script.learns:
        play_learning(client, opened)
    elif opened is not None:
        _aside(script.without_learning)
    console.rule(script.end)


def set_up(client: Client, user: str, script: Script) -> Conversation:
    """Put the demonstration's schema and documents in place and begin a conversation with its assistant."""
    console.rule(script.heading)
    definition = (script.folder / "schema.yaml").read_text(encoding="utf-8")
    schema = client.states.PutSchema(state_pb2.PutSchemaRequest(name=script.schema, definition=definition)).schema
    console.print(f"[dim]  schema {schema.name}, revision {schema.revision}[/dim]")
    for document in ingest(client, choose([script.folder]).files, show=console.is_terminal).ingestions:
        show_ingestion(document)
    return begin(client, user, script)


def begin(client: Client, user: str, script: Script) -> Conversation:
    """A conversation of the user with the demonstration's assistant, which is in place."""
    request = conversation_pb2.CreateSessionRequest(user_id=user, schema_name=script.schema, system_text=script.system)
    session = client.conversations.CreateSession(request).session
    return Conversation(client, session, settings=DecodingSettings(max_tokens=40, stop=["\n"]))


def _talk(conversation: Conversation, script: Script) -> None:
    """Questions, a revision, a correction, a booking and a taught fact."""

    def ask(text: str) -> None:
        _show(script.user, text)
        conversation.draft = None
        conversation.say(text)
        _check(conversation)

    ask(script.price)
    ask(script.light)
    _show(script.feedback, script.comment)
    conversation.draft = None
    conversation.revise(script.comment)
    _check(conversation)
    ask(script.visit)
    _aside(script.corrected)
    conversation.correct(*script.correction)
    for message in script.booking:
        ask(message)
    _aside(script.taught)
    fact = conversation.teach(*script.fact)
    ask(script.trial)
    _aside(script.why)
    conversation.show_why()
    ask(script.telephone)
    _aside(script.state)
    conversation.show_state()
    conversation.retract(fact)  # the demonstration leaves no knowledge of its own behind for the next one


def _aside(text: str) -> None:
    console.print(f"\n[bold magenta]({text})[/bold magenta]")


def _show(label: str, text: str) -> None:
    console.print(f"\n[bold]{label}[/bold]{' ' * (_LABEL_CELLS - cell_len(label))}{text}")


def _check(conversation: Conversation) -> None:
    if conversation.draft is None:
        raise Failure(f"turn {conversation.turn_id} got no reply")
