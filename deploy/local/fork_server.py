"""Programs begin as forks of a process that has imported what they import: torch alone takes more than two seconds.

A fork server imports, has no thread, and forks a process for each order that comes over its socket. The process gets
its own session, environment, folder and log and runs its module as ``python -m`` does. Unlike those of
`multiprocessing`, it is a child of the process that gave the order, which kills and waits for it as for any other.
Linux alone has what this needs; elsewhere, and once a fork server has ended, programs are started anew.
"""

from __future__ import annotations

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
from typing import NoReturn

_PDEATHSIG, _NAME, _CHILD_SUBREAPER = 1, 15, 36  # what prctl calls them
READY = "ready\n"


def can_fork() -> bool:
    """Whether this system has what a fork server needs."""
    return sys.platform == "linux" and hasattr(os, "pidfd_open")


class ForkedProcess:
    """A process that a fork server has forked for this one, with what this project uses of ``subprocess.Popen``."""

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


class ForkServer:
    """This process's side of a fork server."""

    def __init__(self, orders: socket.socket, child: int = 0) -> None:
        """`orders` is the socket whose other end `serve` has; `child`: its process, where that is this one's child."""
        self._child = child
        self._lock = threading.Lock()
        self._prctl = ctypes.CDLL(None).prctl
        self._socket = orders
        self._orders = orders.makefile("rw", encoding="utf-8")
        self._ready = False

    def ready(self) -> bool:
        """Whether it has imported, and an order is carried out at once; True, too, where it has ended."""
        return self._ready or bool(select.select([self._socket], [], [], 0)[0])

    def start(self, argv: Sequence[str], log: Path, env: Mapping[str, str], cwd: Path) -> ForkedProcess:
        """Start ``python -m argv…``; its output is appended to the log. Waits for the imports.

        Raises OSError where the fork server has ended.
        """
        order = {"argv": [*argv], "log": str(log), "env": dict(env), "cwd": str(cwd), "parent": os.getpid()}
        with self._lock:
            if not self._ready:
                self._ready = self._orders.readline() == READY
            # What forks it forks once more and ends: the orphan is ours then, not the first process's.
            self._prctl(_CHILD_SUBREAPER, 1)
            try:
                self._orders.write(json.dumps(order) + "\n")
                self._orders.flush()
                answer = self._orders.readline()
            finally:
                self._prctl(_CHILD_SUBREAPER, 0)
        if not answer:
            raise BrokenPipeError("the fork server has ended")
        return ForkedProcess(int(answer))

    def close(self) -> None:
        """Have it end; what it has forked runs on."""
        with self._lock, suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
            if self._child:
                os.waitpid(self._child, 0)


def import_all(modules: Sequence[str]) -> None:
    """Import them for good: what is there now is never collected, so that its pages stay shared."""
    for module in modules:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()


def serve(orders: socket.socket, parent: int) -> NoReturn:
    """Fork for each order until the other end closes, then exit; in a forked process, run what was ordered and exit."""
    orders.set_inheritable(False)
    lines = orders.makefile("rw", encoding="utf-8")
    with suppress(OSError):
        lines.write(READY)
        lines.flush()
        for line in lines:
            order = json.loads(line)
            if _fork(parent):
                _become(order)
                lines.write(f"{os.getpid()}\n")
                lines.flush()
                lines.close()
                orders.close()
                _run([str(argument) for argument in order["argv"]])
    os._exit(0)


def die_with(parent: int) -> None:
    """Have the kernel kill this process, a child of the parent's, when the parent dies."""
    ctypes.CDLL(None).prctl(_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:
        os._exit(0)


def start_fork_servers(*stages: Sequence[str]) -> list[ForkServer]:
    """Start a fork server for each stage: the second has imported what the first has, and its own.

    Numeric libraries see one thread there; a process that may have more is given them when it is forked
    (OMP_NUM_THREADS).

    To be called before this process has a thread, a lock of a file, or a handler of a signal.
    """
    pairs = [socket.socketpair() for _ in stages]
    parent = os.getpid()
    if (child := os.fork()) == 0:
        for ours, _ in pairs:
            ours.close()
        _serve_stages([theirs for _, theirs in pairs], stages, parent)
    for _, theirs in pairs:
        theirs.close()
    return [ForkServer(ours, 0 if place else child) for place, (ours, _) in enumerate(pairs)]


def _serve_stages(sockets: Sequence[socket.socket], stages: Sequence[Sequence[str]], parent: int) -> NoReturn:
    """Import the stages one after the other, each in a fork of the process before, which serves meanwhile."""
    die_with(parent)
    os.environ |= {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    for place, stage in enumerate(stages[:-1]):
        _import_or_end(stage)
        before = os.getpid()
        if os.fork():
            for other in sockets[place + 1 :]:
                other.close()
            serve(sockets[place], parent)
        die_with(before)
        sockets[place].close()
    _import_or_end(stages[-1])
    serve(sockets[-1], parent)


def _import_or_end(modules: Sequence[str]) -> None:
    """Import them; where one is missing the fork server ends, and the program that needs it tells of it."""
    try:
        import_all(modules)
    except Exception as error:
        print(f"programs are started anew: {error!r}", file=sys.stderr, flush=True)
        os._exit(1)


def _fork(parent: int) -> bool:
    """Fork a child of the parent's; tells whether this is the child."""
    first = os.fork()
    if first:
        os.waitpid(first, 0)  # its child is the parent's by now
        return False
    if os.fork():
        os._exit(0)
    while os.getppid() != parent:  # until the process between them is gone
        if not Path(f"/proc/{parent}").exists():
            os._exit(0)
    ctypes.CDLL(None).prctl(_PDEATHSIG, int(signal.SIGKILL))
    return True


def _become(order: Mapping[str, object]) -> None:
    """Take the session, output, environment, folder and name that the order names."""
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
    torch, threads = sys.modules.get("torch"), str(env.get("OMP_NUM_THREADS", ""))
    if torch is not None and threads.isdecimal():  # the library has read the variable, as it was, at its import
        torch.set_num_threads(int(threads))
    argv = order["argv"]
    assert isinstance(argv, list)
    _call_self([sys.executable, "-m", *argv])


def _call_self(argv: Sequence[str]) -> None:
    """Have the process list show these arguments, as far as there is room for them."""
    with suppress(OSError, ValueError, IndexError):
        fields = Path("/proc/self/stat").read_text(errors="replace").rpartition(")")[2].split()
        start, end = int(fields[45]), int(fields[46])
        text = b"\0".join(os.fsencode(part) for part in argv)[: end - start - 1]
        ctypes.memmove(start, text.ljust(end - start, b"\0"), end - start)
        ctypes.CDLL(None).prctl(_NAME, os.fsencode(Path(argv[0]).name)[:15])


def _run(argv: Sequence[str]) -> NoReturn:
    """Run a module as the main one and exit as it does."""
    module, *_ = sys.argv = [*argv]
    sys.modules.pop(module, None)
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    raise SystemExit(0)
