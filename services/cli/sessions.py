"""``antiphon sessions``: what was said, and forgetting it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from antiphon.v1 import conversation_pb2
from google.protobuf.duration_pb2 import Duration
from rich.markup import escape

from services.cli.connection import connected
from services.cli.options import JsonOption, LimitOption, user_name
from services.cli.output import console, print_json, print_json_line, print_table

sessions = typer.Typer(no_args_is_help=True, help="Conversations: list, show, end, erase.")


@sessions.command("new")
def new_session(
    context: typer.Context,
    user: Annotated[str | None, typer.Option(help="The user; default: you")] = None,
    schema: Annotated[str, typer.Option(help="A schema that `antiphon schema put` stored")] = "",
    system: Annotated[str, typer.Option(help="System text that opens the prompt")] = "",
    as_json: JsonOption = False,
) -> None:
    """Create a session and print its id."""
    request = conversation_pb2.CreateSessionRequest(user_id=user or user_name(), schema_name=schema, system_text=system)
    with connected(context) as client:
        session = client.conversations.CreateSession(request).session
    if as_json:
        print_json(session)
    else:
        console.print(session.id)


@sessions.command("list")
def list_sessions(
    context: typer.Context,
    user: Annotated[str, typer.Option(help="Of this user only")] = "",
    limit: LimitOption = 20,
    as_json: JsonOption = False,
) -> None:
    """List sessions, the latest first."""
    request = conversation_pb2.ListSessionsRequest(page_size=limit, user_id=user)
    with connected(context) as client:
        answer = client.conversations.ListSessions(request)
    if as_json:
        print_json(answer)
        return
    rows = [
        (
            one.id,
            escape(one.user_id),
            one.last_turn_number,
            one.schema_name,
            conversation_pb2.SessionStatus.Name(one.status).removeprefix("SESSION_STATUS_").lower(),
            one.update_time.ToDatetime().strftime("%Y-%m-%d %H:%M"),
        )
        for one in answer.sessions
    ]
    print_table(("session", "user", "turns", "schema", "status", "last"), rows, "No session yet.")


@sessions.command("show")
def show_session(context: typer.Context, session: str, as_json: JsonOption = False) -> None:
    """Show a session's turns with all drafts."""
    turns: list[conversation_pb2.Turn] = []
    with connected(context) as client:
        found = client.conversations.GetSession(conversation_pb2.GetSessionRequest(session_id=session)).session
        token = ""
        while True:
            request = conversation_pb2.ListTurnsRequest(session_id=session, page_size=500, page_token=token)
            answer = client.conversations.ListTurns(request)
            turns += answer.turns
            token = answer.next_page_token
            if not token:
                break
    if as_json:
        print_json({"session": found, "turns": turns})
        return
    for turn in turns:
        _show_turn(turn)


def _show_turn(turn: conversation_pb2.Turn) -> None:
    status = conversation_pb2.TurnStatus.Name(turn.status).removeprefix("TURN_STATUS_").lower()
    mark = "" if status == "completed" else f" {status}"
    console.print(f"[dim]{turn.number}  {turn.id}{mark}{' excluded' if turn.excluded else ''}[/dim]")
    console.print(f"[bold]user[/bold] {escape(turn.text)}")
    for draft in turn.drafts:
        if draft.feedback.comment:
            console.print(f"[bold]feedback[/bold] {escape(draft.feedback.comment)}")
        accepted = " [green]accepted[/green]" if draft.accepted else ""
        accepted += " [yellow]suggestion[/yellow]" if draft.shadow else ""
        console.print(f"[bold cyan]round {draft.round}[/bold cyan]{accepted} {escape(draft.text)}")
    if turn.HasField("error"):
        console.print(f"[red]{escape(turn.error.reason)}[/red] {escape(turn.error.message)}")
    console.print()


def _print_mode(session: conversation_pb2.Session, as_json: bool) -> None:
    if as_json:
        print_json(session)
        return
    mode = conversation_pb2.SessionMode.Name(session.mode).removeprefix("SESSION_MODE_").lower()
    console.print(f"{session.id} {mode}{f', {escape(session.held_by)}' if session.held_by else ''}")


@sessions.command("takeover")
def take_over(
    context: typer.Context,
    session: str,
    shadow: Annotated[bool, typer.Option(help="Let the bot draft on, for you alone")] = False,
    as_json: JsonOption = False,
) -> None:
    """Answer in the bot's place: it says nothing more in this session until it is handed back."""
    request = conversation_pb2.TakeoverRequest(session_id=session, shadow=shadow, author=user_name())
    with connected(context) as client:
        _print_mode(client.conversations.Takeover(request).session, as_json)


@sessions.command("reply")
def reply(context: typer.Context, turn: str, text: str, as_json: JsonOption = False) -> None:
    """Answer a turn as a person; what differs from the bot's suggestion is kept as its correction."""
    request = conversation_pb2.PostReplyRequest(turn_id=turn, text=text, author=user_name())
    with connected(context) as client:
        answer = client.conversations.PostReply(request)
    if as_json:
        print_json(answer)
    else:
        _show_turn(answer.turn)


@sessions.command("return")
def hand_back(context: typer.Context, session: str, as_json: JsonOption = False) -> None:
    """Hand a session back to the bot, which answers what still waits."""
    with connected(context) as client:
        answer = client.conversations.Return(conversation_pb2.ReturnRequest(session_id=session))
    _print_mode(answer.session, as_json)


@sessions.command("handoff")
def ask_for_a_person(
    context: typer.Context,
    session: str,
    note: Annotated[str, typer.Option(help="Why")] = "",
    as_json: JsonOption = False,
) -> None:
    """Ask for a person to answer in a session."""
    with connected(context) as client:
        answer = client.conversations.Handoff(conversation_pb2.HandoffRequest(session_id=session, note=note))
    _print_mode(answer.session, as_json)


@sessions.command("watch")
def watch(
    context: typer.Context,
    session: Annotated[str, typer.Argument(help="This session alone; default: all that you may read")] = "",
    as_json: JsonOption = False,
) -> None:
    """Print what changes in the conversations, as it happens; Ctrl+C ends it."""
    with connected(context) as client:
        for change in client.conversations.WatchTenant(conversation_pb2.WatchTenantRequest(session_id=session)):
            if as_json:
                print_json_line(change)
            else:
                _print_change(change)


def _print_change(change: conversation_pb2.WatchTenantResponse) -> None:
    if change.HasField("progress"):
        grown = change.progress
        console.print(f"{grown.session_id} [dim]{grown.length} characters, …{escape(grown.end[-60:])}[/dim]")
    elif change.HasField("session"):
        session, turn = change.session, change.session.last_turn
        status = conversation_pb2.TurnStatus.Name(turn.status).removeprefix("TURN_STATUS_").lower() if turn.id else ""
        holder = f"[yellow]{escape(session.held_by)}[/yellow] " if session.held_by else ""
        console.print(f"{session.id} {escape(session.user_id)} {holder}{status} {escape(turn.text[:60])}")


@sessions.command("today")
def today(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=1, max=31, help="So many days back, from midnight UTC on; 1 is today")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Print how much was asked, how fast and how well it was answered, and what was learned."""
    request = conversation_pb2.GetActivityRequest()
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    request.start_time.FromDatetime(midnight - timedelta(days=days - 1))
    with connected(context) as client:
        activity = client.conversations.GetActivity(request)
    if as_json:
        print_json(activity)
        return
    rows = [
        ("turns", activity.turns),
        ("answered, failed, cancelled", f"{activity.completed}, {activity.failed}, {activity.cancelled}"),
        ("waiting for a person", activity.held),
        ("first words after, median and 95 %", _seconds(activity.first_words_median, activity.first_words_p95)),
        ("whole reply after, median and 95 %", _seconds(activity.reply_median, activity.reply_p95)),
        ("satisfied at once", activity.satisfied_at_once),
        ("satisfied after revisions", activity.satisfied_revised),
        ("answered by a person", activity.answered_by_person),
        ("takeovers", activity.takeovers),
        ("unsupported claims", activity.unsupported_sentences),
        ("feedback, corrections", f"{activity.feedback}, {activity.corrections}"),
        ("ratings, 1 to 5", " ".join(map(str, activity.ratings))),
        ("examples learned", activity.learned),
    ]
    print_table(("", "so far"), rows, "")


def _seconds(*durations: Duration) -> str:
    return ", ".join(f"{each.ToTimedelta().total_seconds():.2f} s" if each.ListFields() else "–" for each in durations)


@sessions.command("end")
def end_session(context: typer.Context, session: str, as_json: JsonOption = False) -> None:
    """End a session: no further turns; it stays readable."""
    with connected(context) as client:
        answer = client.conversations.EndSession(conversation_pb2.EndSessionRequest(session_id=session))
    if as_json:
        print_json(answer)
    else:
        console.print(f"ended; {answer.cancelled_turns} open turns were cancelled")


@sessions.command("erase")
def erase_session(
    context: typer.Context,
    session: str,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask")] = False,
    as_json: JsonOption = False,
) -> None:
    """Erase a session with everything said in it. It cannot be undone."""
    if not yes and not as_json:
        typer.confirm(f"Erase {session} for good?", abort=True)
    with connected(context) as client:
        answer = client.conversations.EraseSession(conversation_pb2.EraseSessionRequest(session_id=session))
    if as_json:
        print_json(answer)
    else:
        console.print(f"erased {answer.erased_turns} turns")
