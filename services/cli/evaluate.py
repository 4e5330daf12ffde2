"""``antiphon evaluate``: one's own questions to the running assistant, and how many it answers right."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from antiphon.client import AntiphonError, Client
from antiphon.v1 import conversation_pb2
from rich.markup import escape

from services.cli.connection import connected
from services.cli.evaluation.questions import Question, QuestionError, read_questions
from services.cli.options import JsonOption
from services.cli.output import Failure, console, print_json

COLOURS = {"right": "green", "declined": "yellow", "wrong": "red", "invented": "red"}


def evaluate(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="JSON lines: question, any_of, all_of, none_of; or a folder with one")],
    schema: Annotated[str, typer.Option(help="Assistant to ask")] = "",
    only_failed: Annotated[bool, typer.Option("--failed", help="Show only what went wrong")] = False,
    as_json: JsonOption = False,
) -> None:
    """Ask every question of a file in a session of its own; print right, wrong and declined, with the replies.

    A line is {"question": "…", "any_of": ["29 euros"]}: one of these must stand in a right reply, all of `all_of`,
    none of `none_of`. A question without them is one that the documents do not answer: right is to say so.
    """
    path = file / "questions.jsonl" if file.is_dir() else file
    try:
        questions = list(read_questions(path))
    except (OSError, UnicodeDecodeError, QuestionError) as error:
        raise Failure(str(error)) from None
    if not questions:
        raise Failure(f"{path} has no questions")
    rows = []
    with connected(context) as client:
        for question in questions:
            reply = _ask(client, question, schema)
            verdict = question.judge(reply)
            rows.append({"id": question.id, "question": question.text, "verdict": verdict, "reply": reply})
            if not as_json and not (only_failed and verdict == _wanted(question)):
                console.print(f"[{COLOURS[verdict]}]{verdict:8}[/] {escape(question.text)}")
                console.print(f"[dim]         {escape(reply)}[/dim]")
    figures = _figures(questions, [str(row["verdict"]) for row in rows])
    if as_json:
        print_json({"replies": rows, "figures": figures})
        return
    console.rule()
    for name, (count, of) in figures.items():
        console.print(f"{name.replace('_', ' '):24} {count:4} of {of}")


def _ask(client: Client, question: Question, schema: str) -> str:
    request = conversation_pb2.CreateSessionRequest(user_id="evaluation", schema_name=schema)
    session = client.conversations.CreateSession(request).session.id
    try:
        return client.send(session, question.text, wait=True).result().text
    except AntiphonError as error:
        raise Failure(f"{question.id}: {error}") from error
    finally:
        client.conversations.EraseSession(conversation_pb2.EraseSessionRequest(session_id=session))


def _wanted(question: Question) -> str:
    return "right" if question.answerable else "declined"


def _figures(questions: list[Question], verdicts: list[str]) -> dict[str, tuple[int, int]]:
    """Counts by what was asked for: (how many, of how many)."""
    counts = Counter((question.answerable, verdict) for question, verdict in zip(questions, verdicts, strict=True))
    answerable = sum(question.answerable for question in questions)
    other = len(questions) - answerable
    return {
        "answerable_right": (counts[True, "right"], answerable),
        "answerable_wrong": (counts[True, "wrong"], answerable),
        "answerable_declined": (counts[True, "declined"], answerable),
        "unanswerable_declined": (counts[False, "declined"], other),
        "unanswerable_invented": (counts[False, "invented"], other),
    }
