"""Today, as who answers for the assistant reads it in a browser."""

from playwright.sync_api import Page, expect

from tests.console.pages import say, start, violations


def test_the_figures_of_the_day_are_shown_and_of_a_longer_span(inside: Page) -> None:
    start(inside, "Ida")
    say(inside, "Is it open on Sunday?")
    inside.get_by_role("button", name="4 of 5").click()
    expect(inside.get_by_role("status").filter(has_text="Rated 4 of 5.")).to_have_count(1)
    inside.get_by_role("link", name="Today").click()
    turns = inside.get_by_role("region", name="Turns")
    expect(turns).to_contain_text("answered: ")
    expect(inside.get_by_role("region", name="Ratings")).to_contain_text("4 ★")
    expect(inside.get_by_text("First words after")).to_be_visible()
    inside.get_by_label("Span").select_option("7")
    expect(turns.get_by_role("img", name="Turns by day")).to_be_visible()
    assert violations(inside) == []
    inside.set_viewport_size({"width": 320, "height": 720})
    assert inside.evaluate("document.documentElement.scrollWidth") <= 320
