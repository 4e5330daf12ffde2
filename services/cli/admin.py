"""``antiphon admin``: tenants, their quotas and retention, erasing a person, and the database as a whole."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import Annotated

import typer
from antiphon.v1 import admin_pb2
from google.protobuf.duration_pb2 import Duration
from rich.markup import escape

from services.cli.backup import backup, restore
from services.cli.connection import connected
from services.cli.options import JsonOption, LimitOption
from services.cli.output import Failure, console, print_json, print_table

admin = typer.Typer(no_args_is_help=True, help="Tenants, quotas, retention, erasing a user, backup and restore.")
Tenant = Annotated[str, typer.Option(help="Default: the key's own")]
DAY_S = 86_400


class PrivacyMode(StrEnum):
    """What becomes of personal data."""

    OFF = "off"
    MASKED = "masked"
    REVERSIBLE = "reversible"


for _command in (backup, restore):
    admin.command()(_command)


@admin.command("tenants")
def tenants(context: typer.Context, limit: LimitOption = 50, as_json: JsonOption = False) -> None:
    """List tenants."""
    with connected(context) as client:
        answer = client.admin.ListTenants(admin_pb2.ListTenantsRequest(page_size=limit))
    if as_json:
        print_json(answer)
        return
    rows = [(one.id, escape(one.display_name), "[red]off[/red]" if one.disabled else "") for one in answer.tenants]
    print_table(("tenant", "name", ""), rows, "No tenant was created; keys without one belong to `default`.")


@admin.command("create-tenant")
def create_tenant(
    context: typer.Context,
    tenant: str,
    name: Annotated[str, typer.Option(help="For people")] = "",
    as_json: JsonOption = False,
) -> None:
    """Create a tenant."""
    request = admin_pb2.CreateTenantRequest(tenant_id=tenant, display_name=name)
    with connected(context) as client:
        _show(client.admin.CreateTenant(request).tenant, as_json)


@admin.command("show")
def show(context: typer.Context, tenant: Tenant = "", as_json: JsonOption = False) -> None:
    """Show a tenant with its quotas and retention."""
    with connected(context) as client:
        _show(client.admin.GetTenant(admin_pb2.GetTenantRequest(tenant_id=tenant)).tenant, as_json)


@admin.command("switch")
def switch(
    context: typer.Context,
    tenant: str,
    on: Annotated[bool, typer.Option("--on/--off", help="Off: its keys are refused, its open turns end")],
    as_json: JsonOption = False,
) -> None:
    """Switch a tenant off or on."""
    request = admin_pb2.UpdateTenantRequest(tenant_id=tenant, disabled=not on)
    with connected(context) as client:
        _show(client.admin.UpdateTenant(request).tenant, as_json)


@admin.command("quotas")
def quotas(
    context: typer.Context,
    values: Annotated[list[str], typer.Argument(help="NAME=NUMBER, as open_turns=50; 0 is the server's default")],
    tenant: Tenant = "",
    as_json: JsonOption = False,
) -> None:
    """Change some of a tenant's quotas."""
    with connected(context) as client:
        now = client.admin.GetTenant(admin_pb2.GetTenantRequest(tenant_id=tenant)).tenant.quotas
        for value in values:
            name, _, number = value.partition("=")
            if name not in now.DESCRIPTOR.fields_by_name or not number.isdigit():
                known = ", ".join(now.DESCRIPTOR.fields_by_name)
                raise Failure(f"{value!r} is not NAME=NUMBER of a quota; known: {known}")
            setattr(now, name, int(number))
        _show(client.admin.SetQuotas(admin_pb2.SetQuotasRequest(tenant_id=tenant, quotas=now)).tenant, as_json)


@admin.command("retention")
def retention(
    context: typer.Context,
    sessions: Annotated[int | None, typer.Option(min=1, help="Days that ended sessions are kept")] = None,
    feedback: Annotated[int | None, typer.Option(min=1, help="Days that feedback is kept")] = None,
    versions: Annotated[int | None, typer.Option(min=1, help="Days that unserved versions are kept")] = None,
    tenant: Tenant = "",
    as_json: JsonOption = False,
) -> None:
    """Set how long a tenant's data is kept, as a whole: what is not named is kept for ever."""
    given = {"sessions": sessions, "feedback": feedback, "versions": versions}
    durations = {name: Duration(seconds=days * DAY_S) for name, days in given.items() if days is not None}
    request = admin_pb2.SetRetentionRequest(tenant_id=tenant, retention=admin_pb2.Retention(**durations))
    with connected(context) as client:
        _show(client.admin.SetRetention(request).tenant, as_json)


@admin.command("privacy")
def privacy(
    context: typer.Context,
    mode: Annotated[PrivacyMode | None, typer.Argument(help="Default: show the setting")] = None,
    keep: Annotated[list[str] | None, typer.Option(help="A value of your own that stays, such as a hotline")] = None,
    reveal_role: Annotated[
        str, typer.Option(help="The least role that may see what was there: reviewer, operator")
    ] = "",
    tenant: Tenant = "",
    as_json: JsonOption = False,
) -> None:
    """Set how personal data is masked in examples and exports, as a whole: off, masked, reversible."""
    if mode is None and (keep or reveal_role):
        raise Failure("say the mode too: off, masked or reversible; the setting is replaced as a whole")
    with connected(context) as client:
        request = admin_pb2.UpdateTenantRequest(tenant_id=tenant)
        if mode is not None:
            if reveal_role not in ("", "reviewer", "operator"):
                raise Failure(f"{reveal_role!r} is no role that may see it; choose reviewer or operator")
            request.privacy.mode = admin_pb2.PrivacyMode.Value(f"PRIVACY_MODE_{mode.upper()}")
            request.privacy.keep.extend(keep or ())
            if reveal_role:
                request.privacy.reveal_role = admin_pb2.KeyRole.Value(f"KEY_ROLE_{reveal_role.upper()}")
            _show(client.admin.UpdateTenant(request).tenant, as_json)
            return
        _show(client.admin.GetTenant(admin_pb2.GetTenantRequest(tenant_id=tenant)).tenant, as_json)


@admin.command("audit")
def audit(
    context: typer.Context,
    action: Annotated[str, typer.Option(help="This action alone, such as PromoteVersion")] = "",
    limit: Annotated[int, typer.Option(min=1, max=500, help="Entries shown")] = 50,
    tenant: Tenant = "",
    as_json: JsonOption = False,
) -> None:
    """Show who promoted, corrected, changed keys or erased, the newest first."""
    request = admin_pb2.ListAuditEntriesRequest(tenant_id=tenant, action=action, page_size=limit)
    with connected(context) as client:
        answer = client.admin.ListAuditEntries(request)
    if as_json:
        print_json(answer)
        return
    rows = [
        (
            one.time.ToDatetime().strftime("%Y-%m-%d %H:%M:%S"),
            escape(one.actor),
            one.action,
            f"{one.outcome} {one.reason}".strip(),
            escape(one.details),
        )
        for one in answer.entries
    ]
    print_table(("time (UTC)", "who", "action", "outcome", "what"), rows, "Nothing that is audited was done.")


@admin.command("erase-user")
def erase_user(
    context: typer.Context,
    user: str,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Withdraw versions trained on their words")] = False,
    wait: Annotated[bool, typer.Option(help="Return when zero was counted")] = True,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask")] = False,
    tenant: Tenant = "",
    as_json: JsonOption = False,
) -> None:
    """Erase everything of a user, wait longer than the longest lease, erase again, count zero."""
    if not yes and not as_json:
        typer.confirm(f"Erase everything of {user} for good?", abort=True)
    request = admin_pb2.EraseUserRequest(tenant_id=tenant, user_id=user, withdraw_versions=withdraw)
    with connected(context) as client:
        erasure = client.admin.EraseUser(request).erasure
        with console.status("erasing"):
            while wait and erasure.status != admin_pb2.ERASURE_STATUS_DONE:
                time.sleep(0.5)
                asked = admin_pb2.GetErasureRequest(tenant_id=tenant, erasure_id=erasure.id)
                erasure = client.admin.GetErasure(asked).erasure
    if as_json:
        print_json(erasure)
        return
    status = admin_pb2.ErasureStatus.Name(erasure.status).removeprefix("ERASURE_STATUS_").lower()
    counted = ", ".join(f"{count} {name}" for name, count in sorted(erasure.erased.items()))
    console.print(f"{erasure.id} {status}: {counted or 'nothing found'}")
    if erasure.certificate:
        console.print(erasure.certificate, markup=False, soft_wrap=True)


def _show(tenant: admin_pb2.Tenant, as_json: bool) -> None:
    if as_json:
        print_json(tenant)
        return
    console.print(
        f"[bold]{tenant.id}[/bold] {escape(tenant.display_name)}{' [red]off[/red]' if tenant.disabled else ''}"
    )
    for field, value in tenant.quotas.ListFields():
        console.print(f"  {field.name} {value}")
    for field, value in tenant.retention.ListFields():
        console.print(f"  {field.name} kept {value.seconds / DAY_S:g} days")
    mode = admin_pb2.PrivacyMode.Name(tenant.privacy.mode).removeprefix("PRIVACY_MODE_").lower()
    role = admin_pb2.KeyRole.Name(tenant.privacy.reveal_role).removeprefix("KEY_ROLE_").lower()
    console.print(f"  personal data {mode}" + (f", shown to {role}s who ask" if mode == "reversible" else ""))
    for value in tenant.privacy.keep:
        console.print(f"    stays: {escape(value)}")
