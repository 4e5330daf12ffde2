"""``antiphon settings``: every setting of every service, as the code has it."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from services.cli.options import JsonOption
from services.cli.output import console, print_json, print_table

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

SERVICES = ("gateway", "tracker", "knowledge", "generator", "finetune", "web")
BEGIN, END = "<!-- settings -->", "<!-- /settings -->"
# Defaults that depend on the machine, said in words.
COMPUTED = {"cache_dir": "~/.cache/antiphon", "worker_name": "the host's name"}


def settings(
    as_json: JsonOption = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print it as a Markdown table")] = False,
    update: Annotated[
        Path | None, typer.Option("--update", help="Put it between a file's <!-- settings --> marks")
    ] = None,
) -> None:
    """List all settings with defaults. Each is an environment variable of the service."""
    rows = table()
    if update is not None:
        before, _, rest = update.read_text(encoding="utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        update.write_text(f"{before}{BEGIN}\n{markdown_table(rows)}\n{END}{after}", encoding="utf-8")
    elif as_json:
        keys = ("service", "variable", "default", "meaning")
        print_json([dict(zip(keys, row, strict=True)) for row in rows])
    elif markdown:
        console.out(markdown_table(rows), highlight=False)
    else:
        print_table(("service", "variable", "default", "meaning"), [[escape(c) for c in row] for row in rows], "")


def table() -> list[tuple[str, str, str, str]]:
    """(service, variable, default, meaning) of every setting; the common ones first, as service "all"."""
    from services.common.settings import CommonSettings  # no other command needs it

    rows = [("all", *_row(name, field)) for name, field in CommonSettings.model_fields.items()]
    for service in SERVICES:
        if find_spec(f"services.{service}.settings") is None:
            continue
        module: Any = importlib.import_module(f"services.{service}.settings")
        fields = getattr(module, f"{service.capitalize()}Settings").model_fields
        own = {name: field for name, field in fields.items() if name not in CommonSettings.model_fields}
        rows += [(service, *_row(name, field)) for name, field in own.items()]
    return rows


def markdown_table(rows: list[tuple[str, str, str, str]]) -> str:
    """The rows as a Markdown table."""
    lines = ["| Service | Variable | Default | Meaning |", "|---|---|---|---|"]
    for service, variable, default, meaning in rows:
        shown = f"`{default}`" if default else ""
        lines.append(f"| {service} | `{variable}` | {shown} | {meaning.replace('|', chr(92) + '|')} |")
    return "\n".join(lines)


def _row(name: str, field: FieldInfo) -> tuple[str, str, str]:
    if name in COMPUTED:
        default = COMPUTED[name]
    elif field.default_factory is not None or field.default in (None, ""):
        default = ""
    elif isinstance(field.default, Path):
        default = str(field.default).replace(str(Path.home()), "~")
    else:
        default = str(field.default)
    return f"ANTIPHON_{name.upper()}", default, field.description or ""
