"""``antiphon up``, ``down`` and ``status``: the embedded stack from the command line."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from deploy.local.home import PREFERRED_PORTS, Home
from deploy.local.llama_server import LLAMA_CPP
from deploy.local.model_folder import BrokenModel, check_model, check_served
from services.cli.connection import Target
from services.cli.options import HomeOption, JsonOption
from services.cli.output import Failure, console, errors, print_json

STAGES = {"ready": "green", "starting": "yellow", "waiting": "dim", "backoff": "red", "stopped": "dim"}
SERVERS = ("mongod", "redis")
"""What starts in a second and logs for its operators: of these the table tells only why one does not start."""
START_TIMEOUT_S = 600.0
STOP_TIMEOUT_S = 90.0
REPOSITORY = Path(__file__).resolve().parents[2]

Broker = Annotated[str | None, typer.Option("--broker", help="amqp://… or redis://…; default: an own Redis")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting, as ANTIPHON_MODEL=…")
]


def up(
    context: typer.Context,
    home: HomeOption = None,
    broker: Broker = None,
    model: Annotated[str | None, typer.Option(help="A .gguf file (by llama.cpp), a folder, a Hugging Face id")] = None,
    engine: Annotated[str | None, typer.Option(help="slots, module, llama.cpp, upstream or echo")] = None,
    settings: Settings = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return when all are ready")] = False,
    as_json: JsonOption = False,
) -> None:
    """Start mongod, the broker and every service, under one supervisor on this machine."""
    given = list(settings or [])
    if bad := [pair for pair in given if "=" not in pair]:
        raise Failure(f"--set wants NAME=VALUE, not {bad[0]!r}")
    if model is not None:
        place = Path(model).expanduser()
        given.append(f"ANTIPHON_MODEL={place.absolute() if place.exists() else model}")
        if model.endswith(".gguf") and "ANTIPHON_ENGINE" not in _given(given):
            given.append(f"ANTIPHON_ENGINE={LLAMA_CPP}")
    if engine is not None:
        given.append(f"ANTIPHON_ENGINE={engine}")
    root = _home(context, home)
    supervisor = start(root, broker, given)
    if supervisor is None and (broker or given):
        raise Failure("a stack runs already; `antiphon down` ends it, then it starts with other settings")
    try:
        wait_ready(root, supervisor, quiet=as_json)
        announce(root, as_json)
        if not detach and supervisor is not None:
            console.print("[dim]Ctrl-C ends it.[/dim]")
            supervisor.wait()
    except (KeyboardInterrupt, Failure) as reason:
        if supervisor is not None:  # one that ran before is not this command's to end
            stop(root)
        if isinstance(reason, Failure):
            raise


def _home(context: typer.Context, given: Path | None) -> Home:
    """The folder named after the command, else the one named before it, else the default."""
    target: Target = context.obj
    return Home(given or target.home)


def start(home: Home, broker: str | None = None, settings: Iterable[str] = ()) -> subprocess.Popen[bytes] | None:
    """Start a supervisor in the background; None when one runs already. Raises Failure for a broken model."""
    home.prepare()
    if home.running():
        return None
    settings = list(settings)
    _check_model(settings)
    home.status_file.unlink(missing_ok=True)
    argv = [sys.executable, "-m", "deploy.local", "--home", str(home.root)]
    argv += ["--broker", broker] if broker else []
    for pair in settings:
        argv += ["--set", pair]
    with (home.logs / "supervisor.log").open("ab") as log:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=REPOSITORY,
        )


def _given(settings: Iterable[str]) -> dict[str, str]:
    """The environment with the settings of the command line over it."""
    return {**os.environ, **dict(pair.split("=", 1) for pair in settings)}


def _check_model(settings: Iterable[str]) -> None:
    given = _given(settings)
    model, engine = given.get("ANTIPHON_MODEL", ""), given.get("ANTIPHON_ENGINE", "")
    if not model or engine.startswith("echo") or engine == "upstream":
        return
    try:
        if engine == LLAMA_CPP:
            check_served(Path(model))
            return
        for warning in check_model(model):
            errors.print(f"[yellow]warning:[/yellow] {warning}")
    except BrokenModel as error:
        raise Failure(f"the model cannot be used: {error} (--model, ANTIPHON_MODEL)") from None


def wait_ready(home: Home, supervisor: subprocess.Popen[bytes] | None, quiet: bool = False) -> None:
    """Show the programs until all are ready. Raises Failure when one keeps dying or it takes too long."""
    deadline = time.monotonic() + START_TIMEOUT_S
    with Live(console=console, transient=True, refresh_per_second=8, auto_refresh=not quiet) as live:
        while True:
            status = home.status()
            if status is not None:
                rows = status["processes"]
                if not quiet:
                    live.update(process_table(rows, with_words=True))
                if all(row["stage"] == "ready" for row in rows):
                    return
                for row in rows:
                    if row["restarts"] >= 3 and row["stage"] == "backoff":
                        raise Failure(f"{row['name']} keeps dying; its log: {row['log']}\n{last_words(row, 15)}")
            if supervisor is not None and supervisor.poll() is not None:
                raise Failure(f"the supervisor ended; its log: {home.logs / 'supervisor.log'}")
            if time.monotonic() > deadline:
                raise Failure(f"not ready after {START_TIMEOUT_S:.0f} s; the logs are in {home.logs}")
            time.sleep(0.1)


def announce(home: Home, as_json: bool = False) -> None:
    """Say where the gateway is and which key opens it."""
    status = home.status()
    if status is None:
        raise Failure("the stack ended again; see `antiphon status`")
    if as_json:
        print_json({**status["endpoint"], "api_key": home.api_key(), "home": str(home.root)})
        return
    console.print(
        f"Antiphon is up at [bold]{status['endpoint']['url']}[/bold]  (gRPC: {status['endpoint']['address']})"
    )
    ports = {"gateway": status["endpoint"]["address"], "web": status["endpoint"]["url"]}
    for name, place in ports.items():
        if (port := int(place.rpartition(":")[2])) != PREFERRED_PORTS[name]:
            console.print(f"[dim]{name} is at port {port}: {PREFERRED_PORTS[name]} was taken when it was chosen[/dim]")
    if console.is_terminal:  # what is written elsewhere may be a log
        console.print(f"API key {home.api_key()}", soft_wrap=True)
    console.print(f"[dim]API key kept in {home.key_file}[/dim]", soft_wrap=True)


def launcher() -> str:
    """What one types here: the launcher of a clone, else the installed command."""
    return "./antiphon" if (REPOSITORY / "antiphon").is_file() else "antiphon"


def down(context: typer.Context, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Stop the embedded stack; what it has stored stays."""
    stopped = stop(_home(context, home))
    if as_json:
        print_json({"stopped": stopped})
    else:
        console.print("Stopped." if stopped else "[dim]Nothing was running.[/dim]")


def stop(home: Home) -> bool:
    """Ask the supervisor to end and wait until it has; False when none runs."""
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while (status := home.status()) is None:  # one that begins to run has written nothing yet
        if not home.running():
            return False
        time.sleep(0.05)
    os.kill(status["supervisor"], signal.SIGTERM)
    while home.running():
        if time.monotonic() > deadline:
            raise Failure(f"the supervisor (process {status['supervisor']}) does not end")
        time.sleep(0.05)
    return True


_PASSWORD = re.compile(r"://[^@/]*@")


def status(context: typer.Context, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show what runs. Ends with status 1 when something is not ready."""
    place = _home(context, home)
    found = place.status()
    if as_json:
        print_json(found or {"processes": []})
    elif found is None:
        console.print("[dim]Nothing is running; `antiphon up` starts it.[/dim]")
    else:
        console.print(process_table(found["processes"]))
        for name, value in found["endpoint"].items():
            console.print(f"[dim]{name:8}[/dim] {_PASSWORD.sub('://…@', value)}", soft_wrap=True)
        console.print(f"[dim]logs     {place.logs}; `antiphon logs NAME` shows the end of one[/dim]", soft_wrap=True)
    if found is None or any(row["stage"] != "ready" for row in found["processes"]):
        raise typer.Exit(1)


def process_table(rows: list[dict[str, Any]], with_words: bool = False) -> Table:
    """The programs with their stage; ``with_words`` adds what the starting ones last wrote, cut where the line ends."""
    table = Table(box=None, pad_edge=False, show_header=not with_words, header_style="bold")
    for column in ("program", "stage", "pid", "restarts"):
        table.add_column(column, no_wrap=True)
    if with_words:
        table.add_column("", no_wrap=True)
    for row in rows:
        cells = [
            row["name"],
            f"[{STAGES[row['stage']]}]{row['stage']}[/]",
            str(row["pid"] or ""),
            str(row["restarts"] or ""),
        ]
        if with_words:
            told = row["stage"] == "backoff" or (row["stage"] == "starting" and row["name"] not in SERVERS)
            cells.append(escape(_cut(last_words(row, 1))) if told else "")
        table.add_row(*cells)
    return table


_BESIDE_WORDS = 42
"""Columns that the programs' names, stages and process ids take."""


def _cut(words: str) -> str:
    """As much of a line as fits beside the rest of the table."""
    room = max(20, console.width - _BESIDE_WORDS)
    return words if len(words) <= room else words[: room - 1] + "…"


def last_words(row: dict[str, Any], lines: int) -> str:
    """The last lines of a program's log (progress bars overwrite their line: the last state of one counts)."""
    path = Path(row["log"])
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 8192))
        text = file.read().decode("utf-8", errors="replace").rstrip("\r\n")
    return "\n".join(line.split("\r")[-1] for line in text.split("\n")[-lines:])
