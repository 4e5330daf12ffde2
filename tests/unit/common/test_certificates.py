"""A certificate is genuine as it was signed, by whom it was signed, and not otherwise."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.common.certificates import check, read, sign

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
SAID = {"erasure": "erasure_1", "tenant": "店", "searched": {"turns": 0}, "kept": ["the audit log"]}


def _public(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def test_what_was_signed_is_genuine_however_it_is_laid_out() -> None:
    text = sign(SAID, KEY)
    assert check(text, _public(KEY))
    assert check(json.dumps(json.loads(text), indent=4), _public(KEY))
    assert read(text)["tenant"] == "店"


@pytest.mark.parametrize(
    "change",
    [
        {"searched": {"turns": 1}},
        {"tenant": "other"},
        {"kept": []},
        {"more": 1},
        {"signature": ""},
        {"signature": "%%"},
    ],
)
def test_what_was_changed_is_not(change: dict[str, object]) -> None:
    assert not check(json.dumps({**json.loads(sign(SAID, KEY)), **change}), _public(KEY))


def test_another_key_even_one_that_stands_in_it_is_not_believed() -> None:
    forged = sign(SAID, Ed25519PrivateKey.from_private_bytes(b"f" * 32))
    assert not check(forged, _public(KEY))
    assert not check(sign(SAID, KEY), "")
    assert not check(sign(SAID, KEY), "no base64!")


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "1", '{"public_key": 1, "signature": ""}', "[" * 100_000, "a" * 1_000_001]
)
def test_what_is_no_certificate_is_none(text: str) -> None:
    assert not check(text, _public(KEY))
    with pytest.raises(ValueError, match="certificate"):
        read(text)
