"""What people read on the terminal: constraints, state changes and streamed turns in words."""

import io
import json

import pytest
from antiphon.v1 import common_pb2, conversation_pb2, feedback_pb2, state_pb2
from rich.console import Console

from services.cli.output import SafeConsole, json_text
from services.cli.render import TurnView, constraint_words, state_changes

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
