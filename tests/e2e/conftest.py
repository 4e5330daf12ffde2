"""The whole stack, started once for the end-to-end tests, as a user starts it."""

from collections.abc import Iterator

import pytest

from tests.support.command import Command


@pytest.fixture(scope="session")
def antiphon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """The command on a running stack whose engine is ``echo``: quick, and its replies are known."""
    command = Command(tmp_path_factory.mktemp("home"))
    command("up", "--detach", "--set", "ANTIPHON_ENGINE=echo")
    yield command
    command("down")


@pytest.fixture
def session(antiphon: Command) -> str:
    """A new session's id."""
    return str(antiphon.json("sessions", "new", "--user", "ada")["id"])
