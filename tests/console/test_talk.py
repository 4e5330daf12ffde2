"""Talk, as a person uses it in a browser."""

import gzip
import re

from playwright.sync_api import Page, expect

from tests.console.pages import say, start, violations

MOST_BYTES = 150_000
HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script> \u202eesrever"

# In the page, since a reply may be over before a click from outside arrives.
STOP_AT_THE_FIRST_WORDS = """new MutationObserver((_, observer) => {
    if (!document.querySelector(".live .text")) return;
    observer.disconnect();
    document.querySelector(".composer .danger").click();
}).observe(document.body, {childList: true, subtree: true})"""


def test_the_door_tells_a_wrong_key_and_its_first_load_is_small(page: Page) -> None:
    page.get_by_label("API key").fill("key_wrong.wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("This key is not accepted")
    names = page.evaluate("performance.getEntriesByType('resource').map(each => new URL(each.name).pathname)")
    files = {name for name in names if not name.startswith("/antiphon.v1.")} | {"/"}
    sizes = {name: len(gzip.compress(page.request.get(name).body())) for name in files}
    print(f"first load, gzipped: {sizes}, together {sum(sizes.values())} bytes")
    assert any(name.endswith(".js") for name in sizes)
    assert sum(sizes.values()) <= MOST_BYTES


def test_a_reply_is_revised_explained_rated_corrected_and_accepted(inside: Page) -> None:
    start(inside, "Ada")
    say(inside, "What does a red light on the router mean?")
    why = inside.get_by_role("region", name="Why")
    expect(why.get_by_text(re.compile(r"\.md ›")).first).to_be_visible()
    expect(why.locator("mark").first).to_be_visible()
    expect(why.get_by_text("echo").first).to_be_visible()

    inside.get_by_role("button", name="Must say").click()
    inside.get_by_label("Must say…").fill("the grey cable")
    inside.get_by_label("Must say…").press("Enter")
    inside.get_by_role("button", name="One sentence").click()
    inside.get_by_role("button", name="Take off: exactly 1 sentence").click()
    inside.get_by_label("Comment").fill("at most 12 words")
    inside.get_by_label("Comment").press("Enter")
    second = inside.get_by_role("article", name="Draft 2")
    understood = second.get_by_role("list", name="What was understood")
    expect(understood.get_by_role("listitem")).to_have_count(2)
    expect(understood).to_contain_text("says “the grey cable”")
    expect(understood).to_contain_text("at most 12 words")
    expect(inside.get_by_role("article", name="Draft 1")).to_be_visible()

    second.get_by_role("button", name="4 of 5").click()
    expect(inside.get_by_role("status").filter(has_text="Rated 4 of 5.")).to_have_count(1)
    second.get_by_role("button", name="Edit").click()
    inside.get_by_label("Corrected text").fill("It means that there is no signal.")
    inside.get_by_role("button", name="Save correction").click()
    third = inside.get_by_role("article", name="Draft 3")
    expect(third).to_contain_text("by a person")
    expect(third).to_contain_text("Accepted")
    expect(inside.get_by_role("button", name="Revise", exact=True)).to_have_count(0)

    say(inside, "And what else?")
    inside.get_by_role("article", name="Draft 1").last.get_by_role("button", name="Accept").click()
    expect(inside.get_by_role("article", name="Draft 1").last).to_contain_text("Accepted")
    inside.reload()
    expect(inside.get_by_text("It means that there is no signal.").first).to_be_visible()


def test_a_reply_is_stopped_and_its_text_so_far_stays(inside: Page) -> None:
    start(inside, "Bob")
    inside.evaluate(STOP_AT_THE_FIRST_WORDS)
    inside.get_by_label("Message").fill("What do you know?")
    inside.get_by_label("Message").press("Enter")
    expect(inside.get_by_role("article", name="Draft 1")).to_contain_text("stopped")
    expect(inside.get_by_role("article", name="Draft 1").locator(".text")).to_contain_text(re.compile(r"\w+"))


def test_a_slot_is_understood_corrected_and_cleared(inside: Page) -> None:
    start(inside, "Cleo")
    say(inside, "I want to order the Family plan.")
    state = inside.get_by_role("region", name="State")
    expect(state).to_contain_text("Family")
    state.get_by_role("button", name="Correct plan").click()
    state.get_by_label("Value of plan").select_option("Pro")
    state.get_by_role("button", name="Save").click()
    expect(state.get_by_role("listitem").filter(has_text="plan")).to_contain_text("corrected")
    state.get_by_label("Set another slot").select_option("connection")
    state.get_by_label("Value of connection").select_option("cable")
    state.get_by_role("button", name="Save").click()
    expect(state.get_by_role("listitem").filter(has_text="connection")).to_contain_text("cable")
    state.get_by_role("button", name="Clear plan").click()
    expect(state.get_by_role("button", name="Clear plan")).to_have_count(0)


def test_markup_in_names_and_messages_is_text(inside: Page) -> None:
    start(inside, HOSTILE, schema="")
    say(inside, HOSTILE)
    expect(inside.locator(".message.user")).to_have_text(HOSTILE)
    assert inside.title() == "Talk – Antiphon"
    assert inside.locator("#app img, #app script").count() == 0


def test_a_session_of_nobody_is_told_and_an_expired_key_leads_to_the_door(inside: Page) -> None:
    inside.goto("/talk/session_of_nobody")
    expect(inside.get_by_role("alert")).to_contain_text("There is no such thing")
    inside.evaluate("sessionStorage.setItem('antiphon.key', 'key_old.old')")
    inside.goto("/talk")
    expect(inside.get_by_role("alert")).to_have_text("Your key is no longer accepted. Sign in again.")
    expect(inside.get_by_label("API key")).to_be_visible()


def test_a_broken_stream_goes_on_where_it_stopped(inside: Page) -> None:
    start(inside, "Dora")
    method = "**/antiphon.v1.ConversationService/SendTurn"
    inside.route(method, lambda route: (route.fetch(), route.abort()) if route.request.method == "POST" else None)
    inside.get_by_label("Message").fill("one two three")
    inside.get_by_label("Message").press("Enter")
    expect(inside.get_by_text("The connection broke off; going on…").first).to_be_visible()
    inside.unroute(method)
    expect(inside.get_by_role("article", name="Draft 1").locator(".text")).to_contain_text(re.compile(r"\w+"))
    expect(inside.locator(".message.user")).to_have_count(1)
    expect(inside.get_by_role("article")).to_have_count(1)


def test_nobody_is_shut_out(inside: Page) -> None:
    start(inside, "Eve")
    say(inside, "What does a red light on the router mean?")
    inside.get_by_label("Comment").fill("at most 12 words")
    inside.get_by_label("Comment").press("Enter")
    expect(inside.get_by_role("article", name="Draft 2")).to_be_visible()
    expect(inside.get_by_role("button", name="Stop")).to_have_count(0)
    assert violations(inside) == []


def test_the_keyboard_alone_signs_in_and_asks(page: Page, key: str) -> None:
    page.keyboard.type(key)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Sessions").wait_for()
    _tab_to(page, "New session")
    page.keyboard.press("Enter")
    expect(page.get_by_label("User", exact=True)).to_be_focused()
    page.keyboard.type("Finn")
    page.keyboard.press("Enter")
    page.get_by_text("Nothing has been said yet").wait_for()
    _tab_to(page, "Message")
    page.keyboard.type("Hello")
    page.keyboard.press("Enter")
    expect(page.get_by_role("article", name="Draft 1")).to_be_visible()
    _tab_to(page, "Accept")
    page.keyboard.press("Enter")
    expect(page.get_by_role("article", name="Draft 1")).to_contain_text("Accepted")


def _tab_to(page: Page, name: str) -> None:
    """Press Tab until the focus is on the control of this name."""
    focused = "(document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText ?? '').trim()"
    for _ in range(60):
        if page.evaluate(focused) == name:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never came to {name}")


def test_a_narrow_screen_shows_one_pane_at_a_time_in_chinese_too(inside: Page) -> None:
    inside.set_viewport_size({"width": 320, "height": 640})
    inside.get_by_role("button", name="中文").click()
    expect(inside.locator("html")).to_have_attribute("lang", "zh-CN")
    inside.get_by_role("button", name="新建会话").click()
    inside.get_by_label("用户").fill("小明")
    inside.get_by_role("button", name="开始").click()
    inside.get_by_label("消息", exact=True).fill("路由器的红灯是什么意思？")
    inside.get_by_label("消息", exact=True).press("Enter")
    expect(inside.get_by_role("article", name="第 1 稿")).to_be_visible()
    for pane in ("状态", "原因", "会话", "对话内容"):
        inside.get_by_role("button", name=pane, exact=True).first.click()
        assert inside.evaluate("document.documentElement.scrollWidth") <= 320, pane
    english = re.compile("[A-Za-z]{4,}")
    assert not english.search(inside.locator("header nav").inner_text())
