"""Options that many commands share, and the connection they describe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text")]
HomeOption = Annotated[
    Path | None,
    typer.Option("--home", envvar="ANTIPHON_HOME", help="Folder of the embedded stack", show_envvar=False),
]
