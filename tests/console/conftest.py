"""A browser on the console of a real stack: the embedded one with the engine ``echo``, whose replies are known."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.console.pages import sign_in, up
from tests.console.shop import TENANT, Shop
from tests.support.command import Command

DEMO = Path(__file__).parents[2] / "services/cli/demo/en"
PATIENCE_MS = 60_000
# Speaks a word every so often, so that a reply can be stopped in the middle.
STEP_MS = 30


@pytest.fixture(scope="session")
def shop() -> Iterator[Shop]:
    """A shop of another origin."""
    served = Shop()
    yield served
    served.close()


@pytest.fixture(scope="session")
def antiphon(tmp_path_factory: pytest.TempPathFactory, shop: Shop) -> Iterator[Command]:
    """The command of a running stack that knows the demonstration's schema and documents, and lets the shop in."""
    command = Command(tmp_path_factory.mktemp("home"))
    settings = {"ANTIPHON_ENGINE": "echo", "ANTIPHON_ECHO_STEP_MS": str(STEP_MS)}
    up(command, settings | shop.settings(tmp_path_factory.mktemp("keys")))
    command("admin", "create-tenant", TENANT)
    command("schema", "put", "internet", str(DEMO / "schema.yaml"))
    command("knowledge", "add", str(DEMO / "router.md"), str(DEMO / "plans.md"), timeout=300)
    yield command
    command("down")


@pytest.fixture(scope="session")
def url(antiphon: Command) -> str:
    """Where the console is."""
    return str(antiphon.json("up", "--detach")["url"])


@pytest.fixture(scope="session")
def key(antiphon: Command) -> str:
    """The owner's API key."""
    return (antiphon.home / "api_key").read_text().strip()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium."""
    program = shutil.which("chromium")
    assert program, "chromium is needed"
    arguments = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, url: str) -> Iterator[Page]:
    """A new page at the door; what the browser itself complains of fails the test."""
    context = chromium.new_context(base_url=url, locale="en-GB", viewport={"width": 1360, "height": 860})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if is_complaint(line.type, line.text) else None)
    page.goto("/")
    yield page
    context.close()
    assert complaints == []


def is_complaint(kind: str, text: str) -> bool:
    """Errors and warnings, but for refused calls, which the browser logs by itself and the page shows."""
    return kind in ("error", "warning") and not text.startswith("Failed to load resource")


@pytest.fixture
def inside(page: Page, key: str) -> Page:
    """A page that is signed in."""
    sign_in(page, key)
    return page
