"""Antiphon as an MCP server, driven by the official client: over HTTP and as a command, whole and refused."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from mcp import Client, MCPError

from tests.support.command import Command
from tests.support.http import Browser
from tests.support.mcp import ToolFailed, call, over_http, over_stdio, talk

HEADERS = {"accept": "application/json, text/event-stream"}


@pytest.fixture(scope="module")
def tenant(browser: Browser) -> str:
    """A tenant of their own: other stories ask the owner's tenant, and what is taught here is not theirs to know."""
    name = f"mcp-{uuid.uuid4().hex[:8]}"
    browser.call("AdminService/CreateTenant", tenantId=name)
    return name


@pytest.fixture(scope="module")
def key(browser: Browser, tenant: str) -> str:
    """The key of the tenant's operator."""
    return key_of(browser, "operator", tenantId=tenant)


@pytest.fixture(scope="module")
def page(url: str, key: str) -> Iterator[Browser]:
    """A page of the tenant's operator."""
    page = Browser(url, key)
    yield page
    page.close()


@pytest.fixture(params=["http", "http, with a handshake", "stdio"])
def connect(request: pytest.FixtureRequest, antiphon: Command, url: str, key: str) -> Callable[[], Any]:
    """Each way to the tools."""
    if request.param == "stdio":
        return partial(over_stdio, [*antiphon.argv, "mcp"], {**antiphon.env, "ANTIPHON_API_KEY": key}, antiphon.cwd)
    return partial(over_http, url, key, mode="legacy" if "handshake" in request.param else "auto")


def key_of(browser: Browser, role: str, **fields: Any) -> str:
    """A new key's secret."""
    return str(browser.call("AdminService/CreateKey", role=f"KEY_ROLE_{role.upper()}", **fields)["secret"])


def raw(browser: Browser, method: str, **params: Any) -> Any:
    """The answer to one message without a handshake."""
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return browser.http.post("/mcp", json=message, headers=HEADERS)


def test_a_fact_is_taught_found_asked_for_and_accounted_for(connect: Callable[[], Any]) -> None:
    plan = f"Plan {uuid.uuid4().hex[:8]}"

    async def say(client: Client) -> None:
        tools = (await client.list_tools()).tools
        assert [tool.name for tool in tools] == ["search", "ask", "teach", "why"]
        assert [bool(tool.annotations and tool.annotations.read_only_hint) for tool in tools] == [1, 0, 0, 1]
        taught = await call(client, "teach", entity=plan, slot="price", value="31 euros", author="ada")
        assert taught["fact"]["value"] == "31 euros"
        newer = await call(client, "teach", entity=plan, slot="price", value="32 euros")
        assert newer["superseded"]["id"] == taught["fact"]["id"]
        found = await call(client, "search", query=f"price of {plan}", watermark=newer["watermark"], limit=3)
        assert found["hits"][0]["value"] == "32 euros"
        asked = await call(client, "ask", question=f"What is the price of {plan}?", watermark=newer["watermark"])
        assert asked["status"] == "complete"
        assert plan in asked["reply"]
        why = await call(client, "why", reply_id=asked["reply_id"])
        assert (why["reply"], why["sources"]) == (asked["reply"], asked["sources"])
        assert why["question"] == f"What is the price of {plan}?"
        on = await call(client, "ask", question="And now?", session=asked["session"])
        assert on["session"] == asked["session"]
        assert on["reply"].endswith("And now?")

    talk(connect, say)


def test_what_a_reply_rests_on_comes_with_it(connect: Callable[[], Any]) -> None:
    hotel = f"Hotel {uuid.uuid4().hex[:8]}"

    async def say(client: Client) -> None:
        taught = await call(client, "teach", entity=hotel, slot="check-in time", value="15:00")
        question = f"What is the check-in time of {hotel}?"
        asked = await call(client, "ask", question=question, watermark=taught["watermark"])
        fact = taught["fact"]
        assert (fact["id"], fact["text"]) in [(source["id"], source["text"]) for source in asked["sources"]]
        why = await call(client, "why", reply_id=asked["reply_id"])
        assert fact["id"] in [one["source"]["id"] for one in why["citations"] if one["sentence"] in asked["reply"]]
        assert fact["id"] in [one["id"] for one in why["in_prompt"]]

    talk(connect, say)


def test_a_call_that_is_repeated_has_one_effect(connect: Callable[[], Any], page: Browser) -> None:
    word = uuid.uuid4().hex

    async def say(client: Client) -> None:
        first = await call(client, "ask", question="one two", request_id=word)
        assert await call(client, "ask", question="one two", request_id=word) == first
        turns = page.call("ConversationService/ListTurns", sessionId=first["session"])["turns"]
        assert len(turns) == 1
        with pytest.raises(ToolFailed) as refused:
            await call(client, "ask", question="three", request_id=word)
        assert refused.value.error["type"] == "idempotency_error"
        taught = [await call(client, "teach", entity=word, slot="s", value="v", request_id=word) for _ in range(2)]
        assert taught[0] == taught[1]
        assert "superseded" not in taught[0]

    talk(connect, say)


BAD: dict[str, tuple[str, dict[str, Any], str]] = {
    "no question": ("ask", {}, "question"),
    "an empty question": ("ask", {"question": " "}, "question"),
    "a question of no text": ("ask", {"question": 7}, "question"),
    "a huge question": ("ask", {"question": "a" * 1_000_000}, "question"),
    "a NUL": ("ask", {"question": "a\0b"}, "question"),
    "an unknown argument": ("ask", {"question": "x", "made_up": 1}, "made_up"),
    "an unknown session": ("ask", {"question": "x", "session": "session_none"}, "session"),
    "an unknown assistant": ("ask", {"question": "x", "assistant": "none"}, "assistant"),
    "a huge request id": ("ask", {"question": "x", "request_id": "r" * 1_000}, "request_id"),
    "a long user": ("ask", {"question": "x", "user": "u" * 257}, "user"),
    "a watermark below zero": ("search", {"query": "x", "watermark": -1}, "watermark"),
    "no query": ("search", {"query": ""}, "query"),
    "a limit of many": ("search", {"query": "x", "limit": 1_000}, "limit"),
    "a limit of truth": ("search", {"query": "x", "limit": True}, "limit"),
    "no value": ("teach", {"entity": "a", "slot": "b"}, "value"),
    "a huge entity": ("teach", {"entity": "a" * 300, "slot": "b", "value": "c"}, "entity"),
    "a list for a slot": ("teach", {"entity": "a", "slot": ["b"], "value": "c"}, "slot"),
    "no reply": ("why", {}, "reply_id"),
    "an unknown reply": ("why", {"reply_id": "resp_turn_none"}, "reply_id"),
    "a reply that is none": ("why", {"reply_id": "'; drop"}, "reply_id"),
}


def test_what_is_refused_is_named_and_leaves_nothing_behind(connect: Callable[[], Any], page: Browser) -> None:
    def sessions() -> int:
        return len(page.call("ConversationService/ListSessions", pageSize=500).get("sessions", []))

    before = sessions()

    async def say(client: Client) -> None:
        for case, (tool, arguments, field) in BAD.items():
            with pytest.raises(ToolFailed) as refused:
                await call(client, tool, **arguments)
            assert refused.value.error["param"] == field, case
            assert field in str(refused.value) or "no such" in str(refused.value), case
        with pytest.raises(MCPError, match="no such tool"):
            await client.call_tool("forget", {})
        assert (await call(client, "search", query="still here"))["watermark"] >= 0

    talk(connect, say)
    assert sessions() == before


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_wrong_key_gets_nowhere(url: str, browser: Browser, mode: str) -> None:
    async def say(client: Client) -> None:
        await client.list_tools()

    for key in ("", "key_none.wrong"):
        with pytest.raises(BaseException) as refused:  # noqa: PT011  # the client groups what it raises
            talk(partial(over_http, url, key, mode=mode), say)
        assert not isinstance(refused.value, AssertionError)
        stranger = Browser(url, key)
        answer = raw(stranger, "tools/list")
        assert (answer.status_code, answer.json()["error"]["type"]) == (401, "authentication_error")
        assert answer.headers["www-authenticate"] == "Bearer"
        stranger.close()


def test_a_wrong_key_over_stdio_is_the_tools_error(antiphon: Command) -> None:
    env = {**antiphon.env, "ANTIPHON_API_KEY": "key_none.wrong"}

    async def say(client: Client) -> None:
        with pytest.raises(ToolFailed) as refused:
            await call(client, "ask", question="hello")
        assert refused.value.error["type"] == "authentication_error"

    talk(partial(over_stdio, [*antiphon.argv, "mcp"], env, antiphon.cwd), say)


def test_a_role_may_here_what_it_may_everywhere(url: str, browser: Browser, tenant: str, page: Browser) -> None:
    taught = page.call("KnowledgeService/TeachFact", entity="Zoo", slot="opening hour", value="nine")

    async def say(client: Client) -> None:
        with pytest.raises(ToolFailed) as refused:
            await call(client, "teach", entity="a", slot="b", value="c")
        assert refused.value.error["type"] == "permission_error"
        question = "What is the opening hour of the Zoo?"
        asked = await call(client, "ask", question=question, watermark=int(taught["watermark"]))
        assert [source["id"] for source in asked["sources"]] == [taught["fact"]["id"]]
        assert (await call(client, "why", reply_id=asked["reply_id"]))["reply"] == asked["reply"]

    talk(partial(over_http, url, key_of(browser, "caller", tenantId=tenant)), say)
    talk(partial(over_http, url, key_of(browser, "end_user", userId="eve", tenantId=tenant)), say)


def test_what_is_another_tenants_is_not_found(url: str, browser: Browser, key: str) -> None:
    tenant = f"mcp-{uuid.uuid4().hex[:8]}"
    browser.call("AdminService/CreateTenant", tenantId=tenant)
    theirs = key_of(browser, "operator", tenantId=tenant)

    async def asked(client: Client) -> Any:
        return await call(client, "ask", question="our secret is the blue door")

    ours = talk(partial(over_http, url, key), asked)

    async def say(client: Client) -> None:
        with pytest.raises(ToolFailed) as refused:
            await call(client, "ask", question="x", session=ours["session"])
        assert (refused.value.error["param"], refused.value.error["type"]) == ("session", "not_found_error")
        with pytest.raises(ToolFailed) as refused:
            await call(client, "why", reply_id=ours["reply_id"])
        assert (refused.value.error["param"], refused.value.error["type"]) == ("reply_id", "not_found_error")
        found = await call(client, "search", query="blue door")
        assert found["hits"] == []

    talk(partial(over_http, url, theirs), say)


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"jsonrpc": "2.0", "id": 1}', b""])
@pytest.mark.parametrize("version", [None, "2025-06-18", "2026-07-28", "1999-01-01"])
def test_a_body_that_is_no_message_is_refused(browser: Browser, body: bytes, version: str | None) -> None:
    headers = HEADERS | {"content-type": "application/json"} | ({"mcp-protocol-version": version} if version else {})
    answer = browser.http.post("/mcp", content=body, headers=headers)
    assert 400 <= answer.status_code < 500, answer.text


def test_a_body_over_the_limit_is_refused_and_other_methods_are_not_there(browser: Browser) -> None:
    huge = raw(browser, "tools/call", name="ask", arguments={"question": "a" * (5 * 2**20)})
    assert huge.status_code == 413
    for method in ("GET", "DELETE", "PUT"):
        assert browser.http.request(method, "/mcp", headers=HEADERS).status_code == 405
    wrong = raw(browser, "tools/call", name="ask", arguments=["question"])
    told = wrong.text.partition("data: ")[2] if wrong.headers["content-type"].startswith("text/event") else wrong.text
    assert json.loads(told)["error"]["code"] == -32602
