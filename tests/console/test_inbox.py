"""Inbox and Talk, as an agent and a customer use them at the same time in two tabs."""

import re

from playwright.sync_api import Page, expect

from tests.console.pages import say, sign_in, start, violations
from tests.support.command import Command


def test_an_agent_takes_over_with_suggestions_answers_and_hands_back(inside: Page, key: str, antiphon: Command) -> None:
    start(inside, "Ines")
    say(inside, "Is the line down?")
    session = inside.url.rpartition("/")[2]
    antiphon("sessions", "handoff", session, "--note", "angry")

    agent = inside.context.new_page()
    agent.goto("/")
    sign_in(agent, key)
    agent.get_by_role("link", name="Inbox").click()
    agent.get_by_label("Your name").fill("Ann")
    agent.get_by_label("Search").fill("Ines")
    row = agent.get_by_role("article").filter(has_text="Is the line down?")
    expect(row).to_contain_text("asked for a person")
    row.get_by_role("link", name="Ines").click()
    desk = agent.get_by_role("region", name="Conversation")
    desk.get_by_role("button", name="Take over with suggestions").click()
    expect(desk.get_by_role("status")).to_have_text("The conversation is yours; the bot is silent.")
    expect(desk.get_by_text("Nothing waits for a reply.")).to_be_visible()
    expect(row).to_contain_text("taken over by Ann")

    customer = inside.get_by_role("region", name="Conversation")
    for text in ("Hello?", "Is anybody there?"):
        customer.get_by_label("Message").fill(text)
        customer.get_by_label("Message").press("Enter")
        expect(customer.locator(".message.user").last).to_have_text(text)
        expect(customer.get_by_role("article", name="A person is answering")).to_be_visible()
    reply = desk.get_by_label("Your reply")
    expect(reply).to_have_value(re.compile(r"\w"))
    suggested = reply.input_value().split("\n")[0]
    shown = customer.get_by_text(suggested).count()
    reply.fill("Yes, until six.")
    expect(desk.get_by_role("group", name="Suggestion of the bot")).to_contain_text(suggested)
    assert violations(agent) == []
    reply.press("Control+Enter")
    expect(desk.get_by_text("Yes, until six.")).to_be_visible()
    draft = customer.get_by_role("article").filter(has_text="Yes, until six.")
    expect(draft).to_contain_text("by a person")
    expect(customer.get_by_text("Answered together with the next message.")).to_be_visible()
    expect(customer.get_by_text(suggested)).to_have_count(shown)
    assert violations(inside) == []

    agent.set_viewport_size({"width": 320, "height": 720})
    assert agent.evaluate("document.documentElement.scrollWidth") <= 320
    desk.get_by_role("button", name="Hand back to the bot").click()
    expect(desk.get_by_role("status")).to_have_text("The bot answers again.")
    say(inside, "Thank you")
    expect(customer.get_by_text("A person is answering")).to_have_count(0)
