"""What the tests of the walking loop do with it: import, train, promote, ask."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from antiphon.client import Client
from antiphon.v1 import conversation_pb2, feedback_pb2, model_pb2

from deploy.local.mongo import MongoServer
from services.common.settings import CommonSettings
from services.common.store import Store
from tests.support.brokers import Broker, Brokers
from tests.support.gateway import Gateways
from tests.support.processes import ServiceProcess, Services
from tests.support.tiny_model import make_tiny_model
from tests.support.waiting import wait_until

CACHE = Path.home() / ".cache" / "antiphon"


@dataclass
class Loop:
    """A running pipeline and an operator of its first tenant."""

    store: Store
    services: Services
    client: Client
    broker: Broker

    def process(self, name: str) -> ServiceProcess:
        """The first process of that service."""
        return next(process for process in self.services.started if process.name.startswith(name))

    def import_lines(self, lines: list[str], timeout: float = 30) -> feedback_pb2.Import:
        """Import lines of JSON and wait until all are processed."""
        feedback = self.client.feedback
        opened = getattr(feedback.OpenImport(feedback_pb2.OpenImportRequest(name="corrections")), "import")
        items = [feedback_pb2.ImportItem(json=line) for line in lines]
        feedback.AppendImport(feedback_pb2.AppendImportRequest(import_id=opened.id, first_line=1, items=items))
        feedback.CloseImport(feedback_pb2.CloseImportRequest(import_id=opened.id, total_lines=len(lines)))
        request = feedback_pb2.GetImportRequest(import_id=opened.id)

        def done() -> feedback_pb2.Import | None:
            found: feedback_pb2.Import = getattr(feedback.GetImport(request), "import")
            return found if found.status == feedback_pb2.IMPORT_STATUS_DONE else None

        return wait_until(done, timeout, "the import was not processed")

    def train(self, **settings: object) -> model_pb2.Training:
        """Train on what came and wait for the end."""
        asked = model_pb2.TrainingSettings(**settings)  # type: ignore[arg-type]
        training = self.client.models.StartTraining(model_pb2.StartTrainingRequest(settings=asked)).training
        states = list(self.client.models.WatchTraining(model_pb2.WatchTrainingRequest(training_id=training.id)))
        return states[-1].training

    def promote(self, version: str) -> model_pb2.VersionPointer:
        """Promote a version, whatever its gate says."""
        request = model_pb2.PromoteVersionRequest(version_id=version, force=True)
        return self.client.models.PromoteVersion(request).pointer

    def served(self, version: str, epoch: int) -> bool:
        """Whether every generator says that it serves this."""
        serving = self.client.models.ListServing(model_pb2.ListServingRequest()).serving
        return bool(serving) and all(one.epoch == epoch and one.current_id == version for one in serving)

    def session(self, user: str = "ada") -> str:
        """A new session's id."""
        request = conversation_pb2.CreateSessionRequest(user_id=user)
        return self.client.conversations.CreateSession(request).session.id

    def ask(self, session: str, question: str) -> conversation_pb2.Draft:
        """The reply, with the turn's id in the draft's own."""
        return self.client.send(session, question).result()


def correction(question: str, answer: str, user: str = "reviewer") -> str:
    """A line of an import: what should have been answered."""
    said = {"editedText": answer}
    return json.dumps({"prompt": question, "reply": "I do not know.", "userId": user, "feedback": said})


def running_loop(
    folder: Path,
    mongo_server: MongoServer,
    brokers: Brokers,
    *,
    generators: int,
    corrections: str,
) -> Iterator[Loop]:
    """The whole pipeline with a tiny model, until it is closed."""
    database = f"walking_loop_{corrections}"
    mongo_server.program.resume()
    mongo_server.start()
    broker = brokers.get("redis")
    settings: dict[str, object] = {
        "mongo_url": mongo_server.url,
        "mongo_database": database,
        "broker_url": broker.url,
        "model": make_tiny_model(folder / "model", CACHE),
        "cache_dir": CACHE,
        "lease_seconds": 2,
        "renew_seconds": 0.5,
        "silent_seconds": 1,
        "rehearsals": 6,
        "judged_replies": 4,
        "train_threads": 1,
        "train_lease_seconds": 2,
        "compute_threads": 1,
        "reply_tokens": 12,
        "train_rewordings": 0,
        "corrections": corrections,
    }
    services = Services(folder / "services", settings)
    store = Store(CommonSettings(mongo_url=mongo_server.url, mongo_database=database, broker_url=broker.url))
    store.prepare()
    _, address = Gateways(services, store).start()
    _, key = store.keys.create("default", "operator", "test")
    started = [
        services.spawn("tracker"),
        services.spawn("knowledge", "ground"),
        services.spawn("finetune", "jobs"),
        *(services.spawn("generator", kernel="torch-fp32", worker_name=f"generator-{i}") for i in range(generators)),
    ]
    for one in started:
        one.until_ready()
    with Client(address, key=key) as client:
        yield Loop(store, services, client, broker)
    services.stop()
    store.connection.client.drop_database(database)
    store.close()
    brokers.release(broker)
