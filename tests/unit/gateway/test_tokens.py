"""Which tokens are good: signed by a known key, for us, in time, with a tenant and a role."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path

import jwt
import pytest

from services.common.errors import AntiphonError, PermissionDenied, Unauthenticated, Unavailable
from services.gateway.jwks import KeySet
from services.gateway.limits import CallRate
from services.gateway.tokens import TokenRules, Tokens
from tests.support.certificates import AUDIENCE, ISSUER, TokenIssuer


@pytest.fixture(scope="module")
def issuer() -> TokenIssuer:
    return TokenIssuer()


@pytest.fixture
def tokens(issuer: TokenIssuer, tmp_path: Path) -> Tokens:
    return Tokens(KeySet(str(issuer.write(tmp_path / "jwks.json"))), TokenRules(ISSUER, AUDIENCE))


def test_a_good_token_is_its_subject_in_its_tenant(issuer: TokenIssuer, tokens: Tokens) -> None:
    credential, expires = tokens.credential(issuer.token("acme", "reviewer", exp=4_000_000_000))
    assert (credential.tenant, credential.key, credential.role) == ("acme", "jwt:ada", "reviewer")
    assert expires == 4_000_000_000


def test_a_token_grants_what_its_claims_say_and_binds_a_person_to_its_subject(
    issuer: TokenIssuer, tokens: Tokens
) -> None:
    scope, groups = "openid sessions:all access:law", ["hr", "*"]
    credential, _ = tokens.credential(issuer.token("acme", "caller", scope=scope, groups=groups))
    assert credential.scopes == {"sessions:all", "access:law", "access:hr"}
    assert credential.user == ""
    assert credential.labels == {"law", "hr"}
    person, _ = tokens.credential(issuer.token("acme", ["end_user"], sub="ann"))
    assert (person.key, person.user, person.scopes, person.labels) == ("jwt:ann", "ann", frozenset(), frozenset())
    assert tokens.credential(issuer.token("acme", "operator"))[0].labels is None
    strange, _ = tokens.credential(issuer.token("acme", ["agent", "caller", 7], scope=3, groups={"hr": 1}))
    assert (strange.role, strange.scopes) == ("caller", frozenset())


def _by_the_public_key(issuer: TokenIssuer) -> str:
    """HS256 with the public key as its secret: what a checker that believes the header's algorithm takes."""
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in (
            {"alg": "HS256", "kid": "k1"},
            {"iss": ISSUER, "aud": AUDIENCE, "sub": "eve", "tenant": "acme", "role": "operator", "exp": 4_000_000_000},
        )
    ]
    text = b".".join(parts)
    mac = hmac.digest(issuer.public_pem(), text, hashlib.sha256)
    return (text + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()


BAD: dict[str, tuple[Callable[[TokenIssuer], str], type[AntiphonError], str]] = {
    "expired": (lambda one: one.token("acme", lifetime=-60), Unauthenticated, "TOKEN_EXPIRED"),
    "for another audience": (lambda one: one.token("acme", aud="billing"), Unauthenticated, "INVALID_CREDENTIAL"),
    "of another issuer": (lambda one: one.token("acme", iss="https://evil"), Unauthenticated, "INVALID_CREDENTIAL"),
    "signed by a stranger": (lambda one: TokenIssuer().token("acme"), Unauthenticated, "INVALID_CREDENTIAL"),
    "of an unknown key": (lambda one: TokenIssuer("k2").token("acme"), Unauthenticated, "INVALID_CREDENTIAL"),
    "signed by the public key": (_by_the_public_key, Unauthenticated, "INVALID_CREDENTIAL"),
    "not signed": (
        lambda one: jwt.encode({"sub": "eve", "exp": 4e9}, None, algorithm="none", headers={"kid": "k1"}),
        Unauthenticated,
        "INVALID_CREDENTIAL",
    ),
    "without a tenant": (lambda one: one.token(""), Unauthenticated, "INVALID_CREDENTIAL"),
    "without an expiry": (lambda one: one.token("acme", exp=None), Unauthenticated, "INVALID_CREDENTIAL"),
    "without a role": (lambda one: one.token("acme", "janitor"), PermissionDenied, "NO_ROLE"),
    "nonsense": (lambda one: "a.b.c", Unauthenticated, "INVALID_CREDENTIAL"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_token_is_refused(issuer: TokenIssuer, tokens: Tokens, what: str) -> None:
    make, error, reason = BAD[what]
    with pytest.raises(error) as refused:
        tokens.credential(make(issuer))
    assert refused.value.reason == reason


def test_roles_may_be_a_list_under_a_path_and_the_highest_counts(issuer: TokenIssuer, tmp_path: Path) -> None:
    keys = KeySet(str(issuer.write(tmp_path / "jwks.json")))
    tokens = Tokens(keys, TokenRules(ISSUER, AUDIENCE, "org.id", "realm_access.roles"))
    roles = {"roles": ["offline", "caller", "reviewer"]}
    credential, _ = tokens.credential(issuer.token("", org={"id": "acme"}, realm_access=roles))
    assert (credential.tenant, credential.role) == ("acme", "reviewer")


def test_a_changed_key_file_is_read_again_and_a_broken_one_leaves_the_known_keys(
    issuer: TokenIssuer, tmp_path: Path
) -> None:
    file = issuer.write(tmp_path / "jwks.json")
    tokens = Tokens(KeySet(str(file)), TokenRules(ISSUER, AUDIENCE))
    assert tokens.credential(issuer.token("acme"))
    file.write_text("{ broken")
    assert tokens.credential(issuer.token("acme"))
    another = TokenIssuer("k2")
    another.write(file)
    assert tokens.credential(another.token("acme"))
    with pytest.raises(Unauthenticated):
        tokens.credential(issuer.token("acme"))


def test_without_any_key_nobody_is_let_in(issuer: TokenIssuer, tmp_path: Path) -> None:
    tokens = Tokens(KeySet(str(tmp_path / "missing.json")), TokenRules(ISSUER, AUDIENCE))
    with pytest.raises(Unavailable):
        tokens.credential(issuer.token("acme"))


def test_a_tenant_may_call_so_often_and_then_is_told_when() -> None:
    now = [100.0]
    rate = CallRate(10, lambda: now[0])
    for _ in range(20):
        rate.take("acme")
    with pytest.raises(AntiphonError) as refused:
        rate.take("acme")
    assert refused.value.reason == "RATE_LIMITED"
    assert 0 < refused.value.retry_after <= 0.1  # type: ignore[attr-defined]
    rate.take("another")
    now[0] += 0.11
    rate.take("acme")
