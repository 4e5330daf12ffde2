"""A process from start to end: telemetry, a liveness file, SIGTERM as a wish to drain."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from types import FrameType

import structlog

from services.common import telemetry
from services.common.memory import give_back
from services.common.settings import CommonSettings
from services.common.work_budget import end_when_hung

log = structlog.get_logger(__name__)
LIVENESS_SECONDS = 2.0
# A thread that has a token to send waits at most this long for one that computes; Python's own 5 ms would be a
# quarter of what the platform may add to a turn.
SWITCH_SECONDS = 0.001


def ready_file(liveness_file: Path) -> Path:
    """The file that is there from ``Runtime.ready`` to the process's next start, beside the liveness file."""
    return liveness_file.with_name(f"{liveness_file.name}.ready")


class Runtime:
    """Use it around a worker's life: ``with Runtime(settings, "tracker") as runtime: … runtime.wait()``.

    The first SIGTERM or SIGINT ends ``wait``; the caller then drains. ``alive`` may be replaced by a check
    that answers whether the worker still does its work; a liveness probe looks at the file's age.
    """

    def __init__(self, settings: CommonSettings, service: str, *, ends_when_hung: bool = False) -> None:
        """``ends_when_hung``: the process ends where no Python runs in it for a minute, and is started again."""
        self.settings = settings
        self._ends_when_hung = ends_when_hung
        self.service = service
        self.stopping = threading.Event()
        self._ready = False
        self._ended = threading.Event()
        self._liveness: threading.Thread | None = None

    def __enter__(self) -> Runtime:
        telemetry.configure(self.settings, self.service)
        sys.setswitchinterval(SWITCH_SECONDS)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        if self.settings.liveness_file is not None:
            self.settings.liveness_file.parent.mkdir(parents=True, exist_ok=True)
            ready_file(self.settings.liveness_file).unlink(missing_ok=True)
            self._liveness = threading.Thread(target=self._touch, name="liveness", daemon=True)
            self._liveness.start()
        if self._ends_when_hung:
            end_when_hung(self._ended)
        log.info("starting", service=self.service)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        telemetry.shutdown()
        log.info("stopped", service=self.service)

    def ready(self) -> None:
        """Say that the service works: a line in the log, and a file beside the liveness file for probes.

        What was needed on the way here and freed goes back to the system.
        """
        give_back()
        self._ready = True
        if self.settings.liveness_file is not None:
            ready_file(self.settings.liveness_file).touch()
        log.info("ready", service=self.service)

    def show_ready(self, able: bool) -> None:
        """Take the file of readiness away while what the service needs is lost, and put it back; once it was ready."""
        if self.settings.liveness_file is None or not self._ready:
            return
        if able:
            ready_file(self.settings.liveness_file).touch()
        else:
            ready_file(self.settings.liveness_file).unlink(missing_ok=True)

    def wait(self) -> None:
        """Sleep until the process is asked to end."""
        while not self.stopping.wait(3600):
            pass
        log.info("draining", service=self.service)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping.set()

    def _touch(self) -> None:
        path = self.settings.liveness_file
        while path is not None and not self._ended.is_set():
            path.touch()
            self._ended.wait(LIVENESS_SECONDS)
