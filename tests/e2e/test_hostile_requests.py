"""Whatever is asked of the described endpoints is answered as described: bad input with the parameter's name, nothing
stored, never an error of the server."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from services.web.openapi.bodies import BODIES
from services.web.openapi.document import document
from tests.support.bodies import CHAT, RESPONSE, values
from tests.support.command import Command
from tests.support.http import Browser

NO_JSON = [
    b"{", b"[]", b'"text"', b"\xff\xfe", b'{"model": NaN}', b'{"seed": 1' + b"0" * 5_000 + b"}", b"[" * 100_000,
    b'{"a":' * 50_000, b"null", b"\0",
]  # fmt: skip
NO_ID = ["none", "turn_none", "a\0b", "\ud800", "x" * 300, "é", "resp_turn_none-r9999", "%", " ", "'\"<>", "[]"]

DOCUMENT = document()
NAMES = sorted({name for schema in BODIES.values() for name in schema.get("properties", ())})
CASES = [
    (path, operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2])
    for path, item in DOCUMENT["paths"].items()
    for operation in item.values()
    if "requestBody" in operation
]


class Described:
    """The endpoints as a tenant of its own calls them, held against the description that the service gives."""

    def __init__(self, url: str, key: str) -> None:
        self.page = Browser(url, key)
        self.document: dict[str, Any] = self.page.http.get("/openapi.json").json()
        self.operations = [
            (method.upper(), path, operation)
            for path, item in self.document["paths"].items()
            for method, operation in item.items()
        ]

    def validator(self, schema: dict[str, Any]) -> Draft202012Validator:
        """Of one of the description's schemas."""
        return Draft202012Validator({**schema, "components": self.document["components"]})

    @staticmethod
    def example(operation: dict[str, Any]) -> dict[str, Any]:
        """The description's example of a body."""
        example: dict[str, Any] = operation["requestBody"]["content"]["application/json"].get("example", {})
        return example

    def stored(self) -> int:
        """How many sessions the tenant has."""
        return len(self.page.call("ConversationService/ListSessions", pageSize=500).get("sessions", []))

    def ask(self, method: str, path: str, operation: dict[str, Any], **more: Any) -> tuple[int, dict[str, Any]]:
        """The answer's status and body, which are as described."""
        answer = self.page.http.request(method, path, **more)
        shown = operation["responses"].get(str(answer.status_code))
        assert shown is not None, (answer.status_code, answer.text)
        assert answer.status_code < 500, answer.text
        kind = answer.headers["content-type"].partition(";")[0]
        if kind != "application/json":  # events
            return answer.status_code, {}
        self.validator(shown["content"][kind]["schema"]).validate(answer.json())
        return answer.status_code, answer.json()

    def refused(self, method: str, path: str, operation: dict[str, Any], **more: Any) -> dict[str, Any]:
        """The error and its status."""
        status, body = self.ask(method, path, operation, **more)
        assert status >= 400, body
        return {"status": status, **body["error"]}


@pytest.fixture(scope="module")
def described(antiphon: Command, browser: Browser, url: str) -> Iterator[Described]:
    browser.call("AdminService/CreateTenant", tenantId="strange", requestId="strange")
    role = "KEY_ROLE_CALLER"
    key = browser.call("AdminService/CreateKey", tenantId="strange", role=role, scopes=["sessions:all"])["secret"]
    described = Described(url, key)
    yield described
    described.page.close()


@pytest.fixture(scope="module")
def theirs(browser: Browser) -> dict[str, str]:
    """A response and the conversation of another tenant."""
    response = browser.http.post("/v1/responses", json={"model": "antiphon", "input": "ours"}).json()
    return {"response_id": response["id"], "conversation_id": response["conversation"]["id"], "model": "theirs"}


@pytest.fixture(scope="module")
def ours(described: Described) -> dict[str, str]:
    """A response and its conversation, and a model."""
    response = described.page.http.post("/v1/responses", json={"model": "antiphon", "input": "ours"}).json()
    return {"response_id": response["id"], "conversation_id": response["conversation"]["id"], "model": "antiphon"}


@pytest.fixture
def unchanged(described: Described) -> Iterator[None]:
    """The test stores nothing."""
    before = described.stored()
    yield
    assert described.stored() == before


def filled(path: str, ids: dict[str, str]) -> str:
    """A path with its ids."""
    for name, id in ids.items():
        path = path.replace("{" + name + "}", quote(id.encode("utf-8", "surrogatepass"), safe=""))
    return path


def test_what_is_right_is_answered_as_described(described: Described, ours: dict[str, str]) -> None:
    order = ("create", "give", "accept", "list", "explain", "retrieve", "cancel", "revise")
    for method, path, operation in described.operations:
        if not operation["operationId"].startswith(order):
            continue  # what erases
        body = described.example(operation) if "requestBody" in operation else None
        status, answer = described.ask(method, filled(path, ours), operation, json=body)
        assert status in (200, 409), (path, answer)


@pytest.mark.usefixtures("unchanged")
def test_a_body_that_is_no_object_is_refused(described: Described, ours: dict[str, str]) -> None:
    for method, path, operation in described.operations:
        if "requestBody" not in operation:
            continue
        for raw in NO_JSON:
            error = described.refused(method, filled(path, ours), operation, content=raw)
            assert (error["status"], error["code"]) == (400, "invalid_json"), (path, raw[:20])
        error = described.refused(method, filled(path, ours), operation, content=b" " * 5_000_000)
        assert (error["status"], error["code"]) == (413, "body_too_large")


@pytest.mark.usefixtures("unchanged")
def test_an_id_that_is_unknown_or_another_tenants_is_not_found_by_its_name(
    described: Described, theirs: dict[str, str]
) -> None:
    for method, path, operation in described.operations:
        name = path.partition("{")[2].partition("}")[0]
        if not name:
            continue
        for id in [*NO_ID, theirs[name]]:
            body = described.example(operation) if "requestBody" in operation else None
            error = described.refused(method, filled(path, {name: id}), operation, json=body)
            assert (error["status"], error["param"]) == (404, name), (path, id[:20], error)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("name", ["session", "previous_response_id", "conversation"])
def test_an_id_in_a_body_is_not_found_by_its_name(described: Described, theirs: dict[str, str], name: str) -> None:
    for id in [*NO_ID, theirs["response_id" if name == "previous_response_id" else "conversation_id"]]:
        if name == "session":
            where, more = (
                "/v1/chat/completions",
                {"messages": [{"role": "user", "content": "x"}], "antiphon": {name: id}},
            )
        else:
            where, more = "/v1/responses", {"input": "x", name: id}
        operation = described.document["paths"][where]["post"]
        error = described.refused("POST", where, operation, content=json.dumps({"model": "antiphon", **more}).encode())
        assert error["status"] in (400, 404)
        assert error["param"] in (name, f"antiphon.{name}"), (id[:20], error)


@pytest.mark.usefixtures("unchanged")
def test_a_query_that_does_not_do_is_named(described: Described, ours: dict[str, str]) -> None:
    for method, path, operation in described.operations:
        for parameter in operation.get("parameters", ()):
            if parameter["in"] != "query":
                continue
            name = parameter["name"]
            for value in ("-1", "\0", "é", "9" * 30, "x" * 5_000, "1.5", "٣"):
                error = described.refused(method, filled(path, ours), operation, params={name: value})
                assert (error["status"], error["param"]) == (400, name), (path, value[:20], error)


def test_a_client_at_a_limit_is_told_when_to_come_back(browser: Browser, url: str) -> None:
    tenant = f"limited-{uuid.uuid4().hex[:8]}"
    browser.call("AdminService/CreateTenant", tenantId=tenant, quotas={"turnsPerMinute": 1})
    key = browser.call("AdminService/CreateKey", tenantId=tenant, role="KEY_ROLE_CALLER")["secret"]
    with closing(Browser(url, key)) as page:
        for path, body in (("/v1/responses", RESPONSE), ("/v1/responses", RESPONSE), ("/v1/chat/completions", CHAT)):
            answer = page.http.post(path, json=body)
        sessions = page.call("ConversationService/ListSessions").get("sessions", [])
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "quota_exceeded")
    wait = int(answer.headers["retry-after-ms"])
    assert 0 < wait <= 120_000
    assert answer.headers["x-should-retry"] == "true"
    assert answer.headers["x-ratelimit-remaining-requests"] == "0"
    assert float(answer.headers["x-ratelimit-reset-requests"].removesuffix("s")) == pytest.approx(wait / 1000, abs=0.01)
    assert len(sessions) == 1, "what was refused left nothing"


@given(st.sampled_from(CASES), st.dictionaries(st.sampled_from(NAMES), values, max_size=3))
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
def test_no_request_is_an_error_of_the_server(
    described: Described, ours: dict[str, str], case: tuple[str, str], change: dict[str, Any]
) -> None:
    path, name = case
    operation = described.document["paths"][path]["post"]
    known = described.document["components"]["schemas"][name]["properties"]
    body = {**described.example(operation), **{key: value for key, value in change.items() if key in known}}
    before = described.stored()
    status, answer = described.ask("POST", filled(path, ours), operation, content=json.dumps(body).encode())
    if status == 400:
        assert answer["error"]["param"] or answer["error"]["code"] == "invalid_json", answer
    if status >= 400:
        assert described.stored() == before, body
