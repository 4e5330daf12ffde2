"""The `antiphon` command as tests call it: a real process with a home folder of its own."""

import json
import os
import pty
import random
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.home import PREFERRED_PORTS
from deploy.local.ports import free_port
from tests.support.processes import REPOSITORY, service_environment
from tests.support.waiting import wait_until

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@dataclass(frozen=True)
class Answer:
    """How a command ended and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as one JSON document."""
        return json.loads(self.out)


def _own_ports() -> list[int]:
    """Free ports below those that the kernel gives to connections, so that none is taken before it is used."""
    ports: set[int] = set()
    while len(ports) < len(PREFERRED_PORTS):
        wanted = random.randint(20_000, 32_000)
        if free_port(wanted) == wanted:
            ports.add(wanted)
    return list(ports)


class Command:
    """Runs `antiphon` on one home folder."""

    def __init__(self, home: Path, installed: Path | None = None) -> None:
        """Nothing runs yet; the stack's ports are the home's own, since others may start beside it.

        `installed`: the command of an installed wheel; without it the repository's own sources run.
        """
        self.home = home
        home.mkdir(parents=True, exist_ok=True)
        (home / "ports.json").write_text(json.dumps(dict(zip(PREFERRED_PORTS, _own_ports(), strict=True))))
        self.argv = [sys.executable, "-m", "services.cli"] if installed is None else [str(installed)]
        self.cwd = REPOSITORY if installed is None else home
        self.env = service_environment({"home": home}) | {"COLUMNS": "120", "TERM": "xterm", "NO_COLOR": "1"}
        if installed is not None:
            self.env.pop("PYTHONPATH", None)

    def __call__(self, *arguments: str, status: int = 0, text: str = "", timeout: float = 120.0) -> Answer:
        """Run it with ``text`` on its standard input; AssertionError when it ends with another status."""
        done = subprocess.run(
            [*self.argv, *arguments],
            input=text,
            capture_output=True,
            text=True,
            env=self.env,
            cwd=self.cwd,
            timeout=timeout,
        )
        assert done.returncode == status, (
            f"antiphon {arguments} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def json(self, *arguments: str, status: int = 0) -> Any:
        """Run it with --json and return what it printed."""
        return self(*arguments, "--json", status=status).json

    @contextmanager
    def terminal(self, *arguments: str) -> Iterator["Terminal"]:
        """Run it on a terminal; it is killed on leaving if it still runs."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [*self.argv, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=self.env, cwd=self.cwd
        )
        os.close(theirs)
        terminal = Terminal(process, ours)
        try:
            yield terminal
        finally:
            process.kill()
            process.wait()
            terminal.close()


class Terminal:
    """A command on a pseudo-terminal: type lines, wait for text."""

    def __init__(self, process: subprocess.Popen[bytes], descriptor: int) -> None:
        """Begin to read what it writes."""
        self.process = process
        self._descriptor = descriptor
        self._text = ""
        self._seen = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._descriptor, 4096)
            except OSError:  # the other side is closed
                return
            if not data:
                return
            self._text += data.decode(errors="replace")

    @property
    def text(self) -> str:
        """All it has written, without colours."""
        return ESCAPES.sub("", self._text).replace("\r\n", "\n")

    def expect(self, words: str, timeout: float = 60.0) -> str:
        """Wait until ``words`` come after what was expected before; returns the text up to their end."""

        def found() -> int:
            return self.text.find(words, self._seen) + 1

        wait_until(found, timeout, message=f"{words!r} on the terminal, which shows:\n{self.text[self._seen :]}")
        start, self._seen = self._seen, self.text.find(words, self._seen) + len(words)
        return self.text[start : self._seen]

    def type(self, line: str) -> None:
        """Type a line and Enter."""
        os.write(self._descriptor, f"{line}\n".encode())

    def close(self) -> None:
        """Close the terminal."""
        self._reader.join(5)
        os.close(self._descriptor)
