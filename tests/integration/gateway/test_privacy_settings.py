"""How a tenant's personal data is masked is set by RPC and by the command, by its own operators; bad settings change
nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from antiphon.client import Client as Caller
from antiphon.client import InvalidArgument, PermissionDenied
from antiphon.v1 import admin_pb2 as pb
from click.testing import Result
from typer.testing import CliRunner

from services.cli.app import app
from services.common.store import Request, Store

pytestmark = pytest.mark.parametrize("stack", ["redis"], indirect=True)  # nothing here is about the broker
Run = Callable[..., Result]


@pytest.fixture
def key(store: Store, tenant: str) -> str:
    """An operator's key of the test's tenant."""
    store.tenants.create(tenant, Request("CreateTenant", tenant, ""), {})
    return store.keys.create(tenant, "operator", "privacy")[1]


@pytest.fixture
def operator(stack: Any, key: str) -> Iterator[Caller]:
    with Caller(stack.address, key=key) as made:
        yield made


@pytest.fixture
def run(stack: Any, key: str) -> Run:
    environment = {"ANTIPHON_ADDRESS": stack.address, "ANTIPHON_API_KEY": key}
    return lambda *arguments: CliRunner().invoke(app, ["admin", "privacy", *arguments], env=environment)


def _set(operator: Caller, **privacy: Any) -> pb.Privacy:
    return operator.admin.UpdateTenant(pb.UpdateTenantRequest(privacy=pb.Privacy(**privacy))).tenant.privacy


def _now(operator: Caller) -> pb.Privacy:
    return operator.admin.GetTenant(pb.GetTenantRequest()).tenant.privacy


def test_personal_data_is_masked_until_the_tenants_operator_says_otherwise(operator: Caller) -> None:
    assert _now(operator) == pb.Privacy(mode=pb.PRIVACY_MODE_MASKED, reveal_role=pb.KEY_ROLE_OPERATOR)
    kept = [" +49 711 5550123 ", "desk@shop.example", "desk@shop.example"]
    changed = _set(operator, mode=pb.PRIVACY_MODE_REVERSIBLE, keep=kept, reveal_role=pb.KEY_ROLE_REVIEWER)
    assert changed == _now(operator)
    assert list(changed.keep) == ["+49 711 5550123", "desk@shop.example"]
    assert changed.reveal_role == pb.KEY_ROLE_REVIEWER
    assert _set(operator, mode=pb.PRIVACY_MODE_OFF) == pb.Privacy(
        mode=pb.PRIVACY_MODE_OFF, reveal_role=pb.KEY_ROLE_OPERATOR
    ), "it is set as a whole"
    assert _set(operator).mode == pb.PRIVACY_MODE_MASKED


@pytest.mark.parametrize(
    ("field", "privacy"),
    [
        ("privacy.mode", {"mode": 9}),
        ("privacy.reveal_role", {"reveal_role": pb.KEY_ROLE_CALLER}),
        ("privacy.reveal_role", {"reveal_role": 77}),
        ("privacy.keep", {"keep": ["ab"]}),
        ("privacy.keep", {"keep": ["   "]}),
        ("privacy.keep", {"keep": ["a" * 201]}),
        ("privacy.keep", {"keep": [f"value {n}" for n in range(101)]}),
    ],
)
def test_a_bad_setting_names_its_field_and_nothing_is_stored(
    operator: Caller, field: str, privacy: dict[str, Any]
) -> None:
    before = _set(operator, mode=pb.PRIVACY_MODE_REVERSIBLE, keep=["hotline"])
    with pytest.raises(InvalidArgument) as error:
        _set(operator, **{"mode": pb.PRIVACY_MODE_OFF, **privacy})
    assert [one.field for one in error.value.violations] == [field]
    assert _now(operator) == before


def test_a_tenants_operator_sets_that_alone_and_its_own_alone(
    operator: Caller, stack: Any, store: Store, tenant: str
) -> None:
    for request in (
        pb.UpdateTenantRequest(privacy=pb.Privacy(mode=pb.PRIVACY_MODE_OFF), display_name="mine"),
        pb.UpdateTenantRequest(privacy=pb.Privacy(mode=pb.PRIVACY_MODE_OFF), disabled=False),
        pb.UpdateTenantRequest(privacy=pb.Privacy(mode=pb.PRIVACY_MODE_OFF), tenant_id="default"),
        pb.UpdateTenantRequest(),
    ):
        with pytest.raises(PermissionDenied):
            operator.admin.UpdateTenant(request)
    assert _now(operator).mode == pb.PRIVACY_MODE_MASKED
    reader = store.keys.create(tenant, "reviewer", "reads")[1]
    with Caller(stack.address, key=reader) as reviewer, pytest.raises(PermissionDenied):
        _set(reviewer, mode=pb.PRIVACY_MODE_OFF)


def test_who_changed_it_is_in_the_audit_log_without_the_values(operator: Caller) -> None:
    _set(operator, mode=pb.PRIVACY_MODE_REVERSIBLE, keep=["secret-desk@shop.example"], reveal_role=pb.KEY_ROLE_REVIEWER)
    entries = operator.admin.ListAuditEntries(pb.ListAuditEntriesRequest(action="UpdateTenant")).entries
    told = str(entries[0])
    assert "PRIVACY_MODE_REVERSIBLE" in told
    assert "KEY_ROLE_REVIEWER" in told
    assert "secret-desk" not in told


def test_the_command_shows_and_sets_it(run: Run, operator: Caller) -> None:
    shown = run()
    assert shown.exit_code == 0, shown.output
    assert "personal data masked" in shown.stdout
    changed = run("reversible", "--keep", "0711 5550123", "--reveal-role", "reviewer")
    assert "personal data reversible, shown to reviewers who ask" in changed.stdout
    assert "stays: 0711 5550123" in changed.stdout
    assert list(_now(operator).keep) == ["0711 5550123"]
    refused = run("off", "--reveal-role", "caller")
    assert refused.exit_code != 0
    unsaid = run("--keep", "0711 5550124")
    assert unsaid.exit_code != 0
    assert list(_now(operator).keep) == ["0711 5550123"]
    assert _now(operator).mode == pb.PRIVACY_MODE_REVERSIBLE
    assert run("off").exit_code == 0
    assert "personal data off" in run().stdout
