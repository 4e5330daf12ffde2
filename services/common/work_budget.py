"""A budget of computing for pure work: whatever takes more of the processor than it may is stopped.

Work in a thread is stopped by an exception that the interpreter raises in it between two instructions. A call that
never comes back to the interpreter (a pattern that goes on for ever holds its lock) is ended with the whole process by
``end_when_hung``, and its turn by the count of its deliveries.
"""

from __future__ import annotations

import ctypes
import faulthandler
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
LOOK_SECONDS = 0.05
HUNG_SECONDS = 60.0


class OverBudget(Exception):
    """The work took more of the processor than it may."""


class _Stop(BaseException):
    """What is raised in the thread; not an Exception, so that no rule takes it for an error of its own."""


@dataclass(eq=False)
class _Work:
    thread: int
    clock: int
    end: float  # on the thread's own clock
    stopped: bool = False


class WorkBudget:
    """Runs work that computes and touches nothing else, at most so many seconds of its thread's processor time each.

    One thread looks at all that runs, twenty times a second while anything does; work that is done before it looks
    costs nothing more.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._running: dict[int, _Work] = {}
        self._lock = threading.Lock()
        self._some = threading.Event()
        threading.Thread(target=self._look, name="work-budget", daemon=True).start()

    @property
    def watching(self) -> bool:
        """Whether a thread looks, as it does while work runs; without work it sleeps."""
        return self._some.is_set()

    def run(self, work: Callable[[], T]) -> T:
        """What the work returns. Raises OverBudget, and whatever the work raises.

        The work must hold no lock and write nothing that others read: it may be stopped between any two instructions.
        """
        thread = threading.get_ident()
        clock = time.pthread_getcpuclockid(thread)
        entry = _Work(thread, clock, time.clock_gettime(clock) + self._seconds)
        self._enter(entry)
        try:
            try:
                return work()
            finally:
                self._leave(entry)
        except _Stop:
            self._leave(entry)  # it may have come in the midst of leaving; it comes once
            raise OverBudget(f"more than {self._seconds:g} s of computing") from None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Around what the work does once for all to come, such as loading weights: it may take its time and is not
        stopped."""
        with self._lock:
            entry = self._running.pop(threading.get_ident(), None)
        begun = time.thread_time()
        try:
            yield
        finally:
            if entry is not None:
                entry.end += time.thread_time() - begun
                self._enter(entry)

    def _enter(self, entry: _Work) -> None:
        with self._lock:
            self._running[entry.thread] = entry
            if not self._some.is_set():
                self._some.set()

    def _leave(self, entry: _Work) -> None:
        with self._lock:
            self._running.pop(entry.thread, None)
            if entry.stopped:  # take back what was not raised yet
                _raise_in(entry.thread, None)

    def _look(self) -> None:
        while True:
            self._some.wait()
            time.sleep(LOOK_SECONDS)
            with self._lock:
                if not self._running:
                    self._some.clear()
                for entry in self._running.values():
                    if not entry.stopped and time.clock_gettime(entry.clock) > entry.end:
                        entry.stopped = True
                        _raise_in(entry.thread, _Stop)


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    """Have a thread raise this at its next instruction; None takes back what it has not raised yet."""
    what = ctypes.py_object(error) if error is not None else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), what)


def end_when_hung(stopping: threading.Event, seconds: float = HUNG_SECONDS) -> threading.Thread:
    """End this process, with the stacks of its threads on standard error, once no Python runs in it for so long."""

    def postpone() -> None:
        while not stopping.wait(seconds / 4):
            faulthandler.dump_traceback_later(seconds, exit=True)
        faulthandler.cancel_dump_traceback_later()

    faulthandler.dump_traceback_later(seconds, exit=True)
    thread = threading.Thread(target=postpone, name="hung-watch", daemon=True)
    thread.start()
    return thread
