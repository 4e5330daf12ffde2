"""The whole pipeline with a real model for evaluations: started in a folder of its own, called by the client."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from antiphon.client import Client
from antiphon.v1 import common_pb2, conversation_pb2, feedback_pb2

from deploy.local.mongo import MongoServer
from services.common.settings import CommonSettings
from services.common.store import Store
from tests.support.brokers import Brokers, Kind
from tests.support.gateway import Gateways
from tests.support.processes import Services
from tests.support.waiting import wait_until


@dataclass
class Pipeline:
    """A running pipeline and a client of its first tenant."""

    client: Client
    store: Store
    services: Services
    generators: int

    def ask(self, questions: list[str], tokens: int = 24, at_once: int = 16) -> list[conversation_pb2.Draft]:
        """The greedy reply to each question, each in a session of its own, in order."""
        settings = common_pb2.DecodingSettings(max_tokens=tokens, temperature=0)

        def one(question: str) -> conversation_pb2.Draft:
            request = conversation_pb2.CreateSessionRequest(user_id="evaluation")
            session = self.client.conversations.CreateSession(request).session
            return self.client.send(session.id, question, settings=settings).result()

        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(one, questions))

    def import_items(
        self, items: list[feedback_pb2.FeedbackItem], name: str, timeout: float = 600
    ) -> feedback_pb2.Import:
        """Import items chunk by chunk and wait until all are processed."""
        feedback = self.client.feedback
        opened = getattr(feedback.OpenImport(feedback_pb2.OpenImportRequest(name=name)), "import")
        for first in range(0, len(items), 500):
            chunk = [feedback_pb2.ImportItem(item=item) for item in items[first : first + 500]]
            feedback.AppendImport(
                feedback_pb2.AppendImportRequest(import_id=opened.id, first_line=first + 1, items=chunk)
            )
        feedback.CloseImport(feedback_pb2.CloseImportRequest(import_id=opened.id, total_lines=len(items)))
        return self.processed(opened.id, timeout)

    def processed(self, import_id: str, timeout: float) -> feedback_pb2.Import:
        """The import once everything in it is processed."""
        request = feedback_pb2.GetImportRequest(import_id=import_id)

        def done() -> feedback_pb2.Import | None:
            found: feedback_pb2.Import = getattr(self.client.feedback.GetImport(request), "import")
            return found if found.status == feedback_pb2.IMPORT_STATUS_DONE else None

        return wait_until(done, timeout, "the import was not processed", interval=0.1)


@contextmanager
def pipeline(broker: Kind = "redis", generators: int = 1, **settings: object) -> Iterator[Pipeline]:
    """Start mongod, a broker and every service, and end them all afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="antiphon-")))
        mongo = MongoServer(folder / "mongo")
        mongo.start()
        stack.callback(mongo.stop)
        brokers = Brokers(folder / "brokers")
        stack.callback(brokers.stop)
        shared: dict[str, object] = {
            "mongo_url": mongo.url,
            "mongo_database": "evaluation",
            "broker_url": brokers.get(broker).url,
            **settings,
        }
        services = Services(folder / "services", shared)
        stack.callback(services.stop)
        store = Store(
            CommonSettings.model_validate({n: shared[n] for n in ("mongo_url", "mongo_database", "broker_url")})
        )
        store.prepare()
        stack.callback(store.close)
        _, address = Gateways(services, store).start()
        started = [
            services.spawn("tracker"),
            services.spawn("knowledge", "ground"),
            services.spawn("finetune", "jobs"),
            *(services.spawn("generator", worker_name=f"generator-{i}") for i in range(generators)),
        ]
        for one in started:
            one.until_ready(900)
        _, key = store.keys.create("default", "operator", "evaluation")
        yield Pipeline(stack.enter_context(Client(address, key=key, timeout=300)), store, services, generators)
