"""What people read on the terminal: constraints, state changes and streamed turns in words."""

import io
import json
from pathlib import Path

import pytest
from antiphon.v1 import common_pb2, conversation_pb2, feedback_pb2, state_pb2
from rich.console import Console

from services.cli import output, stack
from services.cli.output import SafeConsole, json_text, print_table
from services.cli.render import TurnView, constraint_words, state_changes
from services.cli.stack import process_table
from services.cli.wrapping import WordWriter

Constraint = feedback_pb2.Constraint


@pytest.mark.parametrize(
    ("constraint", "words"),
    [
        (Constraint(kind="CONSTRAINT_KIND_MUST_INCLUDE", value="refund"), 'must include "refund"'),
        (Constraint(kind="CONSTRAINT_KIND_MUST_INCLUDE", value="tea", min=2), 'must include "tea" (at least 2)'),
        (Constraint(kind="CONSTRAINT_KIND_LENGTH", unit="LENGTH_UNIT_WORDS", max=20), "at most 20 words"),
        (
            Constraint(kind="CONSTRAINT_KIND_LENGTH", unit="LENGTH_UNIT_SENTENCES", min=2, max=2),
            "exactly 2 sentences",
        ),
        (Constraint(kind="CONSTRAINT_KIND_TONE", value="formal"), "tone formal"),
    ],
)
def test_constraints_read_as_people_say_them(constraint: Constraint, words: str) -> None:
    assert constraint_words(constraint) == words


def state(**slots: str) -> state_pb2.State:
    values = {name: state_pb2.SlotValue(value=value) for name, value in slots.items()}
    return state_pb2.State(services={"internet": state_pb2.ServiceState(slots=values)})


def test_only_what_changed_is_told() -> None:
    assert state_changes(state(plan="Basic", day="Friday"), state(plan="Family")) == ["day deleted", "plan = Family"]
    assert state_changes(state(plan="Basic"), state(plan="Basic")) == []


def event(offset: int = 0, attempt: int = 1, **kind: object) -> conversation_pb2.TurnEvent:
    position = common_pb2.Position(attempt=attempt, offset=offset)
    return conversation_pb2.TurnEvent(turn_id="turn_1", position=position, **kind)  # type: ignore[arg-type]


def shown(*events: conversation_pb2.TurnEvent) -> tuple[TurnView, str]:
    out = io.StringIO()
    view = TurnView(out=Console(file=out, width=100)).show_all(events)
    return view, out.getvalue()


def test_a_reply_is_shown_once_as_it_comes() -> None:
    view, text = shown(
        event(accepted=conversation_pb2.TurnAccepted(session_id="session_1", generator_up=True)),
        event(offset=6, delta=conversation_pb2.TurnDelta(text="Hello ")),
        event(offset=13, delta=conversation_pb2.TurnDelta(text="[there]")),
        event(offset=13, completed=conversation_pb2.TurnCompleted(draft={"text": "Hello [there]"})),
    )
    assert text == "Hello [there]\n"
    assert view.draft is not None
    assert (view.turn_id, view.session_id) == ("turn_1", "session_1")


def test_a_lost_worker_leaves_no_doubled_text() -> None:
    _, text = shown(
        event(offset=5, delta=conversation_pb2.TurnDelta(text="Hello")),
        event(offset=0, attempt=2, restarted=conversation_pb2.TurnRestarted(reason="WORKER_LOST")),
        event(offset=2, attempt=2, delta=conversation_pb2.TurnDelta(text="Hi")),
        event(offset=2, attempt=2, completed=conversation_pb2.TurnCompleted(draft={"text": "Hi"})),
    )
    assert text.splitlines() == ["Hello", "  begins again: its worker was lost", "Hi"]


def test_a_failure_says_why() -> None:
    error = conversation_pb2.TurnError(reason="DEADLINE_EXCEEDED", message="not finished in time")
    view, text = shown(event(failed=conversation_pb2.TurnFailed(error=error)))
    assert "not finished in time" in text
    assert view.failure is not None


def test_a_finished_draft_says_what_it_meets_and_what_it_misses() -> None:
    draft = conversation_pb2.Draft(text="Refunds take a week.")
    for value, met in (("refund", True), ("money", False)):
        constraint = Constraint(kind=feedback_pb2.CONSTRAINT_KIND_MUST_INCLUDE, value=value)
        draft.checks.add(constraint=constraint, met=met)
    _, text = shown(event(completed=conversation_pb2.TurnCompleted(draft=draft)))
    assert 'met: must include "refund"' in text
    assert 'missed: must include "money"' in text


STEERING = [
    "\x1b]52;c;cm0gLXJmIH4=\x07",  # puts a command into the clipboard
    "\x1b]0;title\x1b\\",
    "\x9b31m",
    "\x1b[2J\x1b[H",
    "a\rb",
    "\u202egpj.exe",
    "\x1bP+q544e\x1b\\",
    "\x08\x08\x08",
    "\x7f",
    "\u2066hidden\u2069",
]


@pytest.mark.parametrize("words", STEERING)
def test_what_people_wrote_does_not_steer_the_terminal(words: str) -> None:
    shown = io.StringIO()
    out = SafeConsole(file=shown, force_terminal=True, color_system="standard", width=80, highlight=False)
    out.print("[bold]said[/bold]", end=" ")
    out.print(words, markup=False, end="", soft_wrap=True)
    out.out(words, highlight=False)
    text = shown.getvalue().replace("\x1b[1m", "").replace("\x1b[0m", "")
    assert text.startswith("said ")
    assert not any(ord(letter) < 32 and letter not in "\n\t" for letter in text)
    assert not any(letter in text for letter in "\x7f\x9b\u202e\u2066\u2069")
    as_json = json_text({"text": words})
    assert json.loads(as_json) == {"text": words}
    assert as_json.isprintable()


def written(*pieces: str, width: int, terminal: bool = True) -> str:
    out = io.StringIO()
    writer = WordWriter(Console(file=out, width=width, force_terminal=terminal, no_color=True))
    for piece in pieces:
        writer.write(piece)
    writer.flush()
    return out.getvalue()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("The kettle holds heat", ["The kettle", "holds heat"]),
        ("The kettles hold heat.", ["The kettles", "hold heat."]),
        ("One\n\nTwo  three four", ["One", "", "Two  three", "four"]),
        ("- a\n  - b c d e f g", ["- a", "  - b c d e f", "g"]),
        ("unbreakablewords stay", ["unbreakablewords stay"]),
        ("我们的水壶保温半小时。", ["我们的水壶保", "温半小时。"]),
        ("Twelve cols!", ["Twelve cols!"]),
    ],
)
def test_on_a_terminal_no_word_is_broken_however_the_text_comes(text: str, lines: list[str], size: int) -> None:
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    assert written(*pieces, width=13 if text.startswith("- ") else 12).split("\n") == lines


def test_where_no_terminal_is_the_text_is_left_as_it_comes() -> None:
    assert written("The kettles ", "hold heat.", width=5, terminal=False) == "The kettles hold heat."


def test_a_table_fits_eighty_columns_or_becomes_blocks_with_whole_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(output, "console", Console(file=out, width=80))
    rows = [(f"candidate_{'7' * 26}", "Is this so: “The Wren holds 1.2 litres.”", "1.2 litres", "", "word " * 30)]
    print_table(("candidate", "question", "value", "instead of", "said"), rows, "none")
    print_table(("slot", "value"), [("price", "9 euros")], "none")
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert f"candidate_{'7' * 26}" in text
    assert "question  Is this so: “The Wren holds 1.2 litres.”" in text
    assert "instead of" not in text  # an empty cell has no line
    assert [line.rstrip() for line in text.splitlines()][-2:] == ["slot   value", "price  9 euros"]


@pytest.mark.parametrize("with_words", [True, False])
def test_the_programs_fit_eighty_columns_with_their_stage_in_full(
    with_words: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "a folder with a long name that goes on" / "generator.log"
    log.parent.mkdir()
    log.write_text("loading the model [1/2] " * 20)
    out = io.StringIO()
    monkeypatch.setattr(stack, "console", Console(file=out, width=80))
    row = {"name": "knowledge-jobs", "stage": "starting", "pid": 4_194_304, "restarts": 12, "log": str(log)}
    stack.console.print(process_table([row, {**row, "stage": "ready"}], with_words=with_words))
    lines = out.getvalue().splitlines()
    assert all("knowledge-jobs" in line and len(line) <= 80 for line in lines[0 if with_words else 1 :])
    assert "starting" in out.getvalue()
    assert "ready" in out.getvalue()
    assert ("loading the model [1/2]" in out.getvalue()) is with_words


def test_of_the_databases_the_table_tells_only_why_one_does_not_start(tmp_path: Path) -> None:
    log = tmp_path / "redis.log"
    log.write_text("1:M # WARNING Memory overcommit must be enabled!\n")
    row = {"name": "redis", "pid": 7, "restarts": 0, "log": str(log)}
    words = {stage: process_table([{**row, "stage": stage}], with_words=True) for stage in ("starting", "backoff")}
    assert [*words["starting"].columns[-1].cells] == [""]
    assert "overcommit" in str([*words["backoff"].columns[-1].cells])
