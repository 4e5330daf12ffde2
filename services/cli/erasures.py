"""``antiphon erasures``: the certificate of an erasure, and whether one that somebody shows is genuine."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from antiphon.v1 import admin_pb2
from rich.markup import escape

from services.cli.connection import connected
from services.cli.options import JsonOption
from services.cli.output import Failure, console, print_json
from services.common.certificates import check, read

erasures = typer.Typer(no_args_is_help=True, help="Erasures: get the certificate of one, check one that is shown.")


@erasures.command("certificate")
def certificate(
    context: typer.Context,
    erasure: Annotated[str, typer.Argument(help="Its id, as `antiphon admin erase-user` gives it")],
    out: Annotated[Path | None, typer.Option(help="Write it to this file")] = None,
    tenant: Annotated[str, typer.Option(help="Default: the key's own")] = "",
) -> None:
    """Write the signed certificate of an erasure that is done: what was erased, what was searched, what is kept."""
    text = _of(context, erasure, tenant)
    if out is None:
        console.print(text, markup=False, soft_wrap=True)
        return
    try:
        out.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise Failure(f"{out}: {error.strerror}") from None


@erasures.command("verify")
def verify(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The certificate; - for standard input")],
    public_key: Annotated[
        str, typer.Option(help="The deployment's public key as it was published; no deployment is asked then")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Check that a certificate is genuine and unchanged, and say what it says; status 1 where it is not.

    Without --public-key the deployment is asked for its certificate of the same erasure and its key is taken. The key
    that stands in the certificate itself proves nothing and is not believed.
    """
    text = _text(file)
    try:
        said = read(text)
    except ValueError as error:
        raise Failure(f"{file}: {error}") from None
    key = public_key or str(read(_of(context, str(said.get("erasure", "")), str(said.get("tenant", ""))))["public_key"])
    genuine = check(text, key)
    if as_json:
        print_json({"genuine": genuine, "erasure": said.get("erasure"), "tenant": said.get("tenant")})
    if not genuine:
        raise Failure("not genuine: another key signed it, or it was changed since")
    if not as_json:
        _show(said)


def _of(context: typer.Context, erasure: str, tenant: str) -> str:
    request = admin_pb2.GetErasureRequest(tenant_id=tenant, erasure_id=erasure)
    with connected(context) as client:
        found = client.admin.GetErasure(request).erasure
    if not found.certificate:
        status = admin_pb2.ErasureStatus.Name(found.status).removeprefix("ERASURE_STATUS_").lower()
        raise Failure(f"{found.id} is {status}: it has a certificate when it is done")
    return found.certificate


def _text(file: Path) -> str:
    try:
        raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        return raw.decode("utf-8")
    except OSError as error:
        raise Failure(f"{file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Failure(f"{file} is no text in UTF-8") from None


def _show(said: Mapping[str, Any]) -> None:
    searched, erased = said["searched"], said["erased"]
    left = {name: count for name, count in searched.items() if count}
    console.print(f"[bold]genuine[/bold]: {escape(said['erasure'])} of tenant {escape(said['tenant'])}")
    console.print(
        f"  user (hash) {escape(said['user_hash'])}, asked {escape(said['asked'])}, done {escape(said['done'])}"
    )
    counted = ", ".join(f"{count} {name}" for name, count in sorted(erased.items())) or "nothing found"
    console.print(f"  erased: {escape(counted)}")
    traces = ", ".join(f"{count} in {name}" for name, count in sorted(left.items())) or "no trace left"
    console.print(f"  searched: {len(searched)} collections, {escape(traces)}")
    console.print(f"  versions trained on it: {escape(', '.join(said['versions_trained_on_it']) or 'none')}")
    for kept in said["kept"]:
        console.print(f"  kept: {escape(kept)}")
