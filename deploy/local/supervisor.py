"""One loop that keeps a table of programs running: starts, waits, restarts what dies, ends all cleanly."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import structlog

from deploy.local.home import Home, write_atomically
from deploy.local.program import Program

Stage = Literal["waiting", "starting", "ready", "backoff", "stopped"]
FIRST_BACKOFF_S = 0.5
LONGEST_BACKOFF_S = 30.0
# A program that ran this long before it died starts its backoff anew.
CALM_S = 60.0
# How often a table that is all ready is looked at where a death wakes the loop.
READY_TICK_S = 2.0

log = structlog.get_logger("supervisor")


@dataclass
class Entry:
    """A row of the table.

    ``ready`` says whether the program does its work; it returns within a second and raises nothing.
    ``after`` names the rows that have to be ready before this one starts the first time, and ``able`` says whether it
    can be started by then.
    ``prepare`` runs once, right before the first start. ``sign`` is a file by which the program shows that it
    is ready; what an earlier process left there is removed before each start.
    """

    name: str
    program: Program
    ready: Callable[[], bool]
    after: tuple[str, ...] = ()
    able: Callable[[], bool] = lambda: True
    prepare: Callable[[], None] | None = None
    sign: Path | None = None
    grace_s: float = 15.0
    stage: Stage = field(default="waiting", init=False)
    restarts: int = field(default=0, init=False)
    backoff_s: float = field(default=FIRST_BACKOFF_S, init=False)
    since: float = field(default=0.0, init=False)
    next_start: float = field(default=0.0, init=False)


class Supervisor:
    """Runs the table in the calling thread (the main one, so that programs are tethered to it).

    What happens is written to ``home.status_file`` at every change:
    ``{"supervisor": pid, "endpoint": …, "processes": [{"name", "stage", "pid", "restarts", "exit", "log"}]}``.
    """

    def __init__(self, home: Home, entries: Sequence[Entry], endpoint: dict[str, str]) -> None:
        """``entries`` in starting order; ``endpoint`` is what callers need to know, shown in the status."""
        self.home = home
        self.entries = list(entries)
        self.endpoint = endpoint
        self.stopping = False
        self._written = ""
        self._heard, self._tell = socket.socketpair()
        self._tell.setblocking(False)
        self._hears_deaths = False

    def ready(self) -> bool:
        """Whether every program is ready."""
        return all(entry.stage == "ready" for entry in self.entries)

    def run(self, watch: Callable[[Supervisor], None] = lambda _: None, tick_s: float = 0.1) -> None:
        """Keep the table running until ``stop`` is called, then end it, last row first.

        ``watch`` is called after each round of the loop, to show progress.
        """
        try:
            with self._hearing_deaths():
                while not self.stopping:
                    for entry in self.entries:
                        self._advance(entry)
                    self._write_status()
                    watch(self)
                    self._wait(READY_TICK_S if self._hears_deaths and self.ready() else tick_s)
        finally:
            self._end()
            self._heard.close()
            self._tell.close()

    def stop(self) -> None:
        """End the loop; safe to call from a signal handler."""
        self.stopping = True
        with suppress(OSError):  # it is woken already, or has ended
            self._tell.send(b"\0")

    @contextmanager
    def _hearing_deaths(self) -> Iterator[None]:
        """Let signals end a wait, a child's end among them; only the main thread can."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        child = signal.signal(signal.SIGCHLD, lambda *_: None)
        before = signal.set_wakeup_fd(self._tell.fileno(), warn_on_full_buffer=False)
        self._hears_deaths = True
        try:
            yield
        finally:
            self._hears_deaths = False
            signal.set_wakeup_fd(before)
            signal.signal(signal.SIGCHLD, child)

    def _wait(self, seconds: float) -> None:
        """Sleep so long, or until something is heard."""
        if select.select([self._heard], [], [], seconds)[0]:
            self._heard.recv(4096)

    def _advance(self, entry: Entry) -> None:
        """One look at one row: start it, notice that it is ready, or that it died."""
        now = time.monotonic()
        if entry.stage == "waiting":
            stages = {other.name: other.stage for other in self.entries}
            if all(stages[name] == "ready" for name in entry.after) and entry.able():
                if entry.prepare is not None:
                    entry.prepare()
                self._start(entry)
        elif entry.stage == "backoff":
            if now >= entry.next_start:
                entry.restarts += 1
                self._start(entry)
        elif not entry.program.running():
            if now - entry.since > CALM_S:
                entry.backoff_s = FIRST_BACKOFF_S
            log.warning("died", name=entry.name, exit=entry.program.returncode, again_in_s=entry.backoff_s)
            entry.stage, entry.next_start = "backoff", now + entry.backoff_s
            entry.backoff_s = min(entry.backoff_s * 2, LONGEST_BACKOFF_S)
        elif entry.stage == "starting" and entry.ready():
            log.info("ready", name=entry.name, after_s=round(now - entry.since, 2))
            entry.stage = "ready"

    def _start(self, entry: Entry) -> None:
        if entry.sign is not None:
            entry.sign.unlink(missing_ok=True)
        entry.program.start()
        entry.stage, entry.since = "starting", time.monotonic()
        log.info("started", name=entry.name, pid=entry.program.pid, restarts=entry.restarts)

    def _end(self) -> None:
        """End what needs others before what others need: rows that nobody waits for first."""
        left = list(self.entries)
        while left:
            needed = {name for entry in left for name in entry.after}
            last = [entry for entry in left if entry.name not in needed]
            for entry in last:
                entry.program.terminate()
            for entry in last:
                status = entry.program.stop(entry.grace_s)
                entry.stage = "stopped"
                log.info("stopped", name=entry.name, exit=status)
                self._write_status()
            left = [entry for entry in left if entry not in last]

    def _write_status(self) -> None:
        processes = [
            {
                "name": entry.name,
                "stage": entry.stage,
                "pid": entry.program.pid,
                "restarts": entry.restarts,
                "exit": entry.program.returncode,
                "log": str(entry.program.log_path),
            }
            for entry in self.entries
        ]
        status = {"supervisor": os.getpid(), "endpoint": self.endpoint, "processes": processes}
        if (text := json.dumps(status, indent=1)) != self._written:
            write_atomically(self.home.status_file, text)
            self._written = text
