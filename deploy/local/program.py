"""One operating-system process: started with a log file, stopped, killed, paused, and never left behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

TETHER = Path(__file__).with_name("tether.py")


class Process(Protocol):
    """What a program needs of its process: `subprocess.Popen` has it."""

    @property
    def pid(self) -> int:
        """The process id, the process group's too."""

    @property
    def returncode(self) -> int | None:
        """The exit status, negative for a signal; None until `poll` or `wait` has seen the end."""

    def poll(self) -> int | None:
        """Return the exit status, None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end. Raises: subprocess.TimeoutExpired."""


class ProgramError(RuntimeError):
    """A program did not start, or did not become ready in time."""


class Program:
    """A program and its current process, in a process group of its own.

    Started from the main thread, the process dies with this one (see ``tether``). From any other thread it
    is not tethered: the kernel ties the parent-death signal to the starting *thread*.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        log_path: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        """Describe the program; nothing runs yet. ``env`` is the whole environment, None for ours."""
        self.name = name
        self.argv = list(argv)
        self.log_path = log_path
        self.env = dict(env) if env is not None else None
        self.cwd = cwd
        self._process: Process | None = None
        self._asked = False

    @property
    def pid(self) -> int | None:
        """The process id while it runs, else None."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def returncode(self) -> int | None:
        """The exit status of the last process, negative for a signal; None while it runs or before."""
        return self._process.poll() if self._process else None

    def running(self) -> bool:
        """Whether the process lives."""
        return self.pid is not None

    def start(self) -> None:
        """Start the process, appending its output to the log; does nothing while it runs."""
        if self.running():
            return
        self._asked = False
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        self._process = self.launch()

    def launch(self) -> Process:
        """Begin a process of this program."""
        argv = self.argv
        if threading.current_thread() is threading.main_thread():
            argv = [sys.executable, "-I", "-S", str(TETHER), str(os.getpid()), *argv]
        with self.log_path.open("ab") as log:
            return subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.env,
                cwd=self.cwd,
                start_new_session=True,
            )

    def signal(self, number: int) -> None:
        """Send a signal to the whole process group; does nothing when it is gone."""
        if self._process is None or self._process.poll() is not None:
            return
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return

    def pause(self) -> None:
        """SIGSTOP: the process keeps its sockets and does nothing, like a machine that hangs.

        Returns when all its threads stand still: on a busy machine some still run for a while after the signal.
        """
        self.signal(signal.SIGSTOP)
        deadline = time.monotonic() + 5.0
        while self.running() and not self._stands_still() and time.monotonic() < deadline:
            time.sleep(0.001)

    def _stands_still(self) -> bool:
        """Whether no thread of the process group runs; True where the system does not tell (no /proc)."""
        for stat in Path("/proc").glob("[0-9]*/stat"):
            if _state(stat)[2:3] == [str(self.pid)]:
                tasks = [_state(task) for task in stat.parent.glob("task/*/stat")]
                if any(task and task[0] not in "TtZX" for task in tasks):
                    return False
        return True

    def resume(self) -> None:
        """SIGCONT after pause."""
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def terminate(self) -> None:
        """Ask it to end (SIGTERM), once, and return at once: a second SIGTERM may hit it while it cleans up."""
        if not self._asked:
            self._asked = True
            self.signal(signal.SIGTERM)

    def stop(self, grace_s: float = 15.0) -> int | None:
        """SIGTERM, wait up to ``grace_s``, then SIGKILL. Returns the exit status, None if it never ran."""
        if self._process is None:
            return None
        self.terminate()
        self.resume()
        try:
            return self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.returncode

    def log(self, tail: int | None = None) -> str:
        """What it has written so far, or the last ``tail`` lines of it."""
        if not self.log_path.exists():
            return ""
        text = self.log_path.read_text(encoding="utf-8", errors="replace")
        return text if tail is None else "\n".join(text.splitlines()[-tail:])

    def wait_ready(self, ready: Callable[[], bool], timeout_s: float) -> None:
        """Wait until ``ready()`` is true; ProgramError with the log's end if it dies or takes too long."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            if not self.running():
                raise ProgramError(f"{self.name} ended with {self.returncode}:\n{self.log(tail=30)}")
            if time.monotonic() > deadline:
                raise ProgramError(f"{self.name} was not ready after {timeout_s:.0f} s:\n{self.log(tail=30)}")
            time.sleep(0.02)


def _state(stat: Path) -> list[str]:
    """State, parent and process group of a process or thread as its ``stat`` file tells; empty where it is gone."""
    try:
        return stat.read_text(errors="replace").rpartition(")")[2].split()[:3]
    except OSError:
        return []
