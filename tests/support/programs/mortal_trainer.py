"""A bad fine-tune worker: dies by SIGKILL at the stage that a file names, once; its parent starts the next one at once.

The parent has everything imported and no thread, so that a life begins in a fraction of a second.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gridfs

from services.common.store.feedback import FeedbackStore
from services.common.store.trainings import Trainings
from services.common.store.versions import Versions
from services.finetune import apart, app, runs, tasks  # noqa: F401  (imported before the fork)
from services.finetune.domain import gate
from services.finetune.settings import FinetuneSettings
from services.finetune.training.lora import LoraTrainer

ORDERS = Path(os.environ["ORDERS"])  # the name of the next stage to die at, one a line
STEP = 3


def die_at(stage: str) -> None:
    """Die if this stage is the next in the orders."""
    first, _, rest = ORDERS.read_text().partition("\n")
    if first == stage:
        ORDERS.write_text(rest)
        print(f"dies at {stage}", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)


def before(owner: Any, name: str, stage: str) -> None:
    """Die when ``owner.name`` is called."""

    def first(call: Callable[[], Any]) -> Any:
        die_at(stage)
        return call()

    _wrap(owner, name, first)


def after(owner: Any, name: str, stage: str, when: Callable[[Any], bool] = lambda _result: True) -> None:
    """Die when ``owner.name`` has done its work."""

    def then(call: Callable[[], Any]) -> Any:
        result = call()
        if when(result):
            die_at(stage)
        return result

    _wrap(owner, name, then)


def _wrap(owner: Any, name: str, around: Callable[[Callable[[], Any]], Any]) -> None:
    original = getattr(owner, name)
    setattr(owner, name, lambda *args, **kwargs: around(lambda: original(*args, **kwargs)))


def _watch_uploads() -> None:
    """Die when a file is whole and before any document names it."""
    original = gridfs.GridFSBucket.upload_from_stream

    def upload(self: Any, name: str, source: Any, **options: Any) -> Any:
        file = original(self, name, source, **options)
        die_at("checkpoint" if "run" in options["metadata"] else "upload")
        return file

    setattr(gridfs.GridFSBucket, "upload_from_stream", upload)  # noqa: B010


def _in_this_process(_apart: apart.Apart, tenant: str, training: str) -> None:
    """Train here, with all that is set up to die, and not in a process that would begin without it."""
    apart.train(FinetuneSettings(), tenant, training)


def main() -> None:
    """Live again and again; whoever kills the process group ends it."""
    setattr(apart.Apart, "work", _in_this_process)  # noqa: B010
    steps = iter(range(1, 1_000_000))
    before(FeedbackStore, "processed", "batching")  # the examples are stored, the records wait
    after(Trainings, "put_set", "set")  # the set is stored, the run does not know
    after(LoraTrainer, "_train", "step", lambda _loss: next(steps) == STEP)
    before(gate, "judge", "evaluation")
    before(Versions, "add", "before upload")
    _watch_uploads()
    before(Versions, "promote", "before the pointer")
    after(Versions, "promote", "after the pointer")
    while True:
        child = os.fork()
        if child == 0:
            app.main(["jobs"])
            sys.exit(0)
        os.waitpid(child, 0)
        print("a life has ended", flush=True)


if __name__ == "__main__":
    main()
