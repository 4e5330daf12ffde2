"""Services begin as forks of a process that has imported what they import: no test pays for their imports again.

``python -m tests.support.nursery SOCKET PARENT`` imports once, has no thread, and forks a process for each order that
comes over the socket. The process gets its own session, environment, folder and log and runs its module as
``python -m`` does; it is a child of the process that gave the order, which kills and waits for it as for any other. The
end-to-end tests, and those that count what a start imports, start their processes anew.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

IMPORTED = (
    "torch",
    "services.finetune.app",
    "services.gateway.app",
    "services.generator.app",
    "services.knowledge.app",
    "services.tracker.app",
    "services.web.app",
)
_PDEATHSIG, _CHILD_SUBREAPER = 1, 36  # what prctl calls them


class Born:
    """A process that a nursery has forked for this one, with what this project uses of ``subprocess.Popen``."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._lock = threading.Lock()
        self._ended = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """How it ended, None while it runs."""
        with self._lock:
            if self.returncode is None:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid:
                    self.returncode = os.waitstatus_to_exitcode(status)
                    os.close(self._ended)
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises subprocess.TimeoutExpired."""
        with self._lock:
            ended = os.dup(self._ended) if self.returncode is None else -1
        if ended >= 0:
            poller = select.poll()
            poller.register(ended, select.POLLIN)
            poller.poll(None if timeout is None else timeout * 1000)
            os.close(ended)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
        return code


class Nursery:
    """The forking process of this one."""

    def __init__(self, env: Mapping[str, str]) -> None:
        """Start it; `env` is the environment that its imports see."""
        self._lock = threading.Lock()
        self._prctl = ctypes.CDLL(None).prctl
        ours, theirs = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(theirs.fileno()), str(os.getpid())],
            stdin=subprocess.DEVNULL,
            env={**env, "PYTHONUNBUFFERED": "1"},  # a forked process's output goes to its log at once
            cwd=Path(__file__).parents[2],
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        self._orders = ours.makefile("rw", encoding="utf-8")
        ours.close()
        atexit.register(self._process.kill)

    def start(self, argv: Sequence[str], log: Path, env: Mapping[str, str], cwd: Path) -> Born:
        """Start ``python -m argv…``; its output is appended to the log."""
        order = {"argv": [*argv], "log": str(log), "env": dict(env), "cwd": str(cwd), "parent": os.getpid()}
        with self._lock:
            # What forks it forks once more and ends: the orphan is ours then, not the first process's.
            self._prctl(_CHILD_SUBREAPER, 1)
            try:
                self._orders.write(json.dumps(order) + "\n")
                self._orders.flush()
                answer = self._orders.readline()
            finally:
                self._prctl(_CHILD_SUBREAPER, 0)
        if not answer:
            raise RuntimeError(f"the nursery ended with {self._process.wait()}")
        return Born(int(answer))


_nursery: Nursery | None = None
_making = threading.Lock()


def nursery(env: Mapping[str, str]) -> Nursery | None:
    """The nursery of this process, started when it is first asked for; None where there can be none."""
    global _nursery
    if sys.platform != "linux" or not hasattr(os, "pidfd_open"):
        return None
    with _making:
        if _nursery is None:
            _nursery = Nursery(env)
        return _nursery


def main(arguments: Sequence[str]) -> Sequence[str]:
    """Fork for each order; returns in each forked process, with what it is to run."""
    orders, parent = socket.socket(fileno=int(arguments[0])), int(arguments[1])
    orders.set_inheritable(False)
    prctl = ctypes.CDLL(None).prctl
    prctl(_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:
        raise SystemExit(0)
    for module in IMPORTED:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()  # what is imported is never collected, and its pages stay shared
    lines = orders.makefile("rw", encoding="utf-8")
    for line in lines:
        order = json.loads(line)
        first = os.fork()
        if first:
            os.waitpid(first, 0)  # its child is the parent's by now
            continue
        second = os.fork()
        if second:
            os._exit(0)
        while os.getppid() != parent:  # until the process between them is gone
            if not Path(f"/proc/{parent}").exists():
                os._exit(0)
        prctl(_PDEATHSIG, int(signal.SIGKILL))
        _become(order)
        lines.write(f"{os.getpid()}\n")
        lines.flush()
        lines.close()
        orders.close()
        return [str(argument) for argument in order["argv"]]
    raise SystemExit(0)


def _become(order: Mapping[str, object]) -> None:
    """Take the session, output, environment and folder that the order names."""
    os.setsid()
    log = os.open(str(order["log"]), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    os.environ.clear()
    env = order["env"]
    assert isinstance(env, dict)
    os.environ.update(env)
    tempfile.tempdir = None  # found anew from the environment
    os.chdir(str(order["cwd"]))


if __name__ == "__main__":
    module, *rest = main(sys.argv[1:])
    sys.argv = [module, *rest]
    with suppress(KeyError):
        del sys.modules[module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
