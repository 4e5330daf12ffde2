"""The short customer-service conversation that `antiphon chat` plays where nobody types."""

from __future__ import annotations

import uuid
from pathlib import Path

from antiphon.client import Client
from antiphon.v1 import conversation_pb2, state_pb2

from services.cli.conversation import Conversation
from services.cli.knowledge import find_documents, ingest
from services.cli.output import Failure, console

FOLDER = Path(__file__).with_name("demo")
SCHEMA = "demo-internet"
SYSTEM = (
    "You are the assistant of Fernhill Internet, an internet provider. "
    "Answer in one or two short sentences. Use only the facts you are given."
)


def play(client: Client) -> None:
    """Play the conversation against the real services. Raises Failure when a turn gets no reply."""
    console.rule("Setting up an assistant for an internet provider")
    definition = (FOLDER / "schema.yaml").read_text(encoding="utf-8")
    schema = client.states.PutSchema(state_pb2.PutSchemaRequest(name=SCHEMA, definition=definition)).schema
    console.print(f"[dim]  schema {schema.name}, revision {schema.revision}[/dim]")
    for one in ingest(client, find_documents([FOLDER]), show=console.is_terminal):
        console.print(f"[dim]  document {one.name}: {one.passages} passages[/dim]")
    request = conversation_pb2.CreateSessionRequest(
        user_id=f"demo-{uuid.uuid4().hex[:8]}", schema_name=SCHEMA, system_text=SYSTEM
    )
    session = client.conversations.CreateSession(request).session
    _talk(Conversation(client, session))
    console.rule("The end")


def _talk(conversation: Conversation) -> None:
    """Six turns, a revision, a correction and a taught fact."""
    _turn(conversation, "Hello! How much does the Family plan cost?")
    _turn(conversation, "I would like to order the Family plan. Can a technician come on Friday at 10 am?")
    console.print("\n[bold magenta]agent corrects the state[/bold magenta]")
    conversation.correct("internet", "visit_time", "14:00")
    _turn(conversation, "At what time does the technician come?")
    _turn(conversation, "How do I set up the router?")
    _revise(conversation, "Use at most 25 words and mention the green light.")
    console.print("\n[bold magenta]agent teaches a fact[/bold magenta]")
    conversation.teach("Family plan", "offer", "the first two months are free")
    _turn(conversation, "Is there an offer for the Family plan at the moment?")
    _turn(conversation, "How can I cancel the plan later?")
    console.print("\n[bold magenta]why did it say that?[/bold magenta]")
    conversation.show_why()
    console.print("\n[bold magenta]what has it understood?[/bold magenta]")
    conversation.show_state()


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
