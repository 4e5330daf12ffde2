"""Kills what a test run left behind: `reaper.py TOKEN` waits for the end of its standard input, then for no carrier of
the token to be left, and deletes what the run has kept in memory. It imports nothing of the project: it has to start
in a few milliseconds."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
from pathlib import Path

TOKEN = "PYTEST_RUN_TOKEN"
MEMORY = Path("/dev/shm")


def memory_folder(token: str) -> Path:
    """Where a run may keep files in memory."""
    return MEMORY / f"antiphon-tests-{token}"


def carriers(token: str) -> list[int]:
    """The processes whose environment carries the token."""
    mark = f"{TOKEN}={token}".encode()
    pids = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended meanwhile, or is another user's
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                pids.append(int(folder.name))
    return pids


def reap(token: str) -> None:
    """Kill what carries the token until nothing does: a process may start another while it is being killed."""
    for _ in range(50):
        pids = [pid for pid in carriers(token) if pid != os.getpid()]
        if not pids:
            return
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdin.buffer.read()  # ends with the run
    reap(sys.argv[1])
    shutil.rmtree(memory_folder(sys.argv[1]), ignore_errors=True)
