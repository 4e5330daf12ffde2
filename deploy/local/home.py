"""The folder of one embedded stack: its data, its logs, its ports, its key, and who runs it."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploy.local.ports import free_port

PREFERRED_PORTS = {"gateway": 50051, "web": 8080, "mongo": 27117, "redis": 26379, "llama": 28080}


class StackRunning(RuntimeError):
    """Another supervisor runs on this home folder."""


def default_home() -> Path:
    """``ANTIPHON_HOME``, else ``~/.local/state/antiphon`` (XDG_STATE_HOME is obeyed)."""
    if given := os.environ.get("ANTIPHON_HOME"):
        return Path(given).expanduser()
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "antiphon"


class Home:
    """Paths below one folder, which is readable by its owner alone."""

    def __init__(self, root: Path | None = None) -> None:
        """Use ``root`` (default: ``default_home()``); nothing is made before ``prepare``."""
        self.root = (root or default_home()).absolute()
        self.logs = self.root / "logs"
        self.alive = self.root / "alive"
        self.status_file = self.root / "status.json"
        self.key_file = self.root / "api_key"

    def prepare(self) -> None:
        """Make the folders."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o700)
        self.logs.mkdir(exist_ok=True)
        self.alive.mkdir(exist_ok=True)

    def ports(self) -> dict[str, int]:
        """The ports of this stack: those of its last run where they are still free, else others."""
        file = self.root / "ports.json"
        last = {**PREFERRED_PORTS, **(json.loads(file.read_text()) if file.exists() else {})}
        ports = {name: free_port(last[name]) for name in PREFERRED_PORTS}
        write_atomically(file, json.dumps(ports))
        return ports

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Hold this home for one supervisor. Raises StackRunning when another one holds it."""
        with (self.root / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StackRunning(f"a stack already runs in {self.root}; see `antiphon status`") from None
            yield

    def running(self) -> bool:
        """Whether a supervisor holds this home."""
        if not (self.root / "lock").exists():
            return False
        try:
            with self.claimed():
                return False
        except StackRunning:
            return True

    def status(self) -> dict[str, Any] | None:
        """What the running supervisor last wrote (see ``Supervisor``), None when none runs."""
        if not self.running() or not self.status_file.exists():
            return None
        status: dict[str, Any] = json.loads(self.status_file.read_text())
        return status

    def api_key(self) -> str | None:
        """The key that the embedded stack made for its owner, None before its first start."""
        return self.key_file.read_text().strip() if self.key_file.exists() else None

    def secret(self, name: str) -> str:
        """A secret of this stack, such as its database's password: made at the first use, kept for its owner alone."""
        file = self.root / f"{name}.secret"
        if not file.exists():
            write_atomically(file, secrets.token_hex(32) + "\n", mode=0o600)
        return file.read_text().strip()

    def save_api_key(self, text: str) -> None:
        """Keep the key where only its owner reads it."""
        write_atomically(self.key_file, text + "\n", mode=0o600)


def write_atomically(path: Path, text: str, mode: int = 0o644) -> None:
    """Replace the file in one step, so that no reader sees half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    temporary.replace(path)
