"""``antiphon ask`` and ``revise``: one turn from the command line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer
from antiphon.v1 import common_pb2, conversation_pb2, feedback_pb2

from services.cli.connection import connected
from services.cli.options import JsonOption, user_name
from services.cli.output import Failure, console, print_json, print_json_line
from services.cli.render import TurnView, usage_words

Temperature = Annotated[float | None, typer.Option(min=0, max=2, help="0 is greedy")]
MaxTokens = Annotated[int | None, typer.Option(min=1, help="Most tokens of the reply")]
Seed = Annotated[int | None, typer.Option(help="Seed of the sampling")]
Events = Annotated[bool, typer.Option("--events", help="With --json: every event, one on a line")]


def ask(
    context: typer.Context,
    text: str,
    session: Annotated[str | None, typer.Option(help="Go on in this session; default: a new one")] = None,
    user: Annotated[str | None, typer.Option(help="Whose session a new one is")] = None,
    schema: Annotated[str, typer.Option(help="Schema of a new session")] = "",
    watermark: Annotated[int, typer.Option(help="What was taught up to it must be searched")] = 0,
    temperature: Temperature = None,
    max_tokens: MaxTokens = None,
    seed: Seed = None,
    events: Events = False,
    as_json: JsonOption = False,
) -> None:
    """Send a message and print the reply as it comes."""
    settings = decoding(temperature, max_tokens, seed)
    with connected(context) as client:
        if session is None:
            new = conversation_pb2.CreateSessionRequest(user_id=user or user_name(), schema_name=schema)
            session = client.conversations.CreateSession(new).session.id
        finish(client.send(session, text, settings=settings, min_watermark=watermark), session, as_json, events=events)


def revise(
    context: typer.Context,
    turn: str,
    feedback: Annotated[str, typer.Option(help="What should be different; empty: just draw again")] = "",
    include: Annotated[list[str] | None, typer.Option(help="A word or phrase the reply must have")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="A word or phrase it must not have")] = None,
    max_words: Annotated[int | None, typer.Option(min=1, help="Most words")] = None,
    temperature: Temperature = None,
    max_tokens: MaxTokens = None,
    seed: Seed = None,
    events: Events = False,
    as_json: JsonOption = False,
) -> None:
    """Ask for another draft of a session's last turn."""
    wish = feedback_of(feedback, include or [], exclude or [], max_words)
    settings = decoding(temperature, max_tokens, seed)
    with connected(context) as client:
        finish(client.revise(turn, wish, settings=settings), "", as_json, events=events)


def feedback_of(
    comment: str, include: Iterable[str], exclude: Iterable[str], max_words: int | None
) -> feedback_pb2.Feedback | None:
    """The feedback that the options describe, None where they say nothing."""
    constraints = [
        *(feedback_pb2.Constraint(kind=feedback_pb2.CONSTRAINT_KIND_MUST_INCLUDE, value=word) for word in include),
        *(feedback_pb2.Constraint(kind=feedback_pb2.CONSTRAINT_KIND_MUST_NOT_INCLUDE, value=word) for word in exclude),
    ]
    if max_words is not None:
        unit = feedback_pb2.LENGTH_UNIT_WORDS
        constraints.append(feedback_pb2.Constraint(kind=feedback_pb2.CONSTRAINT_KIND_LENGTH, unit=unit, max=max_words))
    if not comment and not constraints:
        return None
    return feedback_pb2.Feedback(comment=comment, constraints=constraints)


def decoding(temperature: float | None, max_tokens: int | None, seed: int | None) -> common_pb2.DecodingSettings:
    """The decoding settings that were given."""
    return common_pb2.DecodingSettings(temperature=temperature, max_tokens=max_tokens, seed=seed)


def finish(stream: Iterable[conversation_pb2.TurnEvent], session: str, as_json: bool, *, events: bool = False) -> None:
    """Print a turn's stream: to people as it comes, to machines its end (or with ``events`` each event).

    Raises Failure when the turn failed.
    """
    view = TurnView()
    for event in stream:
        if not as_json:
            view.show(event)
        elif events:
            print_json_line(event)
        if as_json and event.WhichOneof("event") in ("completed", "cancelled", "failed"):
            if not events:
                print_json({"session_id": session, **_end(event)})
            if event.WhichOneof("event") == "failed":
                raise typer.Exit(1)
    if as_json:
        return
    if view.failure is not None:
        raise Failure(f"the turn {view.turn_id} has failed; `antiphon retry {view.turn_id}` tries it again")
    usage = f"; {usage_words(view.draft.usage)}" if view.draft is not None else ""
    console.print(f"[dim]turn {view.turn_id}, session {view.session_id or session}{usage}[/dim]")


def _end(event: conversation_pb2.TurnEvent) -> dict[str, object]:
    kind = event.WhichOneof("event")
    found: dict[str, object] = {"turn_id": event.turn_id, "end": kind}
    if kind == "completed":
        return {**found, "draft": event.completed.draft}
    if kind == "cancelled":
        return {**found, "draft": event.cancelled.draft}
    return {**found, "error": event.failed.error}


def attach(context: typer.Context, turn: str, events: Events = False, as_json: JsonOption = False) -> None:
    """Follow a turn that somebody else sent, from its beginning."""
    with connected(context) as client:
        finish(client.attach(turn), "", as_json, events=events)


def retry(context: typer.Context, turn: str, events: Events = False, as_json: JsonOption = False) -> None:
    """Try a failed turn again."""
    with connected(context) as client:
        finish(client.retry(turn), "", as_json, events=events)


def cancel(context: typer.Context, turn: str, as_json: JsonOption = False) -> None:
    """Cancel an open turn; says who won if it ended at the same moment."""
    with connected(context) as client:
        answer = client.conversations.CancelTurn(conversation_pb2.CancelTurnRequest(turn_id=turn))
    if as_json:
        print_json(answer)
    else:
        outcome = conversation_pb2.CancelOutcome.Name(answer.outcome).removeprefix("CANCEL_OUTCOME_")
        console.print(outcome.lower().replace("_", " "))


def accept(
    context: typer.Context,
    turn: str,
    round_number: Annotated[int | None, typer.Option("--round", help="The draft's round; default: the latest")] = None,
    as_json: JsonOption = False,
) -> None:
    """Accept a draft: it enters the history, and its offers the state."""
    request = conversation_pb2.AcceptDraftRequest(turn_id=turn, round=round_number)
    with connected(context) as client:
        answer = client.conversations.AcceptDraft(request)
    if as_json:
        print_json(answer.turn)
    else:
        console.print(f"accepted round {answer.turn.accepted_round} of {turn}")
