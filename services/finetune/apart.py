"""A training in a process of its own: what it loads, and what its libraries keep, goes when it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import structlog

from services.common.store import Store
from services.finetune.settings import FinetuneSettings

log = structlog.get_logger(__name__)


class Apart:
    """Starts a process for each training and waits for it; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stopping = False
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def work(self, tenant: str, training: str) -> None:
        """Work on a run until it ends or its process does; where one works on it already, nothing.

        A process that dies leaves a lease behind, after which somebody goes on from the run's checkpoint.
        """
        with self._lock:
            if self._stopping or training in self._children:
                return
            command = [sys.executable, "-m", "services.finetune", "training", "--tenant", tenant, "--run", training]
            child = self._children[training] = subprocess.Popen(command, stdin=subprocess.PIPE)
        try:
            with child:
                status = child.wait()
        finally:
            with self._lock:
                del self._children[training]
        if status:
            log.warning("training_process_ended", training=training, exit=status)

    def stop(self) -> None:
        """End the processes; nobody would wait for what takes minutes."""
        with self._lock:
            self._stopping = True
            for child in self._children.values():
                child.terminate()


def train(settings: FinetuneSettings, tenant: str, training: str) -> None:
    """Take a run and work on it in this process; nothing where somebody holds it or it has ended."""
    from services.finetune.runs import TrainingRun

    store = Store(settings, name="antiphon-training")
    try:
        run = store.trainings.take(tenant, training, settings.train_lease_seconds)
        if run is None:
            log.info("training_not_taken", training=training)
            return
        TrainingRun(settings, store, run).work()
    finally:
        store.close()


def end_with_parent() -> None:
    """End this process when the one that started it is gone: its end of the pipe is closed then, however it died."""

    def watch() -> None:
        while os.read(0, 1):  # past sys.stdin, whose lock a thread that waits would keep at the process's end
            pass
        os._exit(1)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()
