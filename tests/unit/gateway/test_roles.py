"""Who may call what: the table over every RPC of the contract, and whose sessions a credential sees."""

from pathlib import Path

import pytest

from services.common.errors import InvalidArgument
from services.common.store.keys import ROLES, Credential
from services.gateway import access, validation
from services.gateway.access import Whose, may_see, row, whose

METHODS = [method for method, _ in access.methods()]


def names(role: str, *allowed: Whose) -> set[str]:
    return {method.rpartition("/")[2] for method in METHODS if row(method)[role] in allowed}


def test_every_rpc_is_in_the_table_of_the_docs() -> None:
    text = Path("docs/access.md").read_text()
    assert access.with_table(text) == text, "run `make docs`"
    assert text.count("\n| ") == len(METHODS) + 1


def test_the_table_names_rpcs_that_are_there_and_every_role() -> None:
    assert set(access._NAMED) <= {method.rpartition("/")[2] for method in METHODS}
    assert all(set(row(method)) == set(ROLES) for method in METHODS)


def test_models_and_administration_are_an_operators_alone() -> None:
    for method in METHODS:
        lone = row(method)["reviewer"] is Whose.NONE
        assert lone == ("ModelService" in method or "AdminService" in method or "WebhookService" in method)
        assert row(method)["operator"] is Whose.ALL


def test_an_unknown_rpc_is_closed_to_all_but_operators() -> None:
    assert [role for role, allowed in row("/antiphon.v1.NewService/DoIt").items() if allowed is not Whose.NONE] == [
        "operator"
    ]
    assert row("/antiphon.v1.StateService/DropSchema")["caller"] is Whose.NONE


def test_who_acts_for_itself_sees_no_session_of_another_in_any_call() -> None:
    about_sessions = {
        method.rpartition("/")[2]
        for method, descriptor in access.methods()
        if {"session_id", "turn_id"} & set(descriptor.input_type.fields_by_name)
    }
    for role in ("end_user", "agent", "caller"):
        assert not names(role, Whose.ALL) & about_sessions
    assert "PostReply" not in names("end_user", Whose.OWN)
    assert {"SendTurn", "EditTurn", "EraseSession"} & names("agent", Whose.HANDED) == set()


CALL = "/antiphon.v1.ConversationService/GetSession"
MINE = {"user": "ann", "owner": "key_a", "access": [], "agent": ""}
SEEN: list[tuple[Credential, dict[str, object], bool]] = [
    (Credential("t", "key_e", "end_user", user="ann"), {}, True),
    (Credential("t", "key_e", "end_user", user="bob"), {}, False),
    (Credential("t", "key_e", "end_user"), {"user": ""}, False),
    (Credential("t", "jwt:ann", "end_user", user="ann"), {"access": ["hr"]}, False),
    (Credential("t", "jwt:ann", "end_user", frozenset({"access:hr"}), "ann"), {"access": ["hr"]}, True),
    (Credential("t", "key_a", "caller"), {}, True),
    (Credential("t", "key_b", "caller"), {}, False),
    (Credential("t", "key_b", "caller", frozenset({"sessions:all"})), {}, True),
    (Credential("t", "key_b", "caller", frozenset({"sessions:all"})), {"access": ["hr"]}, False),
    (Credential("t", "key_b", "caller", frozenset({"sessions:all", "access:*"})), {"access": ["hr"]}, True),
    (Credential("t", "key_g", "agent"), {}, False),
    (Credential("t", "key_g", "agent"), {"agent": "key_h"}, False),
    (Credential("t", "key_g", "agent"), {"agent": "key_g"}, True),
    (Credential("t", "key_g", "agent"), {"agent": "*"}, True),
    (Credential("t", "key_g", "agent", frozenset({"sessions:all"})), {}, False),
    (Credential("t", "key_r", "reviewer"), {}, True),
    (Credential("t", "key_r", "reviewer"), {"access": ["hr", "law"]}, False),
    (Credential("t", "key_r", "reviewer", frozenset({"access:hr", "access:law"})), {"access": ["hr", "law"]}, True),
    (Credential("t", "key_o", "operator"), {"access": ["hr"]}, True),
]


@pytest.mark.parametrize(("credential", "fields", "seen"), SEEN)
def test_a_session_is_seen_by_whom_it_belongs_to(credential: Credential, fields: dict[str, object], seen: bool) -> None:
    assert may_see({**MINE, **fields}, credential, whose(CALL, credential)) is seen


def test_an_older_session_that_names_no_owner_is_no_ones_own() -> None:
    older = {"user": "ann"}
    assert not may_see(older, Credential("t", "key_a", "caller"), Whose.OWN)
    assert may_see(older, Credential("t", "key_r", "reviewer"), Whose.ALL)


GRANTS = [
    ("caller", ["sessions:all", "access:hr"], "", ""),
    ("end_user", ["access:hr"], "ann", ""),
    ("operator", [], "", ""),
    ("agent", ["access:*"], "", ""),
    ("caller", ["sessions:mine"], "", "scopes[0]"),
    ("caller", ["access:"], "", "scopes[0]"),
    ("caller", ["access:hr", "access:a,b"], "", "scopes[1]"),
    ("reviewer", ["sessions:all"], "", "scopes[0]"),
    ("end_user", [], "", "user_id"),
    ("caller", [], "ann", "user_id"),
    ("caller", ["access:hr"] * 33, "", "scopes"),
]


@pytest.mark.parametrize(("role", "scopes", "user", "field"), GRANTS)
def test_a_key_is_granted_what_there_is(role: str, scopes: list[str], user: str, field: str) -> None:
    if not field:
        validation.key_grants(role, scopes, user)
        return
    with pytest.raises(InvalidArgument) as refused:
        validation.key_grants(role, scopes, user)
    assert refused.value.field.startswith(field)
