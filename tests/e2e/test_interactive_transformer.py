"""A trained interactive transformer behind the whole pipeline: `antiphon up --model PATH`, then a conversation."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import services.models
from tests.support.command import Command

WEIGHTS = Path(services.models.__file__).parent / "weights" / "interactive_transformer"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    command = Command(tmp_path_factory.mktemp("home"))
    command("up", "--detach", "--model", str(WEIGHTS), "--set", "ANTIPHON_REPLY_TOKENS=24", timeout=300)
    yield command
    command("down")


def test_it_chats_and_carries_its_memory_from_turn_to_turn(served: Command) -> None:
    session = str(served.json("sessions", "new", "--user", "ada")["id"])
    first = served.json("ask", "i need a cheap hotel in the centre", "--session", session)
    assert first["end"] == "completed"
    assert first["draft"]["text"].strip()
    second = served.json("ask", "please book it for two people", "--session", session)
    assert second["end"] == "completed"
    assert second["draft"]["usage"]["reused_tokens"] > 0


def test_it_revises_a_draft_when_told_what_is_wrong(served: Command) -> None:
    session = str(served.json("sessions", "new", "--user", "ada")["id"])
    turn = served.json("ask", "is there a train to london", "--session", session)["turn_id"]
    revised = served.json("revise", turn, "--feedback", "Missing: it leaves at 9:15.")
    assert revised["end"] == "completed"
    assert revised["draft"]["round"] == 1
    assert revised["draft"]["text"].strip()
