"""The whole stack, started once for the end-to-end tests, as a user starts it."""

from collections.abc import Iterator

import pytest

from tests.support.command import Command
from tests.support.installed import install_wheel


@pytest.fixture(scope="session")
def antiphon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """The command of the installed wheel on a running stack with the engine ``echo``, whose replies are known."""
    command = Command(tmp_path_factory.mktemp("home"), install_wheel(tmp_path_factory.mktemp("wheel")))
    command("up", "--detach", "--set", "ANTIPHON_ENGINE=echo")
    yield command
    command("down")


@pytest.fixture
def session(antiphon: Command) -> str:
    """A new session's id."""
    return str(antiphon.json("sessions", "new", "--user", "ada")["id"])
