"""What the tests of several pages do."""

from typing import Any

from playwright.sync_api import Page, expect

from tests.support.command import Command
from tests.support.processes import REPOSITORY

AXE = REPOSITORY / "console/node_modules/axe-core/axe.min.js"
expect.set_options(timeout=60_000)


def up(command: Command, settings: dict[str, str]) -> None:
    """Start a stack with these settings."""
    given = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
    command("up", "--detach", *given, timeout=900)


def sign_in(page: Page, key: str) -> None:
    """Go in at the door."""
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Sessions").wait_for()


def start(page: Page, user: str, schema: str = "internet") -> None:
    """Open a new session."""
    page.get_by_role("button", name="New session").click()
    page.get_by_label("User", exact=True).fill(user)
    page.get_by_label("Schema").select_option(schema)
    page.get_by_role("button", name="Start").click()
    page.get_by_text("Nothing has been said yet").wait_for()


def say(page: Page, text: str) -> None:
    """Send a message by the keyboard and wait for the reply's end."""
    page.get_by_label("Message").fill(text)
    page.get_by_label("Message").press("Enter")
    expect(page.get_by_label("Message")).to_have_value("")
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    expect(page.get_by_role("article", name="Draft 1").last).to_be_visible()


def violations(page: Page) -> list[Any]:
    """What axe-core finds wrong with the page as it stands, in the light and in the dark."""
    page.evaluate(AXE.read_text())
    problems = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        problems += [
            (scheme, rule["id"], [node["html"] for node in rule["nodes"]][:3]) for rule in result["violations"]
        ]
    return problems
