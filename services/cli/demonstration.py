"""The short customer-service conversation that `antiphon chat` plays where nobody types."""

from __future__ import annotations

import uuid
from pathlib import Path

from antiphon.client import Client
from antiphon.v1 import conversation_pb2, state_pb2
from antiphon.v1.common_pb2 import DecodingSettings

from services.cli.conversation import Conversation
from services.cli.documents import choose, ingest, show_ingestion
from services.cli.learning import Open, play_learning
from services.cli.output import Failure, console

FOLDER = Path(__file__).with_name("demo")
SCHEMA = "demo-internet"
SYSTEM = "You are a helpful AI assistant of Fernhill Internet. Answer in one short sentence."


def play(client: Client, opened: Open | None) -> None:
    """Play the conversation against the real services. ``opened`` makes a client with another key; None: no training.

    Raises Failure when a turn gets no reply.
    """
    _talk(set_up(client, f"demo-{uuid.uuid4().hex[:8]}"))
    if opened is not None:
        play_learning(client, opened)
    console.rule("The end")


def set_up(client: Client, user: str) -> Conversation:
    """Put the demonstration's schema and documents in place and begin a conversation with its assistant."""
    console.rule("Setting up an assistant for an internet provider")
    definition = (FOLDER / "schema.yaml").read_text(encoding="utf-8")
    schema = client.states.PutSchema(state_pb2.PutSchemaRequest(name=SCHEMA, definition=definition)).schema
    console.print(f"[dim]  schema {schema.name}, revision {schema.revision}[/dim]")
    for document in ingest(client, choose([FOLDER]).files, show=console.is_terminal).ingestions:
        show_ingestion(document)
    return begin(client, user)


def begin(client: Client, user: str) -> Conversation:
    """A conversation of the user with the demonstration's assistant, which is in place."""
    request = conversation_pb2.CreateSessionRequest(user_id=user, schema_name=SCHEMA, system_text=SYSTEM)
    session = client.conversations.CreateSession(request).session
    return Conversation(client, session, settings=DecodingSettings(max_tokens=40, stop=["\n"]))


def _talk(conversation: Conversation) -> None:
    """Six turns, a revision, a correction and a taught fact."""
    _turn(conversation, "Hello! How much does the Family plan cost?")
    _turn(conversation, "What does a red light on the router mean?")
    _revise(conversation, "Use at most 40 words and mention the grey cable.")
    _turn(conversation, "Is a technician's visit on Friday free of charge?")
    _aside("an agent corrects the state")
    conversation.correct("order", "visit_day", "Monday")
    _turn(conversation, "What day is the technician's visit?")
    _aside("an agent teaches a fact")
    fact = conversation.teach("Family plan", "trial period", "two months")
    _turn(conversation, "How long is the trial period of the Family plan?")
    _aside("why did it say that?")
    conversation.show_why()
    _turn(conversation, "What is the telephone number of the service?")
    _aside("what has it understood?")
    conversation.show_state()
    conversation.retract(fact)  # the demonstration leaves no knowledge of its own behind for the next one


def _aside(text: str) -> None:
    console.print(f"\n[bold magenta]({text})[/bold magenta]")


def _turn(conversation: Conversation, text: str) -> None:
    console.print(f"\n[bold]user[/bold]       {text}")
    conversation.draft = None
    conversation.say(text)
    _check(conversation)


def _revise(conversation: Conversation, text: str) -> None:
    console.print(f"\n[bold]feedback[/bold]   {text}")
    conversation.draft = None
    conversation.revise(text)
    _check(conversation)


def _check(conversation: Conversation) -> None:
    if conversation.draft is None:
        raise Failure(f"turn {conversation.turn_id} got no reply")
