"""Benchmarked programs as child processes: one JSON line in, one out, so that they can be asked in turn."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any


class WorkerFailed(Exception):
    """The program can't run this; the message is its own."""


class Worker:
    """A child that answers questions; idle between them."""

    def __init__(self, command: list[str], cwd: Path) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=cwd
        )

    def ask(self, seconds: float = 300.0, **question: Any) -> dict[str, Any]:
        """Send a question and wait for its answer, at most `seconds`.

        Raises:
            WorkerFailed: it answered with an error or ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        if not select.select([self._process.stdout], [], [], seconds)[0]:
            self.close()
            raise WorkerFailed(f"no answer within {seconds:.0f} seconds")
        line = self._process.stdout.readline()
        if not line:
            raise WorkerFailed("the program ended")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise WorkerFailed(answer["error"])
        return answer

    def close(self) -> None:
        """End the child."""
        self._process.kill()
        self._process.wait()


def serve(answer: Callable[..., dict[str, Any]]) -> None:
    """The child's side: answer questions until stdin ends, one line each."""
    import os

    out: IO[str] = os.fdopen(os.dup(1), "w")  # libraries print to stdout; answers go past them
    os.dup2(2, 1)
    for line in sys.stdin:
        try:
            found = answer(**json.loads(line))
        except Exception as error:
            found = {"error": f"{type(error).__name__}: {str(error)[:300]}"}
        out.write(json.dumps(found) + "\n")
        out.flush()


class Stopwatch:
    """Seconds of a phase by the clock and of the process's CPU, which others on the machine don't stretch."""

    def __init__(self) -> None:
        self._started = (time.perf_counter(), time.process_time())

    def lap(self, phase: str) -> dict[str, float]:
        """The phase since the last lap as `{phase}_s` and `{phase}_cpu_s`."""
        now = (time.perf_counter(), time.process_time())
        wall, cpu = now[0] - self._started[0], now[1] - self._started[1]
        self._started = now
        return {f"{phase}_s": wall, f"{phase}_cpu_s": cpu}


def prompt_ids(sessions: int, length: int) -> list[list[int]]:
    """The same made-up prompts for every program: ordinary ids of the model's vocabulary."""
    return [[(7919 * (s + 1) + 104729 * (i + 1)) % 40000 + 500 for i in range(length)] for s in range(sessions)]
