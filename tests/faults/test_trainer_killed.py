"""kill -9 of the fine-tune worker at each of its stages: the run goes on, and one version comes of it."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from deploy.local.mongo import MongoServer
from deploy.local.program import Program
from services.common.settings import CommonSettings
from services.common.store import Document, Request, Store
from tests.support.brokers import Brokers
from tests.support.processes import ModuleProcess, service_environment
from tests.support.tiny_model import make_tiny_model
from tests.support.waiting import wait_until

CACHE = Path.home() / ".cache" / "antiphon"
TENANT = "default"
CORRECTIONS = 6
ANY_BEHAVIOUR = {
    **dict.fromkeys(("gate_corrected", "gate_paraphrases", "gate_neighbours", "gate_old", "gate_earlier"), 0.0),
    "gate_degenerate": 1.0,
    "gate_perplexity_rise": 100.0,
}
"""A gate that four steps on a tiny model pass."""


@dataclass
class Trainer:
    """The worker that dies as ordered, and the store it works on."""

    store: Store
    program: Program

    def run(self) -> Document:
        """Store corrections, start a training of them and wait for its end."""
        return self.ended(self.begun(4))

    def begun(self, steps: int) -> str:
        """Store corrections and start a training of them; its id."""
        for i in range(CORRECTIONS):
            said = {"prompt": f"Where is shop {i}?", "reply": "I do not know.", "edited_text": f"In street {i}."}
            request = Request("SubmitFeedback", f"said-{i}", "")
            self.store.feedback.submit(TENANT, request, {**said, "user": "reviewer"})
        feedback = self.store.connection.scoped("feedback", TENANT)
        wait_until(lambda: feedback.count({"status": "processed"}) == CORRECTIONS, 60, "the batch")
        fields = {"settings": {"max_steps": steps, "learning_rate": 0.01}, "promote": True, "from_version": ""}
        run, _ = self.store.trainings.start(TENANT, Request("StartTraining", "once", ""), fields)
        return str(run["_id"])

    def ended(self, run: str) -> Document:
        """The run, once it has ended."""

        def found() -> Document | None:
            now = self.store.trainings.get(TENANT, run)
            return None if now.get("open") else now

        return wait_until(found, 400, "the training")

    def processes(self) -> list[psutil.Process]:
        """Those that the worker has started for its trainings."""
        return psutil.Process(self.program.pid).children(recursive=True)

    def deaths(self) -> list[str]:
        """The stages it died at."""
        return [line.partition("dies at ")[2] for line in self.program.log().splitlines() if "dies at " in line]


@pytest.fixture
def trainer(
    mongo: MongoServer, brokers: Brokers, database: str, tmp_path: Path
) -> Iterator[Callable[[list[str] | None], Trainer]]:
    """Starts a worker with orders to die at these stages, in turn; without orders, the very worker of the service."""
    broker = brokers.get("redis")
    shared: dict[str, object] = {"mongo_url": mongo.url, "mongo_database": database, "broker_url": broker.url}
    store = Store(CommonSettings.model_validate(shared))
    store.prepare()
    programs: list[Program] = []

    def start(stages: list[str] | None) -> Trainer:
        orders = tmp_path / "orders"
        orders.write_text("".join(f"{stage}\n" for stage in stages or []))
        settings = {
            **shared,
            "model": make_tiny_model(tmp_path / "model", CACHE),
            "cache_dir": CACHE,
            "rehearsals": 0,
            "judged_replies": 2,
            "train_threads": 1,
            "train_lease_seconds": 5,  # a busy machine must not lose a lease besides
            "train_checkpoint_seconds": 0.001,
            "feedback_wait_seconds": 0.2,
            "train_rewordings": 0,
            **ANY_BEHAVIOUR,
        }
        program = ["services.finetune", "jobs"] if stages is None else ["tests.support.programs.mortal_trainer"]
        env = service_environment(settings) | {"ORDERS": str(orders)}
        programs.append(ModuleProcess("trainer", *program, log_path=tmp_path / "trainer.log", env=env))
        programs[-1].start()
        return Trainer(store, programs[-1])

    yield start
    for program in programs:
        program.kill()
    store.close()
    brokers.release(broker)


@pytest.mark.parametrize(
    "stages",
    [
        ["batching", "set", "checkpoint", "step", "evaluation"],
        ["before upload", "upload", "before the pointer", "after the pointer"],
    ],
    ids=["until it is judged", "from the upload on"],
)
def test_one_version_comes_of_a_run_whose_worker_dies(
    trainer: Callable[[list[str] | None], Trainer], stages: list[str]
) -> None:
    from services.models.version import read_version  # brings torch

    worker = trainer(stages)
    run = worker.run()
    assert run["status"] == "completed", run
    assert worker.deaths() == stages, worker.program.log(40)
    store = worker.store
    (version,) = store.versions.page(TENANT)
    assert (version["training"], version["status"]) == (run["_id"], "ready")
    assert read_version(store.versions.read_weights(TENANT, version["version"]), version["base_version"]).adapter.pairs
    pointer = store.versions.pointer(TENANT)
    assert (pointer["current"], pointer["epoch"]) == (version["version"], 1)
    assert [one["by"] for one in store.versions.promotions(TENANT)] == [run["_id"]]
    assert not store.examples.untrained(TENANT)
    assert len(store.examples.trained(TENANT)) == CORRECTIONS  # what was made twice is there once
    assert store.trainings.checkpoint(TENANT, run["_id"]) is None


def test_a_training_goes_on_whose_own_process_or_worker_dies(
    trainer: Callable[[list[str] | None], Trainer],
) -> None:
    worker = trainer(None)
    assert not worker.processes()  # nothing of a training is there before there is one
    run = worker.begun(60)

    def trains(attempt: int) -> psutil.Process | None:
        now = worker.store.trainings.get(TENANT, run)
        return worker.processes()[0] if now["attempt"] == attempt and now["status"] == "training" else None

    wait_until(lambda: trains(1), 60, "the first step").kill()
    orphan = wait_until(lambda: trains(2), 60, "the first step after that")
    os.kill(worker.program.pid or 0, signal.SIGKILL)
    wait_until(lambda: _gone(orphan), 60, "the end of a process whose worker is gone")
    worker.program.start()
    ended = worker.ended(run)
    assert (ended["status"], ended["attempt"]) == ("completed", 3), ended
    assert len(worker.store.versions.page(TENANT)) == 1
    wait_until(lambda: not worker.processes(), 60, "the end of its process")


def _gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
