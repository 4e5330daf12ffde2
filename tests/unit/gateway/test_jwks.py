"""The keys of tokens by URL, from a real server: kept, turned over, looked for, and refused where none can be had."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from structlog.testing import capture_logs

from services.common.errors import Unauthenticated, Unavailable
from services.gateway import jwks as module
from services.gateway.jwks import KeySet
from services.gateway.tokens import TokenRules, Tokens
from tests.support.certificates import AUDIENCE, ISSUER, TokenIssuer
from tests.support.waiting import wait_until


class Login(ThreadingHTTPServer):
    """The server that publishes keys."""

    def __init__(self, *issuers: TokenIssuer) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.asked = 0
        self.elsewhere = ""
        self.go = threading.Event()
        self.go.set()
        self.publish(*issuers)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def publish(self, *issuers: TokenIssuer) -> None:
        self.content = json.dumps({"keys": [one.public() for one in issuers]}).encode()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/jwks.json"

    def end(self) -> None:
        """Stop; the port then refuses connections. May be repeated."""
        self.shutdown()
        self.server_close()


class _Answer(BaseHTTPRequestHandler):
    server: Login

    def do_GET(self) -> None:
        self.server.asked += 1
        self.server.go.wait(60)
        if self.server.elsewhere:
            self.send_response(302)
            self.send_header("Location", self.server.elsewhere)
            self.end_headers()
            return
        self.send_response(200 if self.server.content else 500)
        self.end_headers()
        self.wfile.write(self.server.content)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


class Clock:
    """What the key set takes for the time."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(module, "time", made)
    return made


@pytest.fixture
def old() -> TokenIssuer:
    return TokenIssuer("old")


@pytest.fixture
def login(old: TokenIssuer) -> Iterator[Login]:
    server = Login(old)
    yield server
    server.end()


@pytest.fixture
def tokens(login: Login, clock: Clock) -> Tokens:
    return Tokens(KeySet(login.url), TokenRules(ISSUER, AUDIENCE))


def test_keys_are_fetched_once_and_kept(login: Login, old: TokenIssuer, tokens: Tokens, clock: Clock) -> None:
    for _ in range(20):
        assert tokens.credential(old.token("acme"))[0].tenant == "acme"
    assert login.asked == 1
    clock.now += module.FRESH_SECONDS + 1
    tokens.credential(old.token("acme"))
    wait_until(lambda: login.asked == 2, 60)


def test_a_new_key_is_taken_at_once_and_a_withdrawn_one_is_gone(
    login: Login, old: TokenIssuer, tokens: Tokens, clock: Clock
) -> None:
    new = TokenIssuer("new")
    tokens.credential(old.token("acme"))
    login.publish(old, new)
    clock.now += module.FETCH_AGAIN + 1
    assert tokens.credential(new.token("acme"))
    assert tokens.credential(old.token("acme")), "both are good while both are published"
    login.publish(new)
    login.go.clear()
    clock.now += module.FRESH_SECONDS + 1
    assert tokens.credential(old.token("acme")), "what is known is served while it is looked for again"
    login.go.set()

    def refused() -> bool:
        try:
            tokens.credential(old.token("acme"))
        except Unauthenticated:
            return True
        return False

    wait_until(refused, 60)
    assert tokens.credential(new.token("acme"))


def test_unknown_key_ids_do_not_make_the_server_be_asked_again_and_again(
    login: Login, old: TokenIssuer, tokens: Tokens, clock: Clock
) -> None:
    tokens.credential(old.token("acme"))
    for number in range(20):
        with pytest.raises(Unauthenticated, match="unknown key"):
            tokens.credential(TokenIssuer(f"guess-{number}").token("acme"))
    assert login.asked == 1
    clock.now += module.FETCH_AGAIN + 1
    with pytest.raises(Unauthenticated, match="unknown key"):
        tokens.credential(TokenIssuer("guess").token("acme"))
    assert login.asked == 2


def test_a_server_that_is_away_leaves_the_known_keys_good(
    login: Login, old: TokenIssuer, tokens: Tokens, clock: Clock
) -> None:
    tokens.credential(old.token("acme"))
    login.end()
    clock.now += module.FRESH_SECONDS + 1
    with capture_logs() as logs:
        assert tokens.credential(old.token("acme"))
        wait_until(lambda: [one["event"] for one in logs] == ["jwks_unreadable"], 60)


@pytest.mark.parametrize("content", [b"", b"not json", b"[]"])
def test_where_no_keys_can_be_read_every_token_is_refused_until_they_can(
    login: Login, old: TokenIssuer, tokens: Tokens, clock: Clock, content: bytes
) -> None:
    good, login.content = login.content, content
    with capture_logs() as logs, pytest.raises(Unavailable, match="cannot be read"):
        tokens.credential(old.token("acme"))
    assert [one["event"] for one in logs] == ["jwks_unreadable"]
    with pytest.raises((Unavailable, Unauthenticated)):
        tokens.credential(old.token("acme"))
    assert login.asked == 1, "it is not asked for every token"
    login.content = good
    clock.now += module.FETCH_AGAIN + 1
    assert tokens.credential(old.token("acme"))


def test_whoever_sends_us_on_is_not_followed(login: Login, old: TokenIssuer, clock: Clock) -> None:
    thief = TokenIssuer("old")
    other = Login(thief)
    login.elsewhere = other.url
    tokens = Tokens(KeySet(login.url), TokenRules(ISSUER, AUDIENCE))
    with pytest.raises(Unavailable):
        tokens.credential(thief.token("acme"))
    assert other.asked == 0
    other.end()


def test_invented_key_ids_before_a_slow_server_delay_nobody_whose_key_is_known(
    login: Login, old: TokenIssuer, tokens: Tokens, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FETCH_TIMEOUT", 600.0)
    tokens.credential(old.token("acme"))
    login.go.clear()
    clock.now += module.FRESH_SECONDS + 1
    guesses = [
        threading.Thread(target=_refused, args=(tokens, TokenIssuer(f"guess-{number}").token("acme")), daemon=True)
        for number in range(8)
    ]
    for one in guesses:
        one.start()
    wait_until(lambda: login.asked == 2, 60)
    for _ in range(20):
        assert tokens.credential(old.token("acme")), "answered while the server holds every guess"
    assert all(one.is_alive() for one in guesses)
    assert login.asked == 2
    login.go.set()
    for one in guesses:
        one.join(20)
    assert not any(one.is_alive() for one in guesses)


def _refused(tokens: Tokens, token: str) -> None:
    with pytest.raises(Unauthenticated):
        tokens.credential(token)


def test_a_server_that_drips_is_cut_off(old: TokenIssuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FETCH_TIMEOUT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ended = threading.Event()

        def drip() -> None:
            connection, _ = listening.accept()
            with connection, suppress(OSError):
                while not ended.wait(0.1):
                    connection.sendall(b"x")

        dripping = threading.Thread(target=drip, daemon=True)
        dripping.start()
        tokens = Tokens(KeySet(f"http://127.0.0.1:{listening.getsockname()[1]}/"), TokenRules(ISSUER, AUDIENCE))
        with capture_logs() as logs:
            with pytest.raises(Unavailable):
                tokens.credential(old.token("acme"))
            wait_until(lambda: [one["event"] for one in logs] == ["jwks_unreadable"], 30)
        ended.set()
        dripping.join(20)
