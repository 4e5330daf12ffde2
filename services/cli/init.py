"""``antiphon init``: the files of an assistant of one's own, to be filled and put in place."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from services.cli.documents import choose
from services.cli.options import JsonOption
from services.cli.output import Failure, console, print_json
from services.cli.stack import launcher
from services.common.schema import SchemaError, parse_schema

_KINDS = {
    "date": re.compile(r"\b(?:day|date|birthday|deadline|arrival|departure)\b"),
    "time": re.compile(r"\b(?:time|hour)\b"),
    "number": re.compile(r"\b(?:number of|how many|people|persons|guests|quantity|amount|count|nights|rooms)\b"),
    "name": re.compile(r"\bname\b"),
}
"""Words in what is asked for that tell its kind; whatever has none of them is left to the tracker."""
_CHOSEN = ("date", "time")
_BRACES = str.maketrans("{}", "()")  # braces mean a slot's value in the wording


@dataclass(frozen=True)
class Action:
    """Something that the assistant does for people, such as booking, and what it must know for it."""

    words: str
    needs: tuple[str, ...]


def init(
    folder: Annotated[Path, typer.Argument(help="Folder to make; its name becomes the assistant's")],
    about: Annotated[str, typer.Option(help="What the assistant is for, in a sentence")] = "",
    action: Annotated[
        list[str] | None, typer.Option(help='What it does for people, as "book a tasting: day, number of people"')
    ] = None,
    documents: Annotated[Path | None, typer.Option(help="Folder of the documents that it answers from")] = None,
    as_json: JsonOption = False,
) -> None:
    """Make an assistant's files: schema and wording, facts, and questions to measure it by. Asks what it is not told.

    Nothing that is there is overwritten.
    """
    actions = [read_action(text) for text in action or []]
    if not about and sys.stdin.isatty() and not as_json:
        about = typer.prompt("What is it for, in a sentence").strip()
        actions += _ask_for_actions()
    if not about:
        raise Failure("say by --about what the assistant is for")
    if documents is not None:
        choose([documents])  # it has some
    name = identifier(folder.absolute().name, "assistant")
    files = {"facts.csv": FACTS, "questions.jsonl": QUESTIONS}
    if actions:
        files = {"schema.yaml": schema_text(name, about, actions), **files}
    if there := [file for file in files if (folder / file).exists()]:
        raise Failure(f"{folder / there[0]} is there already; nothing was written")
    place = documents or folder / "documents"
    place.mkdir(parents=True, exist_ok=True)
    for file, text in files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text, encoding="utf-8")
    if as_json:
        print_json({"name": name, "folder": str(folder), "files": list(files), "documents": str(place)})
        return
    _say_next(folder, place, name, bool(actions))


def _ask_for_actions() -> list[Action]:
    """What a person at the terminal says that the assistant does, one after another until nothing more comes."""
    actions: list[Action] = []
    while True:
        more = "Anything else" if actions else "What does it do for people beside answering, such as: book a visit"
        words = typer.prompt(f"{more} (Enter: nothing{' more' if actions else ''})", default="", show_default=False)
        if not words.strip():
            return actions
        needs = typer.prompt(f"What must it know to {words.strip()}, such as: day, time")
        actions.append(read_action(f"{words.replace(':', ' ')}: {needs}"))


def read_action(text: str) -> Action:
    """``book a visit: day, time`` as an action. Raises Failure."""
    words, _, needs = text.translate(_BRACES).partition(":")
    names = tuple(need.strip() for need in needs.split(",") if need.strip())
    if not words.strip() or not names:
        raise Failure(f'an action reads "WHAT IT DOES: WHAT IT MUST KNOW, …", not {text!r}')
    return Action(words.strip(), names)


def identifier(words: str, otherwise: str) -> str:
    """The words as a name for schemas, services, intents and slots: letters, digits and _, beginning with a letter."""
    name = re.sub(r"[^a-z0-9]+", "_", words.casefold()).strip("_")[:60].rstrip("_")
    return name if name[:1].isalpha() else otherwise


def schema_text(name: str, about: str, actions: list[Action]) -> str:
    """The schema as YAML with what each part means beside it. Raises Failure where two things have one name."""
    lines = [
        "# What the assistant keeps track of. Change it as you like: `antiphon schema put` makes the next revision.",
        "services:",
        f"  {name}:",
        f"    description: {_quoted(about)}",
        "    intents:  # what people want",
    ]
    slots: dict[str, str] = {}
    for number, action in enumerate(actions, 1):
        needs = {identifier(need, f"detail_{number}_{n}"): need for n, need in enumerate(action.needs, 1)}
        slots |= needs
        read_back = ", ".join(f"{words} {{{slot}}}" for slot, words in needs.items())
        lines += [
            f"      {identifier(action.words, f'action_{number}')}:",
            f"        description: {_quoted(action.words[:1].upper() + action.words[1:])}",
            f"        required: [{', '.join(needs)}]  # asked for, one at a time, until all are known",
            "        optional: []  # kept when it is said, never asked for",
            "        # read back before `ready` is raised, and said once the user agrees; {name} is a slot's value",
            f"        confirm: {_quoted(f'So you would like to {action.words}: {read_back}. Is that right?')}",
            f"        done: {_quoted('Thank you, I have noted it.')}",
        ]
    lines.append("    slots:  # what is kept of what they say; one that no intent names is kept all the same")
    for slot, words in slots.items():
        kind = next((kind for kind, pattern in _KINDS.items() if pattern.search(words.casefold())), "")
        question = f"Which {words} would you like?" if kind in _CHOSEN else f"Please tell me the {words}."
        lines += [
            f"      {slot}:",
            f"        description: {_quoted(words[:1].upper() + words[1:])}",
            f"        question: {_quoted(question)}",
            f"        kind: {kind}" if kind else "        # kind: number, time, date, name, text or boolean",
            "        # values: [one, another]  # where only these are taken",
        ]
    text = "\n".join(lines) + "\n"
    try:
        parse_schema(text)
    except SchemaError as error:
        raise Failure(f"no schema can be made of that: {error}") from None
    return text


def _quoted(words: str) -> str:
    return json.dumps(words, ensure_ascii=False)  # which is YAML too


FACTS = "entity,slot,value\n"
QUESTIONS = """\
{"question": "A question that your documents answer?", "any_of": ["words of a right answer", "other right words"]}
{"question": "One that must be told two things, and not a third?", "all_of": ["this", "that"], "none_of": ["not this"]}
{"question": "One that your documents do not answer: right is to say so."}
"""


def _say_next(folder: Path, documents: Path, name: str, schema: bool) -> None:
    """Print what was written, and the commands that put it in place."""
    antiphon, of = launcher(), f" --schema {name}" if schema else ""
    fill = "" if any(documents.iterdir()) else f" (put them into {documents})"
    rows = [
        (f"{antiphon} up --detach", "run it, if it does not run yet"),
        (f"{antiphon} schema put {name} {folder / 'schema.yaml'}", "what it keeps track of") if schema else None,
        (f"{antiphon} knowledge add {documents}", f"your documents{fill}"),
        (f"{antiphon} knowledge import {folder / 'facts.csv'}", "facts that stand in no document"),
        (f"{antiphon} evaluate {folder / 'questions.jsonl'}{of}", "your questions, once you have filled them in"),
        (f"{antiphon} chat{of}", "talk to it"),
    ]
    written = ", ".join(["schema.yaml"] * schema + ["facts.csv", "questions.jsonl"])
    console.print(f"written to {escape(str(folder))}: {written}\nThen:")
    for row in filter(None, rows):
        console.print(f"  [dim]# {escape(row[1])}[/dim]\n  {escape(row[0])}", soft_wrap=True)
