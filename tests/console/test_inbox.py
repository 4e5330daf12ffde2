"""Inbox, as an agent uses it in a browser."""

from playwright.sync_api import Page, expect

from tests.console.pages import say, start, violations
from tests.support.command import Command


def test_an_agent_takes_over_answers_and_hands_back(inside: Page, antiphon: Command) -> None:
    start(inside, "Ines")
    say(inside, "Is the line down?")
    session = inside.url.rpartition("/")[2]
    antiphon("sessions", "handoff", session, "--note", "angry")
    inside.get_by_role("link", name="Inbox").click()
    inside.get_by_label("Search").fill("Ines")
    row = inside.get_by_role("article").filter(has_text="Is the line down?")
    expect(row).to_contain_text("asked for a person")
    row.get_by_role("link", name="Ines").click()
    desk = inside.get_by_role("region", name="Conversation")
    desk.get_by_role("button", name="Take over", exact=True).click()
    expect(desk.get_by_role("status")).to_have_text("The conversation is yours; the bot is silent.")
    expect(desk.get_by_text("Nothing waits for a reply.")).to_be_visible()
    assert violations(inside) == []
    inside.set_viewport_size({"width": 320, "height": 720})
    assert inside.evaluate("document.documentElement.scrollWidth") <= 320
    desk.get_by_role("button", name="Hand back to the bot").click()
    expect(desk.get_by_role("status")).to_have_text("The bot answers again.")
    expect(desk.get_by_role("button", name="Take over", exact=True)).to_be_visible()
