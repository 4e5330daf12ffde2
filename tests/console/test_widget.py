"""The widget on a shop's page: another origin, a strict policy, an end user's token, and an agent who takes over."""

import base64
import json
import re
from collections.abc import Iterator

import pytest
from antiphon.client import Client
from antiphon.v1 import conversation_pb2 as pb
from antiphon.v1.feedback_pb2 import ExportFeedbackRequest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.console.conftest import PATIENCE_MS, is_complaint
from tests.console.pages import violations
from tests.console.shop import Shop
from tests.support.command import Command

HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script> \u202eesrever"
CONTRACT = "**/antiphon.v1.ConversationService"
# In the page, since a reply may be over before a look from outside: how long the text of a reply in work has been.
WATCH_IT_GROW = """() => {
    const root = document.querySelector("antiphon-widget").shadowRoot;
    window.lengths = [];
    new MutationObserver(() => {
        const text = root.querySelector(".live .text:not(.old)");
        if (text) lengths.push(text.textContent.length);
    }).observe(root, {childList: true, subtree: true, characterData: true});
}"""


@pytest.fixture
def counter(shop: Shop, url: str, request: pytest.FixtureRequest) -> Shop:
    """The shop as it is by default, with a visitor of this test's own."""
    shop.server, shop.attributes, shop.lang = url.rstrip("/"), 'data-token-url="/token"', "en"
    shop.refuses, shop.lifetime, shop.visitor = False, 600.0, f"visitor of {request.node.name}"
    return shop


@pytest.fixture(scope="module")
def desk(antiphon: Command, key: str) -> Iterator[Client]:
    """An agent's program."""
    with Client(str(antiphon.json("up", "--detach")["address"]), key=key) as client:
        yield client


def _take_over(desk: Client, session: str) -> None:
    desk.conversations.Takeover(pb.TakeoverRequest(session_id=session, author="Ann"))


def _last_turn(desk: Client, session: str) -> pb.Turn:
    request = pb.ListTurnsRequest(session_id=session, latest_first=True, page_size=1)
    return desk.conversations.ListTurns(request).turns[0]


def _reply(desk: Client, session: str, text: str) -> None:
    desk.conversations.PostReply(pb.PostReplyRequest(turn_id=_last_turn(desk, session).id, text=text, author="Ann"))


@pytest.fixture
def visit(chromium: Browser, counter: Shop) -> Iterator[Page]:
    """A visitor's page of the shop; what the browser itself complains of fails the test."""
    context = chromium.new_context(locale="en-GB", viewport={"width": 1100, "height": 760})
    complaints: list[str] = []
    yield _page(context, counter, complaints)
    context.close()
    assert complaints == []


def _page(context: BrowserContext, shop: Shop, complaints: list[str]) -> Page:
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if is_complaint(line.type, line.text) else None)
    page.goto(shop.origin)
    return page


def _open(page: Page) -> Locator:
    page.get_by_role("button", name="Open chat").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Your message")).to_be_focused()
    return dialog


def _ask(dialog: Locator, text: str) -> None:
    dialog.get_by_label("Your message").fill(text)
    dialog.get_by_label("Your message").press("Enter")
    expect(dialog.get_by_role("article", name="You").last).to_have_text(text)


def _answered(dialog: Locator, count: int) -> Locator:
    """The latest reply, once there are so many, the greeting among them, and none is being written."""
    expect(dialog.get_by_role("button", name="Stop")).to_have_count(0)
    replies = dialog.get_by_role("article", name="Assistant")
    expect(replies).to_have_count(count)
    return replies.last


def _session(page: Page) -> str:
    kept = page.evaluate("Object.entries(sessionStorage).find(([name]) => name.startsWith('antiphon.widget'))[1]")
    return str(json.loads(kept)["session"])


def test_a_visitor_asks_has_the_reply_changed_and_approves_of_it(visit: Page, desk: Client) -> None:
    dialog = _open(visit)
    visit.evaluate(WATCH_IT_GROW)
    _ask(dialog, "What does a red light on the router mean?")
    reply = _answered(dialog, 2)
    lengths = visit.evaluate("lengths")
    assert lengths == sorted(lengths)
    assert len(set(lengths)) >= 3
    first = reply.locator(".text").inner_text()
    reply.get_by_role("button", name="Not a good answer").click()
    wish = dialog.get_by_label("What should be different?")
    expect(wish).to_be_focused()
    colours = set()
    for scheme in ("light", "dark"):
        visit.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        colours.add(dialog.evaluate("(box) => getComputedStyle(box).backgroundColor"))
    assert len(colours) == 2
    assert violations(visit) == []
    wish.fill("at most 4 words")
    wish.press("Enter")
    expect(dialog.get_by_label("Your message")).to_be_focused()
    expect(dialog.get_by_text("Changed: at most 4 words")).to_be_visible()
    reply = _answered(dialog, 2)
    second = reply.locator(".text").inner_text()
    assert second != first
    reply.get_by_role("button", name="Good answer", exact=True).click()
    expect(reply.get_by_role("button", name="Good answer", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(visit.get_by_role("log")).to_contain_text("Thank you for telling us.")

    session = _session(visit)
    turn = _last_turn(desk, session)
    assert (turn.accepted_round, len(turn.drafts)) == (1, 2)
    assert _ratings(desk, session) == [(1, "at most 4 words"), (5, "")]
    assert violations(visit) == []


def _ratings(desk: Client, session: str) -> list[tuple[int, str]]:
    records = [each.record for each in desk.feedback.ExportFeedback(ExportFeedbackRequest(session_id=session))]
    return [(record.feedback.rating, record.feedback.comment) for record in records if record.feedback.rating]


def test_a_conversation_goes_on_over_page_loads_and_a_page_gets_no_focus_it_did_not_ask_for(visit: Page) -> None:
    dialog = _open(visit)
    _ask(dialog, "What does a red light on the router mean?")
    text = _answered(dialog, 2).locator(".text").inner_text()
    visit.reload()
    expect(dialog.get_by_role("article", name="Assistant").last).to_contain_text(text)
    assert visit.evaluate("document.activeElement === document.body")
    visit.get_by_role("dialog").get_by_label("Your message").fill("x")
    visit.keyboard.press("Escape")
    expect(visit.get_by_role("dialog")).to_have_count(0)
    expect(visit.get_by_role("button", name="Open chat")).to_be_focused()
    visit.reload()
    expect(visit.get_by_role("button", name="Open chat")).to_be_visible()
    expect(visit.get_by_role("dialog")).to_have_count(0)
    expect(_open(visit).get_by_role("article", name="Assistant").last).to_contain_text(text)


def test_a_person_is_asked_for_takes_over_writes_and_hands_back(visit: Page, desk: Client) -> None:
    dialog = _open(visit)
    _ask(dialog, "What does a red light on the router mean?")
    _answered(dialog, 2)
    dialog.get_by_role("button", name="Talk to a person").click()
    expect(dialog.get_by_text("We have asked for a person.")).to_be_visible()
    expect(dialog.get_by_role("button", name="Talk to a person")).to_have_count(0)
    session = _session(visit)
    asked = desk.conversations.ListSessions(pb.ListSessionsRequest(handoff_asked=True, page_size=200)).sessions
    assert session in {each.id for each in asked}
    _take_over(desk, session)
    expect(dialog.get_by_text("Ann is answering you now.")).to_be_visible()

    _ask(dialog, "Is anybody there?")
    expect(dialog.get_by_text("Sent. A person will answer here.")).to_be_visible()
    assert violations(visit) == []
    visit.keyboard.press("Escape")
    _reply(desk, session, "Yes: see https://example.org/red-light.")
    launcher = visit.get_by_role("button", name="Open chat, new messages: 1")
    expect(launcher).to_be_visible()
    expect(visit.get_by_role("log")).to_contain_text("Our team: Yes: see")
    launcher.click()
    said = dialog.get_by_role("article", name="Our team")
    expect(said).to_contain_text("Yes: see https://example.org/red-light.")
    expect(said.get_by_role("link")).to_have_attribute("href", "https://example.org/red-light")
    assert violations(visit) == []
    desk.conversations.Return(pb.ReturnRequest(session_id=session))
    expect(dialog.get_by_text("Ann is answering you now.")).to_have_count(0)
    expect(visit.get_by_role("log")).to_contain_text("The assistant is answering again.")
    _ask(dialog, "Thank you")
    _answered(dialog, 3)


def test_a_person_who_takes_over_in_the_middle_of_a_reply_silences_the_assistant(visit: Page, desk: Client) -> None:
    dialog = _open(visit)
    _ask(dialog, "Tell me all you know, slowly, and let nothing out: " + "one two three " * 200)
    expect(dialog.locator(".live .text")).not_to_be_empty()
    session = _session(visit)
    _take_over(desk, session)
    expect(dialog.get_by_text("Sent. A person will answer here.")).to_be_visible()
    expect(dialog.get_by_role("article", name="Assistant")).to_have_count(1)  # the greeting
    _reply(desk, session, "I am reading it.")
    expect(dialog.get_by_role("article", name="Our team")).to_contain_text("I am reading it.")


def test_what_is_said_is_never_markup_and_only_plain_addresses_become_links(visit: Page, desk: Client) -> None:
    dialog = _open(visit)
    _ask(dialog, HOSTILE)
    _answered(dialog, 2)
    assert visit.title() == "A shop"
    assert dialog.locator("img, script").count() == 0
    wanted = {
        "see https://a.example/x.": "https://a.example/x",
        "(http://b.example/y(z))": "http://b.example/y(z)",
        "请看https://c.example/路": "https://c.example/",
        "看 https://d.example/q?a=1&b=2。谢谢": "https://d.example/q?a=1&b=2",
        "https://e.example/, https": "https://e.example/",
        '"https://f.example/%22"': "https://f.example/%22",
        "HTTPS://g.example": "https://g.example/",
    }
    refused = [
        "javascript:alert(1)", "data:text/html,x", "ftp://h.example/", "//i.example/",
        "https://bank.example@evil.example/", "https://", "https://\u0430pple.example/", "file:///etc/passwd",
    ]  # fmt: skip
    session = _session(visit)
    _take_over(desk, session)
    _ask(dialog, "hello")
    expect(dialog.get_by_text("Sent. A person will answer here.")).to_be_visible()
    _reply(desk, session, "\n".join([HOSTILE, *wanted, *refused]))
    said = dialog.get_by_role("article", name="Our team")
    expect(said).to_be_visible()
    links = said.get_by_role("link")
    assert [link.get_attribute("href") for link in links.all()] == list(wanted.values())
    for link in links.all():
        assert link.get_attribute("rel") == "noopener noreferrer nofollow"
        assert link.get_attribute("target") == "_blank"
    assert said.locator("img, script").count() == 0
    assert visit.title() == "A shop"


def test_a_message_of_a_megabyte_is_refused_plainly_and_a_long_one_is_shown_in_part(visit: Page) -> None:
    dialog = _open(visit)
    field = dialog.get_by_label("Your message")
    field.fill("https://x@ " * 100_000)
    field.press("Enter")
    expect(dialog.get_by_role("alert")).to_have_text("This message is too long.")
    assert len(field.input_value()) > 1_000_000
    _fill_and_send(dialog, "word " * 6_000)
    mine = dialog.get_by_role("article", name="You")
    expect(mine.get_by_role("button", name="Show the rest")).to_be_visible()
    assert len(mine.inner_text()) < 9_000
    mine.get_by_role("button", name="Show the rest").click()
    assert len(mine.inner_text()) > 29_000


def _fill_and_send(dialog: Locator, text: str) -> None:
    dialog.get_by_label("Your message").fill(text)
    dialog.get_by_label("Your message").press("Enter")


def test_neither_the_shops_styles_nor_its_shortcuts_reach_the_widget_and_none_leaks_out(visit: Page) -> None:
    before = visit.evaluate("getComputedStyle(document.querySelector('main p')).color + document.title")
    dialog = _open(visit)
    field = dialog.get_by_label("Your message")
    expect(field).to_be_visible()  # the shop hides its own
    style = field.evaluate("(box) => [getComputedStyle(box).color, getComputedStyle(box).letterSpacing]")
    assert style[0] != "rgb(200, 0, 0)"
    assert style[1] == "normal"
    field.press("k")
    field.press("/")
    assert visit.evaluate("getComputedStyle(document.querySelector('main p')).color + document.title") == before
    visit.get_by_label("Find a product").press("k")
    assert visit.title() == "shortcut k"


def test_a_broken_stream_goes_on_and_without_any_connection_it_is_said(visit: Page) -> None:
    dialog = _open(visit)
    method = f"{CONTRACT}/SendTurn"
    visit.route(method, lambda route: (route.fetch(), route.abort()) if route.request.method == "POST" else None)
    _ask(dialog, "one two three")
    expect(dialog.get_by_text("The connection broke off; going on…")).to_be_visible()
    visit.unroute(method)
    _answered(dialog, 2)
    expect(dialog.get_by_role("article", name="You")).to_have_count(1)

    visit.context.set_offline(True)
    expect(dialog.get_by_role("alert")).to_have_text("There is no connection at the moment.")
    visit.context.set_offline(False)
    expect(dialog.get_by_role("alert")).to_have_count(0)
    _ask(dialog, "four")
    _answered(dialog, 3)


def test_a_token_that_expires_is_got_anew_and_one_that_is_refused_is_said(visit: Page, counter: Shop) -> None:
    counter.lifetime = 31.0  # a second of use, less the margin
    dialog = _open(visit)
    _ask(dialog, "one")
    _answered(dialog, 2)
    before = counter.tokens_given
    visit.wait_for_function("new Promise((resolve) => setTimeout(resolve, 1200, true))")
    _ask(dialog, "two")
    _answered(dialog, 3)
    assert counter.tokens_given > before
    counter.refuses = True
    visit.wait_for_function("new Promise((resolve) => setTimeout(resolve, 1200, true))")
    _fill_and_send(dialog, "three")
    expect(dialog.get_by_role("alert")).to_contain_text("This page is not signed in to the chat any more.")
    expect(dialog.get_by_label("Your message")).to_have_value("three")
    counter.refuses = False
    dialog.get_by_label("Your message").press("Enter")
    _answered(dialog, 4)


def test_a_token_comes_by_attribute_or_function_too_and_another_visitor_sees_nothing(
    chromium: Browser, counter: Shop, desk: Client
) -> None:
    context = chromium.new_context(viewport={"width": 900, "height": 700})
    words = 'data-title="Router help" data-greeting="What is broken?" data-schema="internet"'
    counter.attributes = f'data-token="{counter.token()}" {words}'
    page = _page(context, counter, [])
    dialog = _open(page)
    expect(dialog.get_by_role("heading")).to_have_text("Router help")
    expect(dialog.get_by_text("What is broken?")).to_be_visible()
    _ask(dialog, "my secret")
    _answered(dialog, 2)
    session = desk.conversations.GetSession(pb.GetSessionRequest(session_id=_session(page))).session
    assert (session.user_id, session.schema_name) == (counter.visitor, "internet")

    counter.visitor = "somebody else"
    counter.attributes = 'data-token-function="shopToken"'
    page.add_init_script(f"window.shopToken = async () => {counter.token()!r};")
    page.reload()
    expect(page.get_by_role("dialog").get_by_label("Your message")).to_be_visible()
    _ask(dialog, "another secret")
    _answered(dialog, 2)
    expect(dialog.get_by_text("my secret")).to_have_count(0)
    page.evaluate("AntiphonWidget.forget()")
    expect(dialog.get_by_role("article", name="You")).to_have_count(0)
    page.evaluate("AntiphonWidget.close()")
    expect(page.get_by_role("dialog")).to_have_count(0)
    context.close()


def test_a_stolen_or_foreign_credential_opens_nothing(chromium: Browser, counter: Shop) -> None:
    context = chromium.new_context()
    head, _, rest = counter.token().partition(".")
    claims, _, signature = rest.partition(".")
    forged = base64.urlsafe_b64encode(base64.urlsafe_b64decode(claims + "==").replace(b"visitor", b"Visitor"))
    counter.attributes = f'data-token="{head}.{forged.decode().rstrip("=")}.{signature}"'
    dialog = _open(_page(context, counter, []))
    _fill_and_send(dialog, "hello")
    expect(dialog.get_by_role("alert")).to_have_text("This page is not signed in to the chat any more.")
    context.close()


def test_the_keyboard_alone_asks_judges_and_closes(visit: Page) -> None:
    visit.get_by_label("Find a product").focus()
    visit.keyboard.press("Tab")
    visit.keyboard.press("Enter")
    dialog = visit.get_by_role("dialog")
    visit.keyboard.type("What does a red light on the router mean?")
    visit.keyboard.press("Enter")
    reply = _answered(dialog, 2)
    down = reply.get_by_role("button", name="Not a good answer")
    for _ in range(12):
        if down.evaluate("(button) => button.getRootNode().activeElement === button"):
            break
        visit.keyboard.press("Shift+Tab")
    expect(down).to_be_focused()
    visit.keyboard.press("Space")
    expect(dialog.get_by_label("What should be different?")).to_be_focused()
    visit.keyboard.type("x")
    visit.keyboard.press("Escape")
    expect(dialog).to_be_visible()
    expect(down).to_be_focused()
    expect(down).to_have_attribute("aria-pressed", "true")
    visit.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(visit.get_by_role("button", name="Open chat")).to_be_focused()


def test_a_narrow_screen_is_filled_in_chinese_by_the_pages_language(chromium: Browser, counter: Shop) -> None:
    counter.lang = "zh-Hans"
    context = chromium.new_context(viewport={"width": 320, "height": 568})
    page = _page(context, counter, [])
    page.get_by_role("button", name="打开对话").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("您的消息").fill("路由器的红灯是什么意思？" + "长" * 300)
    dialog.get_by_label("您的消息").press("Enter")
    expect(dialog.get_by_role("article", name="智能助手")).to_have_count(2)
    expect(dialog.get_by_role("button", name="停止")).to_have_count(0)
    box = dialog.bounding_box()
    assert box is not None
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 320, 568)
    assert dialog.evaluate("(box) => box.scrollWidth") <= 320
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert violations(page) == []
    words = dialog.locator("header, .composer, .thumbs, .about").all_inner_texts()
    assert not re.search("[A-Za-z]{4,}", " ".join(words))
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    context.close()
