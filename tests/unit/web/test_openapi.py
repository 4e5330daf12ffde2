"""The description of the OpenAI-shaped endpoints is valid, and names what the service has and reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from starlette.routing import Route
from starlette.testclient import TestClient

from services.web.app import application
from services.web.gateways import Gateways
from services.web.openai import chat_request, conversations, response_feedback, responses_request
from services.web.openapi.document import document
from services.web.serving import Serving
from services.web.settings import WebSettings
from tests.support.bodies import CHAT, RESPONSE, values

READ: dict[str, set[str]] = {
    "ChatCompletionRequest": {*chat_request.PARAMETERS, *chat_request.WITHOUT_EFFECT, *chat_request.HINTS},
    "ResponseRequest": {
        *responses_request.PARAMETERS, *responses_request.WITHOUT_EFFECT, *responses_request.HINTS
    },
    "ConversationRequest": {*conversations.PARAMETERS},
    "RevisionRequest": {*response_feedback.SAID, *response_feedback.HOW},
    "FeedbackRequest": {*response_feedback.SAID, "user"},
    "AcceptRequest": set(),
}  # fmt: skip


DEEP: Any = "x"
for _ in range(400):
    DEEP = [DEEP]
# Values that no parameter takes, whatever its type.
ODD: list[Any] = [DEEP, {"a": DEEP}, "\ud800", "a\0b", "x" * 300_000, -1, 2**70, 1.5e300, [[]], {"\ud800": "\0"}]


DOCUMENT = document()


def test_it_is_valid_and_describes_the_routes_that_there_are() -> None:
    validate(DOCUMENT)
    settings = WebSettings()
    routes = application(settings, Gateways(settings), Serving(15)).routes
    served = {
        (route.path, method)
        for route in routes
        if isinstance(route, Route) and route.path.startswith("/v1/")
        for method in (route.methods or ()) - {"HEAD"}
    }
    assert served == {(path, method.upper()) for path, item in DOCUMENT["paths"].items() for method in item}


def test_its_bodies_have_the_parameters_that_are_read() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    bodies = {name for name in schemas if name.endswith("Request")}
    assert {name: set(schemas[name]["properties"]) for name in bodies} == READ


@pytest.mark.parametrize(
    ("name", "body", "valid"),
    [
        ("ChatCompletionRequest", CHAT, True),
        ("ChatCompletionRequest", {**CHAT, "stop": ["a"] * 9}, False),
        ("ChatCompletionRequest", {**CHAT, "n": 2}, False),
        ("ChatCompletionRequest", {**CHAT, "n": None, "tools": [], "prompt_cache_key": "x"}, True),
        ("ChatCompletionRequest", {**CHAT, "made_up": 1}, False),
        ("ResponseRequest", RESPONSE, True),
        ("ResponseRequest", {**RESPONSE, "text": {"format": {"type": "json_schema"}}}, False),
        ("ResponseRequest", {**RESPONSE, "conversation": {"id": "session_1"}}, True),
        ("ResponseRequest", {**RESPONSE, "temperature": 3}, False),
        ("RevisionRequest", {"constraints": [{"kind": "length", "unit": "words", "max": 40}]}, True),
        ("RevisionRequest", {"constraints": [{"kind": "colour"}]}, False),
        ("FeedbackRequest", {"rating": 6}, False),
    ],
)
def test_it_tells_right_bodies_from_wrong_ones(name: str, body: dict[str, Any], valid: bool) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    assert Draft202012Validator(schema).is_valid(body) is valid


@pytest.fixture(scope="module")
def http() -> Iterator[TestClient]:
    """A service whose gateways are down: what is refused, is refused before they are asked."""
    down = WebSettings(web_gateways="127.0.0.1:1", web_patience_seconds=0)
    with TestClient(application(down, Gateways(down), Serving(15))) as client:
        yield client


def bodies() -> list[tuple[str, dict[str, Any], str]]:
    """The path, the example and the schema's name of every body."""
    media = [
        (path, operation["requestBody"]["content"]["application/json"])
        for path, item in DOCUMENT["paths"].items()
        for operation in item.values()
        if "requestBody" in operation
    ]
    return [(path, one.get("example", {}), one["schema"]["$ref"].rpartition("/")[2]) for path, one in media]


def check(http: TestClient, path: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
    """The error of a request, which names a parameter where the description does not take the body."""
    answer = http.post(path.replace("{response_id}", "resp_turn_1"), content=json.dumps(body).encode())
    error: dict[str, Any] = answer.json()["error"]
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    if answer.status_code != 400:
        assert answer.status_code == 503, (body, error)
        assert Draft202012Validator(schema).is_valid(body), body
        return {}
    assert error["param"] or error["code"] == "invalid_json", error  # infinity is no number of JSON
    return error


def test_every_parameter_refuses_what_it_does_not_take_by_its_name(http: TestClient) -> None:
    for path, example, name in bodies():
        for key in [*DOCUMENT["components"]["schemas"][name]["properties"], "made_up", "\ud800", "a\0b"]:
            for value in ODD:
                error = check(http, path, name, {**example, key: value})
                if error:
                    assert error["param"].startswith(key.encode("ascii", "backslashreplace").decode()), (key, error)


CASES = bodies()
NAMES = sorted({name for names in READ.values() for name in names} | {"made_up"})


@given(st.sampled_from(CASES), st.dictionaries(st.sampled_from(NAMES), values, max_size=4))
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
def test_no_body_passes_that_the_description_refuses(
    http: TestClient, case: tuple[str, dict[str, Any], str], change: dict[str, Any]
) -> None:
    path, example, name = case
    check(http, path, name, {**example, **change})
