"""``antiphon keys``: API keys of a tenant."""

from __future__ import annotations

from typing import Annotated, Literal

import typer
from antiphon.v1 import admin_pb2
from rich.markup import escape

from services.cli.connection import connected
from services.cli.options import JsonOption
from services.cli.output import console, print_json, print_table

keys = typer.Typer(no_args_is_help=True, help="API keys: create, list, rotate, revoke.")
Tenant = Annotated[str, typer.Option(help="Another tenant than the key's own")]
ROLES = {
    "end_user": admin_pb2.KEY_ROLE_END_USER,
    "agent": admin_pb2.KEY_ROLE_AGENT,
    "caller": admin_pb2.KEY_ROLE_CALLER,
    "reviewer": admin_pb2.KEY_ROLE_REVIEWER,
    "operator": admin_pb2.KEY_ROLE_OPERATOR,
}


@keys.command("create")
def create_key(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What it is for")] = "",
    role: Annotated[
        Literal["end_user", "agent", "caller", "reviewer", "operator"], typer.Option(help="What it may do")
    ] = "caller",
    scope: Annotated[list[str] | None, typer.Option(help="sessions:all, access:NAME or access:*; repeatable")] = None,
    user: Annotated[str, typer.Option(help="Whom a key of role end_user is for")] = "",
    tenant: Tenant = "",
    as_json: JsonOption = False,
) -> None:
    """Create a key and show it this once."""
    request = admin_pb2.CreateKeyRequest(
        tenant_id=tenant, display_name=name, role=ROLES[role], scopes=scope or (), user_id=user
    )
    with connected(context) as client:
        answer = client.admin.CreateKey(request)
    _show_secret(answer, as_json)


@keys.command("rotate")
def rotate_key(
    context: typer.Context,
    key: str,
    grace: Annotated[int, typer.Option(min=0, help="Seconds the old secret works on")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Give a key a new secret and show it this once."""
    request = admin_pb2.RotateKeyRequest(key_id=key)
    request.grace.FromSeconds(grace)
    with connected(context) as client:
        answer = client.admin.RotateKey(request)
    _show_secret(answer, as_json)


def _show_secret(answer: admin_pb2.CreateKeyResponse | admin_pb2.RotateKeyResponse, as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        console.print(answer.secret)
        console.print(f"[dim]key {answer.key.id}; the secret is not shown again[/dim]")


@keys.command("list")
def list_keys(context: typer.Context, tenant: Tenant = "", as_json: JsonOption = False) -> None:
    """List keys without their secrets."""
    with connected(context) as client:
        answer = client.admin.ListKeys(admin_pb2.ListKeysRequest(tenant_id=tenant, page_size=500))
    if as_json:
        print_json(answer)
        return
    roles = {value: name for name, value in ROLES.items()}
    rows = [
        (
            one.id,
            escape(one.display_name),
            roles.get(one.role, ""),
            escape(" ".join([*one.scopes, one.user_id]).strip()),
            "[red]revoked[/red]" if one.revoked else "",
        )
        for one in answer.keys
    ]
    print_table(("key", "name", "role", "granted", ""), rows, "No keys.")


@keys.command("revoke")
def revoke_key(context: typer.Context, key: str, as_json: JsonOption = False) -> None:
    """Revoke a key; gateways refuse it within seconds."""
    with connected(context) as client:
        answer = client.admin.RevokeKey(admin_pb2.RevokeKeyRequest(key_id=key))
    if as_json:
        print_json(answer.key)
    else:
        console.print(f"revoked {answer.key.id}")
