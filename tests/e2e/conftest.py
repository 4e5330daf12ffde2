"""The whole stack, started once for the end-to-end tests, as a user starts it."""

from collections.abc import Iterator

import httpx2
import pytest
from openai import OpenAI

from tests.support.command import Command
from tests.support.http import Browser
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


@pytest.fixture(scope="module")
def url(antiphon: Command) -> str:
    """Where the running stack takes HTTP."""
    return str(antiphon.json("up", "--detach")["url"])


@pytest.fixture(scope="module")
def browser(antiphon: Command, url: str) -> Iterator[Browser]:
    """A page of the stack's owner."""
    page = Browser(url, (antiphon.home / "api_key").read_text().strip())
    yield page
    page.close()


@pytest.fixture(scope="module")
def client(antiphon: Command, url: str) -> Iterator[OpenAI]:
    """OpenAI's client with the key of the stack's owner."""
    key = (antiphon.home / "api_key").read_text().strip()
    with OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, http_client=httpx2.Client(trust_env=False)) as client:
        yield client
