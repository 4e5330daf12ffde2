"""Dialogues with the state that must follow: `said | A: reply | said => slot value, slot value` or `=> {}`."""

from __future__ import annotations

import re
import time
from pathlib import Path

from antiphon.v1 import conversation_pb2, state_pb2
from antiphon.v1.common_pb2 import DecodingSettings

from research.eval.cases.check import Check, Desk, lines_of

SCHEMA = "demo-internet"
DEFINITION = Path(__file__).resolve().parents[3] / "services/cli/demo/en/schema.yaml"
SLOTS = ("visit_day", "visit_time", "plan", "connection")
TIME_OPENING = "I need a technician's visit. | A: At what time should the technician come? | "
SHORT = DecodingSettings(max_tokens=4)
_CLOCK = re.compile(r"^(\d{1,2})(?:[:.](\d{2}))?\s*(am|pm|a\.m\.|p\.m\.)?$", re.IGNORECASE)
_NUMBERS = {
    word: str(number)
    for number, word in enumerate("one two three four five six seven eight nine ten eleven twelve".split(), 1)
}


def check_dialogues(desk: Desk, file: Path, *, times: bool) -> list[Check]:
    """Each line, a session of its own. With `times` a line answers the question for the time of a visit."""
    desk.client.states.PutSchema(state_pb2.PutSchemaRequest(name=SCHEMA, definition=DEFINITION.read_text()))
    checks = []
    for line in lines_of(file):
        said, arrow, expected = line.rpartition("=>")
        if not arrow or "`=>`" in line:  # what says how the others are to be read
            continue
        session = play(desk, (TIME_OPENING if times else "") + said.strip())
        state = state_of(desk, session)
        right = same_time(state.get("visit_time", ""), expected) if times else same_state(state, expected.strip())
        checks.append(Check(line, right, str(state)))
    return checks


def play(desk: Desk, dialogue: str) -> str:
    """Say the turns of a dialogue in a new session, with the assistant's replies put in their place."""
    conversations = desk.client.conversations
    created = conversation_pb2.CreateSessionRequest(user_id="case", schema_name=SCHEMA)
    session = conversations.CreateSession(created).session.id
    turn = ""
    for part in (part.strip() for part in dialogue.split("|")):
        if part.startswith("A:"):
            text = part.removeprefix("A:").strip()
            conversations.PostReply(conversation_pb2.PostReplyRequest(turn_id=turn, text=text))
        elif part:
            with desk.client.send(session, part, settings=SHORT) as stream:
                stream.result()
            turn = stream.turn_id
    return str(session)


def state_of(desk: Desk, session: str) -> dict[str, str]:
    """Slot to value, of all services."""
    deadline = time.monotonic() + 2
    while True:
        answer = desk.client.states.GetState(state_pb2.GetStateRequest(session_id=session))
        services = answer.snapshot.state.services.values()
        slots = {name: slot.value for service in services for name, slot in service.slots.items() if slot.value}
        if slots or time.monotonic() > deadline:
            return slots
        time.sleep(0.2)


def same_state(state: dict[str, str], expected: str) -> bool:
    """Whether exactly the expected slots are filled, with these values."""
    wanted: dict[str, str] = {}
    if not expected.startswith("{}"):
        for pair in re.split(r",\s*(?=[a-z_]+ )", re.sub(r"\s*\(.*\)$", "", expected)):
            slot, _, value = pair.strip().partition(" ")
            wanted[slot] = value
    return wanted.keys() == state.keys() and all(same_value(state[slot], value) for slot, value in wanted.items())


def same_value(one: str, other: str) -> bool:
    """Values are the same in other case, with or without what leads to them, or as other ways to write one time."""
    one, other = (re.sub(r"^(?:at|on|an?|the)\s+", "", value.strip().casefold()) for value in (one, other))
    return one == other or (clock(one) is not None and clock(one) == clock(other))


def same_time(value: str, expected: str) -> bool:
    """The expected words, or the moment that stands behind them in brackets."""
    words, _, bracket = expected.strip().partition("(")
    moments = [part.strip() for part in re.split(r"[,;]|\bor\b", bracket.rstrip(") ")) if clock(part.strip())]
    return same_value(value, words.strip()) or any(same_value(value, moment) for moment in moments)


def clock(text: str) -> tuple[int, int] | None:
    """(hour, minute) of "3 pm", "15:00" or "three pm"."""
    plain = " ".join(_NUMBERS.get(word, word) for word in text.strip().casefold().split())
    match = _CLOCK.match({"noon": "12:00", "midnight": "0:00"}.get(plain, plain))
    if not match or not (match[2] or match[3]):
        return None
    hour = int(match[1])
    if match[3]:
        hour = hour % 12 + (12 if match[3].startswith("p") else 0)
    return hour, int(match[2] or 0)
