"""Queue and Versions, as reviewers and operators use them in a browser."""

from playwright.sync_api import Page, expect

from tests.console.pages import say, start, violations
from tests.support.command import Command


def test_a_reply_that_was_rated_low_is_corrected_by_keyboard_alone(inside: Page) -> None:
    start(inside, "Hal")
    say(inside, "Is there a night desk?")
    inside.get_by_role("button", name="1 of 5").click()
    expect(inside.get_by_role("status").filter(has_text="Rated 1 of 5.")).to_have_count(1)
    inside.get_by_role("link", name="Queue").click()
    item = inside.get_by_role("article", name="Reply to review")
    expect(item).to_be_visible()
    for _ in range(50):
        if item.get_by_text("Is there a night desk?", exact=True).count():
            break
        inside.keyboard.press("j")
    expect(item.get_by_role("list", name="Why it is here")).to_contain_text("rated low")
    assert violations(inside) == []
    inside.keyboard.press("e")
    inside.keyboard.press("Control+a")
    inside.keyboard.type("Yes: the Owl Desk, from ten at night.")
    inside.keyboard.press("Control+Enter")
    expect(inside.get_by_role("status").filter(has_text="The correction is kept.")).to_have_count(1)
    inside.get_by_role("button", name="Read again").click()
    expect(inside.get_by_role("button", name="Read again")).to_be_visible()
    expect(inside.get_by_text("Loading…")).to_have_count(0)
    expect(inside.get_by_text("Is there a night desk?", exact=True)).to_have_count(0)


def test_what_is_served_is_shown_to_an_operator_and_refused_to_a_caller(
    inside: Page, page: Page, antiphon: Command
) -> None:
    inside.get_by_role("link", name="Versions").click()
    expect(inside.get_by_text("served now").first).to_be_visible()
    expect(inside.get_by_role("button", name="Roll back")).to_be_disabled()
    expect(inside.get_by_text("Nothing has been trained yet.")).to_be_visible()
    assert violations(inside) == []
    key = antiphon.json("keys", "create", "a caller", "--role", "caller")["secret"]
    inside.get_by_role("button", name="Sign out").click()
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Sign in").click()
    for name in ("Versions", "Queue", "Knowledge"):
        page.get_by_role("link", name=name).click()
        expect(page.get_by_role("alert").first).to_contain_text("Your key has no right to this")
