"""The application without any gateway: limits of bodies, pages of other origins, the console's files, what is down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from services.web.app import application
from services.web.console import Console
from services.web.gateways import Gateways
from services.web.middleware import CONTENT_SECURITY_POLICY, Guard
from services.web.serving import Serving
from services.web.settings import WebSettings

CHAT = {"model": "antiphon", "messages": [{"role": "user", "content": "hi"}]}
ORIGIN = "https://desk.example.org"


@pytest.fixture(scope="module")
def http() -> Iterator[TestClient]:
    """A service whose gateways are down."""
    settings = WebSettings(
        web_gateways="127.0.0.1:1", web_patience_seconds=0, web_origins=ORIGIN, web_max_body_bytes=10_000
    )
    with TestClient(application(settings, Gateways(settings), Serving(15))) as client:
        yield client


def test_without_gateways_it_is_alive_and_not_ready_and_says_when_to_come_back(http: TestClient) -> None:
    assert http.get("/healthz").status_code == 200
    assert http.get("/readyz").status_code == 503
    answer = http.post("/v1/chat/completions", json=CHAT, headers={"authorization": "Bearer k"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (503, "service_unavailable_error")
    assert answer.headers["x-should-retry"] == "true"
    answer = http.post("/antiphon.v1.ConversationService/ListSessions", json={})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


@pytest.mark.parametrize("key", [b"w\xf6rng", b"a\x7fb", b"k\x01", "ключ".encode(), b"\xff\xfe"])
def test_a_key_that_no_header_may_hold_is_refused_here(http: TestClient, key: bytes) -> None:
    headers = {"authorization": b"Bearer " + key}
    answer = http.post("/v1/chat/completions", json=CHAT, headers=headers)
    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "authentication_error")
    answer = http.post("/antiphon.v1.ConversationService/ListSessions", json={}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


def test_a_body_is_bounded_also_where_it_does_not_say_how_long_it_is(http: TestClient) -> None:
    for body in (b"x" * 10_001, iter([b"x" * 6_000] * 2)):
        answer = http.post("/v1/responses", content=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")


def test_pages_of_named_origins_may_call_and_no_others(http: TestClient) -> None:
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    answer = http.options("/v1/responses", headers={"origin": ORIGIN, **asked})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-credentials" not in answer.headers
    refused = http.options("/v1/responses", headers={"origin": "https://elsewhere.example.org", **asked})
    assert "access-control-allow-origin" not in refused.headers
    read = http.get("/healthz", headers={"origin": ORIGIN})
    assert "x-antiphon-session" in read.headers["access-control-expose-headers"]


def test_the_consoles_views_are_its_page_and_its_files_are_cached_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "main-a1b2.js").write_text("let a = 1;")
    (tmp_path / "index.html").write_text("<!doctype html><title>Console</title>")
    app = Guard(
        Starlette(routes=[Mount("/", Console(directory=tmp_path, html=True))]),
        max_body_bytes=1_000,
        body_seconds=5,
        upload_paths=frozenset(),
    )
    with TestClient(app) as http:
        for path in ("/", "/sessions/session_1"):
            page = http.get(path)
            assert (page.status_code, page.headers["cache-control"]) == (200, "no-cache")
            assert page.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
            assert "Console" in page.text
        script = http.get("/assets/main-a1b2.js")
        assert "immutable" in script.headers["cache-control"]
        assert http.get("/assets/gone.js").status_code == 404
        assert http.get("/../../pyproject.toml").status_code == 404
