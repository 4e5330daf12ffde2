"""Services as tests run them: real processes with own environment and log, killed and paused at will."""

import itertools
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from deploy.local.program import Process, Program
from services.common.runtime import ready_file
from tests.support.fork_server import fork_server
from tests.support.waiting import wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
# Threads of the numeric libraries: two services of a test must not fight for two cores.
QUIET = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "PYTHONUNBUFFERED": "1"}


def service_environment(settings: Mapping[str, object]) -> dict[str, str]:
    """Our environment with these ANTIPHON_ settings (names without the prefix) and no others."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("ANTIPHON_")}
    env |= QUIET
    env |= {f"ANTIPHON_{name.upper()}": str(value) for name, value in settings.items()}
    return env


class ModuleProcess(Program):
    """``python -m MODULE ARGUMENTS…``, begun as a fork of what has its imports already (see `fork_server`)."""

    def __init__(self, name: str, *arguments: str, log_path: Path, env: Mapping[str, str]) -> None:
        """Describe the process of the module ``arguments[0]``; nothing runs yet."""
        self._arguments = arguments
        super().__init__(name, [sys.executable, "-m", *arguments], log_path, env, REPOSITORY)

    def launch(self) -> Process:
        """Begin a process, forked where that can be done."""
        imported = fork_server(service_environment({}))
        if imported is None:
            return super().launch()
        return imported.start(self._arguments, self.log_path, self.env or {}, REPOSITORY)


class ServiceProcess(ModuleProcess):
    """``python -m services.NAME ARGUMENTS…`` with settings of its own."""

    def __init__(self, name: str, *arguments: str, log_path: Path, settings: Mapping[str, object]) -> None:
        """Describe the service; nothing runs yet."""
        liveness = log_path.with_suffix(".alive")
        env = service_environment({"liveness_file": liveness, **settings})
        called = f"{name} {' '.join(arguments)}".strip()
        super().__init__(called, f"services.{name}", *arguments, log_path=log_path, env=env)
        self._ready_file = ready_file(liveness)

    def start(self) -> None:
        """Start it (again); ``until_ready`` then waits for this start."""
        self._ready_file.unlink(missing_ok=True)
        super().start()

    def until_ready(self, timeout: float = 150.0) -> Self:
        """Wait until the service has said that it works; ProgramError with the log's end if it dies before."""
        self.wait_ready(self._ready_file.exists, timeout)
        return self

    def wait_for_log(self, text: str, timeout: float = 60.0) -> None:
        """Wait until ``text`` stands in the log; AssertionError with the log's end if it dies before."""

        def found() -> bool:
            if text in self.log():
                return True
            if not self.running():
                raise RuntimeError(f"{self.name} ended with {self.returncode}:\n{self.log(tail=40)}")
            return False

        wait_until(found, timeout, message=f"{text!r} in the log of {self.name}", interval=0.05)


class Services:
    """Starts services for one test, and ends them all with it."""

    def __init__(self, folder: Path, settings: Mapping[str, object]) -> None:
        """``settings`` are given to every service (names without the ANTIPHON_ prefix)."""
        self.folder = folder
        self.settings = dict(settings)
        self.started: list[ServiceProcess] = []
        self._numbers = itertools.count(1)

    def spawn(self, name: str, *arguments: str, **settings: object) -> ServiceProcess:
        """Start ``python -m services.name arguments…`` with further settings, and return it."""
        log_path = self.folder / f"{next(self._numbers):02d}-{name}.log"
        process = ServiceProcess(name, *arguments, log_path=log_path, settings=self.settings | settings)
        self.started.append(process)
        process.start()
        return process

    def stop(self) -> None:
        """End every process; nothing of them is kept, so nothing is asked politely."""
        for process in self.started:
            process.kill()

    def report(self, tail: int = 60) -> str:
        """The ends of all logs, for a failing test."""
        return "\n".join(
            f"--- {process.name} (exit {process.returncode}) {process.log_path}\n{process.log(tail)}"
            for process in self.started
        )
