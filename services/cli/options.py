"""Options that many commands share."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text")]
HomeOption = Annotated[
    Path | None,
    typer.Option("--home", envvar="ANTIPHON_HOME", help="Folder of the embedded stack", show_envvar=False),
]
RequestOption = Annotated[
    str, typer.Option("--request-id", help="Makes a repeated command have one effect", show_default=False)
]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=500, help="Most rows")]


def user_name() -> str:
    """Who sits here, as sessions are named after."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "someone"
