"""Pictures of every page for the docs: ``python -m tests.console.screenshots FOLDER`` (``make console-pictures``).

A stack of its own with the default model is filled with conversations, feedback and facts first, so that the pages show
what they are for. Look at the pictures before they are committed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from antiphon.client import Client
from antiphon.v1 import conversation_pb2 as pb
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.console.pages import say, sign_in, start, up
from tests.console.shop import TENANT, Shop
from tests.support.command import Command

DEMO = Path(__file__).parents[2] / "services/cli/demo/en"
PATIENCE_MS = 120_000
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 320, "height": 640}
LONG = (
    "I have been without a connection since Monday, I have restarted the router four times, I have been told by two of "
    "your colleagues that somebody would call me back, and nobody has: what does the red light mean?"
)


def main() -> None:
    """Take all pictures into a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--widget", action="store_true", help="the widget's pictures alone")
    given = parser.parse_args()
    folder = given.folder
    folder.mkdir(parents=True, exist_ok=True)
    shop = Shop()
    with tempfile.TemporaryDirectory() as home:
        command = Command(Path(home))
        up(command, shop.settings(Path(home)))
        try:
            _teach(command)
            url = str(command.json("up", "--detach")["url"])
            shop.server = url.rstrip("/")
            with _chromium() as browser:
                _widget(browser, command, shop, folder)
                if not given.widget:
                    _take(browser, command, url, folder)
        finally:
            command("down")
            shop.close()


def _teach(command: Command) -> None:
    command("admin", "create-tenant", TENANT)
    command("schema", "put", "internet", str(DEMO / "schema.yaml"))
    command("knowledge", "add", *(str(DEMO / name) for name in ("router.md", "plans.md", "service.md")), timeout=600)


@contextmanager
def _chromium() -> Iterator[Browser]:
    arguments = [
        "--disable-gpu",
        "--disable-lcd-text",
        "--hide-scrollbars",
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        yield browser
        browser.close()


def _widget(browser: Browser, command: Command, shop: Shop, folder: Path) -> None:
    """A visitor asks, has the reply changed and is answered by a person; then a narrow screen, in Chinese."""
    context = browser.new_context(locale="en-GB", viewport={"width": 1000, "height": 720})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(shop.origin)
    page.get_by_role("button", name="Open chat").click()
    dialog = page.get_by_role("dialog")
    _ask(dialog, "What does a red light on the router mean?", ("Your message", "Assistant", "Stop"))
    dialog.get_by_role("button", name="Not a good answer").click()
    wish = dialog.get_by_label("What should be different?")
    wish.fill("mention the grey cable")
    page.screenshot(path=folder / "widget-wish.png", animations="disabled")
    wish.press("Enter")
    dialog.get_by_text("Changed: mention the grey cable").wait_for()
    dialog.get_by_role("button", name="Talk to a person").click()
    dialog.get_by_text("We have asked for a person.").wait_for()
    key = (command.home / "api_key").read_text().strip()
    with Client(str(command.json("up", "--detach")["address"]), key=key) as desk:
        _answer(desk, dialog)
    page.screenshot(path=folder / "widget.png", animations="disabled")
    page.emulate_media(color_scheme="dark")
    page.screenshot(path=folder / "widget-dark.png", animations="disabled")
    context.close()
    shop.lang, shop.visitor = "zh-CN", "xiaoming"
    context = browser.new_context(viewport=NARROW)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(shop.origin)
    page.get_by_role("button", name="打开对话").click()
    _ask(page.get_by_role("dialog"), "路由器的红灯是什么意思？", ("您的消息", "智能助手", "停止"))
    page.screenshot(path=folder / "widget-narrow-chinese.png", animations="disabled")
    context.close()


def _answer(desk: Client, dialog: Locator) -> None:
    """The agent Ann takes over and answers the visitor's next message."""
    (asked,) = desk.conversations.ListSessions(pb.ListSessionsRequest(handoff_asked=True)).sessions
    desk.conversations.Takeover(pb.TakeoverRequest(session_id=asked.id, author="Ann"))
    dialog.get_by_text("Ann is answering you now.").wait_for()
    dialog.get_by_label("Your message").fill("It is still red.")
    dialog.get_by_label("Your message").press("Enter")
    dialog.get_by_text("Sent. A person will answer here.").wait_for()
    latest = pb.ListTurnsRequest(session_id=asked.id, latest_first=True, page_size=1)
    turn = desk.conversations.ListTurns(latest).turns[0]
    reply = "Then the line is down. Somebody comes tomorrow at nine: https://example.org/visits/4711"
    desk.conversations.PostReply(pb.PostReplyRequest(turn_id=turn.id, text=reply, author="Ann"))
    dialog.get_by_role("article", name="Our team").wait_for()


def _ask(dialog: Locator, text: str, names: tuple[str, str, str]) -> None:
    """Ask the widget and wait for the end; ``names`` are those of its field, of its assistant and of what stops it."""
    field, assistant, stop = names
    dialog.get_by_label(field).fill(text)
    dialog.get_by_label(field).press("Enter")
    expect(dialog.get_by_role("article", name=assistant)).to_have_count(2)
    expect(dialog.get_by_role("button", name=stop)).to_have_count(0)


def _take(browser: Browser, command: Command, url: str, folder: Path) -> None:
    context = browser.new_context(base_url=url, locale="en-GB", viewport=WIDE, color_scheme="light")  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)

    def picture(page: Page, name: str) -> None:
        page.wait_for_load_state("networkidle" if name == "door" else "load")
        page.evaluate("document.activeElement?.blur()")
        page.screenshot(path=folder / f"{name}.png", animations="disabled")

    key = (command.home / "api_key").read_text().strip()
    page = context.new_page()
    page.goto("/")
    picture(page, "door")
    sign_in(page, key)
    for name in ("inbox", "today"):
        page.goto(f"/{name}")
        page.locator(".empty").wait_for()
        picture(page, f"{name}-empty")
    page.goto("/talk")
    session = _talk(page)
    picture(page, "talk")
    customer = context.new_page()
    _waiting(page, command, key, customer, picture)
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    _rest(page, picture)
    page.emulate_media(color_scheme="dark")
    page.goto(f"/talk/{session}")
    page.get_by_role("region", name="Why").locator("mark").first.wait_for()
    picture(page, "talk-dark")
    page.emulate_media(color_scheme="light")
    _narrow(page, session, picture)
    context.close()


def _talk(page: Page) -> str:
    """A conversation with a revision, a state and a reason."""
    start(page, "Ada Byron")
    say(page, "I want to order the Family plan. What does it cost?")
    page.get_by_role("article", name="Draft 1").last.get_by_role("button", name="Accept").click()
    say(page, "What does a red light on the router mean?")
    page.get_by_label("Comment").fill("Use at most 40 words and mention the grey cable.")
    page.get_by_label("Comment").press("Enter")
    page.get_by_role("article", name="Draft 2").wait_for()
    page.get_by_role("region", name="Why").locator("mark").first.wait_for()
    page.get_by_role("button", name="5 of 5").last.click()
    return page.url.rpartition("/")[2]


def _waiting(page: Page, command: Command, key: str, customer: Page, picture: Callable[[Page, str], None]) -> None:
    """Conversations of others, one of which a person takes over."""
    for user, words in (("王小明", "路由器的红灯是什么意思？"), ("Grace Hopper", "Who won the cup in 1930?")):
        page.goto("/talk")
        start(page, user)
        say(page, words)
        if user != "王小明":
            page.get_by_role("button", name="1 of 5").click()
    customer.goto("/")
    sign_in(customer, key)
    start(customer, "Konrad Zuse-Wolfeschlegelsteinhausenbergerdorff")
    say(customer, "Which plan is the cheapest?")
    name = customer.url.rpartition("/")[2]
    command("sessions", "handoff", name, "--note", "Wants to speak to somebody about an outage")
    page.goto(f"/inbox/{name}")
    page.get_by_label("Your name").fill("Ann")
    desk = page.get_by_role("region", name="Conversation")
    desk.get_by_role("button", name="Take over with suggestions").click()
    desk.get_by_text("Nothing waits for a reply.").wait_for()
    customer.get_by_label("Message").fill(LONG)
    customer.get_by_label("Message").press("Enter")
    customer.get_by_role("article", name="A person is answering").wait_for()
    expect(desk.get_by_label("Your reply")).not_to_have_value("")
    picture(page, "inbox")
    picture(customer, "talk-person")
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    picture(page, "inbox-narrow")
    desk.get_by_label("Your reply").fill("A red light means no signal. I am sending somebody tomorrow at nine.")
    desk.get_by_label("Your reply").press("Control+Enter")
    desk.get_by_text("Sent.").wait_for()
    customer.close()


def _rest(page: Page, picture: Callable[[Page, str], None]) -> None:
    """Knowledge, queue, versions and today."""
    page.goto("/knowledge")
    page.get_by_role("list", name="Documents").get_by_text("router.md").wait_for()
    picture(page, "knowledge")
    page.goto("/knowledge/facts")
    for about, what, value in (("Family plan", "price", "29 euros"), ("Repair desk", "telephone", "0800 1234")):
        page.get_by_label("About").fill(about)
        page.get_by_label("What of it").fill(what)
        page.get_by_label("Is", exact=True).fill(value)
        page.get_by_role("button", name="Teach").click()
        page.get_by_role("list", name="Facts").get_by_text(value).wait_for()
    picture(page, "knowledge-facts")
    page.goto("/queue")
    page.get_by_role("article", name="Reply to review").wait_for()
    picture(page, "queue")
    page.goto("/versions")
    page.get_by_text("served now").first.wait_for()
    picture(page, "versions")
    page.goto("/today")
    page.get_by_role("img").first.wait_for()
    picture(page, "today")
    page.emulate_media(color_scheme="dark")
    picture(page, "today-dark")
    page.emulate_media(color_scheme="light")


def _narrow(page: Page, session: str, picture: Callable[[Page, str], None]) -> None:
    """A narrow screen, in Chinese."""
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    page.get_by_role("button", name="中文").click()
    page.goto(f"/talk/{session}")
    page.get_by_role("article").first.wait_for()
    picture(page, "talk-narrow-chinese")
    page.goto("/today")
    page.get_by_role("img").first.wait_for()
    picture(page, "today-narrow-chinese")
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    page.goto("/inbox")
    page.get_by_role("article").first.wait_for()
    picture(page, "inbox-chinese")


if __name__ == "__main__":
    main()
