"""Webhooks are signed as the specification says and go to servers of the public internet alone."""

from __future__ import annotations

import base64
import ipaddress
import socket
from datetime import UTC, datetime
from typing import Any

import pytest

from services.common.errors import InvalidArgument
from services.gateway.webhooks.sending import Sender, payload, signature
from services.gateway.webhooks.targets import ForbiddenAddress, is_public, read_target, resolve

AT = datetime(2026, 3, 1, 9, 30, 0, 120_000, tzinfo=UTC)
DELIVERY = {"_id": "msg_1", "at": AT, "type": "turn.completed", "data": {"tenant_id": "t", "round": 0, "turn_id": "x"}}


def test_a_signature_is_the_specifications() -> None:
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_body_is_the_same_for_every_try() -> None:
    body = b'{"type":"turn.completed","timestamp":"2026-03-01T09:30:00.120Z","data":{"tenantId":"t","turnId":"x"}}'
    assert payload(DELIVERY) == payload(dict(DELIVERY)) == body


@pytest.mark.parametrize(
    "url",
    [
        "", "no url", "ftp://a.example.org", "http://a.example.org/x", "https://", "https://a b.example.org",
        "https://me:secret@a.example.org", "https://a.example.org/#x", "https://a.example.org:99999", "https://[::1]/",
        "https://127.0.0.1/x", "https://localhost/x", "https://x.localhost/", "https://127.1/", "https://0x7f000001/",
        "https://2130706433/", "https://10.0.0.7", "https://169.254.169.254/latest", "https://[fe80::1]/",
        "https://[::ffff:10.0.0.1]/", "https://a.example.org\\@127.0.0.1/", "https://a\0.example.org",
        "https://é.example.org", "https://a.example.org/" + "x" * 2_000,
    ],
)  # fmt: skip
def test_a_url_that_does_not_do_is_refused(url: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        read_target(url, private=False)
    assert refused.value.field == "url"


def test_a_url_is_read_into_its_parts() -> None:
    target = read_target("https://hooks.example.org:8443/a/b?c=d", private=False)
    assert (target.secure, target.host, target.port, target.path) == (True, "hooks.example.org", 8443, "/a/b?c=d")
    assert read_target("http://127.0.0.1:80", private=True).path == "/"


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True), ("2606:2800:220:1::1", True), ("127.0.0.1", False), ("10.1.2.3", False),
        ("172.16.0.1", False), ("192.168.1.1", False), ("169.254.169.254", False), ("100.64.0.1", False),
        ("0.0.0.0", False), ("224.0.0.1", False), ("255.255.255.255", False), ("::1", False), ("::", False),
        ("fe80::1", False), ("fec0::1", False), ("fc00::1", False), ("ff02::1", False), ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False), ("64:ff9b::5db8:d822", True), ("2002:7f00:1::", False), ("::127.0.0.1", False),
    ],
)  # fmt: skip
def test_addresses_of_private_networks_are_known_in_every_spelling(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public


class Names:
    """A resolver whose answers change, as an attacker's do."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.connected: list[str] = []
        monkeypatch.setattr(socket, "getaddrinfo", self.resolve)
        monkeypatch.setattr(socket, "create_connection", self.connect)

    def resolve(self, *_: object, **__: object) -> list[tuple[Any, ...]]:
        return [(0, 0, 0, "", (address, 443)) for address in self.answers.pop(0)]

    def connect(self, address: tuple[str, int], *_: object) -> socket.socket:
        self.connected.append(address[0])
        raise ConnectionRefusedError


def test_a_name_of_a_private_address_is_not_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(monkeypatch, ["93.184.216.34", "10.0.0.1"], ["127.0.0.1"])
    target = read_target("https://hooks.example.org/", private=False)
    with pytest.raises(ForbiddenAddress):
        resolve(target, private=False)
    hook = {"url": "https://hooks.example.org/", "secret": b"s"}
    assert Sender(5, private=False).send(hook, DELIVERY) == "address"
    assert names.connected == []


def test_the_connection_goes_to_the_address_that_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(monkeypatch, ["93.184.216.34"], ["127.0.0.1"])  # the name is rebound right after
    hook = {"url": "https://hooks.example.org/", "secret": b"s"}
    assert Sender(5, private=False).send(hook, DELIVERY) == "refused"
    assert (names.connected, names.answers) == (["93.184.216.34"], [["127.0.0.1"]])
