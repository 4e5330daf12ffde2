"""Knowledge, as a person keeps it in a browser."""

from playwright.sync_api import Page, expect

from tests.console.pages import say, start, violations


def test_a_document_is_uploaded_listed_and_deleted_and_a_bad_one_told(inside: Page) -> None:
    inside.get_by_role("link", name="Knowledge").click()
    documents = inside.get_by_role("list", name="Documents")
    expect(documents.get_by_role("listitem").filter(has_text="router.md")).to_contain_text("complete")
    inside.locator("input[type=file]").set_input_files(
        [
            {"name": "owls.md", "mimeType": "text/markdown", "buffer": b"# Owls\n\nOwls hunt at night.\n"},
            {"name": "broken.md", "mimeType": "text/markdown", "buffer": b""},
        ]
    )
    expect(inside.get_by_role("alert").filter(has_text="broken.md")).to_contain_text("empty")
    expect(documents.get_by_role("listitem").filter(has_text="owls.md")).to_contain_text("complete")
    assert violations(inside) == []
    inside.get_by_role("button", name="Delete owls.md").click()
    inside.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(documents.get_by_role("listitem").filter(has_text="owls.md")).to_have_count(0)


def test_a_fact_is_taught_used_superseded_and_taken_back(inside: Page) -> None:
    inside.get_by_role("link", name="Knowledge").click()
    inside.get_by_role("link", name="Facts").click()
    for value in ("five days", "six days"):
        inside.get_by_label("About").fill("Moon plan")
        inside.get_by_label("What of it").fill("delivery time")
        inside.get_by_label("Is", exact=True).fill(value)
        inside.get_by_role("button", name="Teach").click()
        expect(inside.get_by_role("list", name="Facts")).to_contain_text(value)
    expect(inside.get_by_role("status").filter(has_text="before: five days")).to_have_count(1)
    inside.get_by_role("button", name="History").click()
    expect(inside.get_by_role("list", name="Facts")).to_contain_text("five days")
    assert violations(inside) == []

    inside.get_by_role("link", name="Talk").click()
    start(inside, "Gus")
    say(inside, "What is the delivery time of the Moon plan?")
    expect(inside.get_by_role("region", name="Why")).to_contain_text("six days")

    inside.goto("/knowledge/facts")
    inside.get_by_role("button", name="Take back").click()
    expect(inside.get_by_text("No facts yet")).to_be_visible()
    inside.get_by_role("link", name="Candidates").click()
    expect(inside.get_by_text("Nothing waits to be confirmed")).to_be_visible()
    assert violations(inside) == []
