"""What a message refuses, corrects, agrees to or tells of another event, through both trackers.

Each line of `dialogues/*.txt` is a session: `|` parts its turns, `A:` is a reply, and the state follows `=>`.
"""

from functools import cache
from pathlib import Path

import pytest

from services.common.schema import parse_schema
from services.tracker.domain.rules import RuleTracker
from services.tracker.domain.state import SYSTEM, State
from services.tracker.domain.tracker import Tracker

HERE = Path(__file__).parent
SCHEMA = parse_schema(
    """
services:
  order:
    description: An order of internet access
    intents:
      order_plan: {description: Order an internet plan, required: [plan]}
      book_visit: {description: Book a technician's visit, required: [visit_day, visit_time]}
    slots:
      plan: {description: The plan the customer wants, values: [Basic, Family, Pro]}
      visit_day: {description: Day of the technician's visit, kind: date}
      visit_time: {description: Time of the technician's visit, kind: time}
      connection: {description: How the home is connected, values: [fibre, cable, DSL]}
"""
)


@cache
def tracker(name: str) -> Tracker:
    if name == "rules":
        return RuleTracker()
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    from services.tracker.learned.tracker import LearnedTracker

    return LearnedTracker.load()


def follow(name: str, dialogue: str) -> State:
    state, system, number = State(), "", 0
    for turn in (part.strip() for part in dialogue.split(" | ")):
        if turn.startswith("A:"):
            system = turn[2:].strip()
        else:
            number += 1
            state, system = tracker(name).track(SCHEMA, state, system, turn, number), ""
    return state


def lines() -> list[tuple[str, dict[str, str]]]:
    found = []
    for path in sorted((HERE / "dialogues").glob("*.txt")):
        for line in path.read_text().splitlines():
            dialogue, _, wanted = line.rpartition(" => ")
            pairs = [] if wanted == "{}" else [pair.strip().split(" ", 1) for pair in wanted.split(",")]
            found.append((dialogue, {slot: value.casefold() for slot, value in pairs}))
    return found


@pytest.mark.parametrize("name", ["rules", "learned"])
@pytest.mark.parametrize(("dialogue", "wanted"), lines())
def test_the_state_holds_what_the_message_means(name: str, dialogue: str, wanted: dict[str, str]) -> None:
    state = follow(name, dialogue)
    assert {slot: value.value.casefold() for _, slot, value in state.filled()} == wanted


@pytest.mark.parametrize("name", ["rules", "learned"])
def test_what_is_agreed_to_comes_from_the_system(name: str) -> None:
    state = follow(name, "I want internet. | A: Would you like the Family plan? | Yes, please.")
    assert state.service("order").slots["plan"].origin == SYSTEM
