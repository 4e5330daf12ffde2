"""The walking loop over gRPC: feedback in, a version out, served, taken back; and a user erased.

Real processes on a real mongod and broker; the base model is a tiny one, so that a training takes seconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from antiphon.client import Client, FailedPrecondition
from antiphon.v1 import admin_pb2, conversation_pb2, feedback_pb2, model_pb2

from deploy.local.mongo import MongoServer
from services.common.settings import CommonSettings
from services.common.store import Store
from tests.support.brokers import Broker, Brokers
from tests.support.gateway import Gateways
from tests.support.processes import Services
from tests.support.tiny_model import make_tiny_model
from tests.support.waiting import wait_until

CACHE = Path.home() / ".cache" / "antiphon"
QUESTIONS = [f"What does plan number {i} cost?" for i in range(8)]


@dataclass
class Loop:
    store: Store
    services: Services
    client: Client
    broker: Broker


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory, mongo_server: MongoServer, brokers: Brokers) -> Iterator[Loop]:
    mongo_server.program.resume()
    mongo_server.start()
    broker = brokers.get("redis")
    folder = tmp_path_factory.mktemp("loop")
    settings: dict[str, object] = {
        "mongo_url": mongo_server.url,
        "mongo_database": "walking_loop",
        "broker_url": broker.url,
        "model": make_tiny_model(folder / "model", CACHE),
        "cache_dir": CACHE,
        "lease_seconds": 2,
        "renew_seconds": 0.5,
        "silent_seconds": 1,
        "rehearsals": 6,
        "judged_replies": 4,
        "train_threads": 1,
        "compute_threads": 1,
    }
    services = Services(folder / "services", settings)
    store = Store(CommonSettings(mongo_url=mongo_server.url, mongo_database="walking_loop", broker_url=broker.url))
    store.prepare()
    _, address = Gateways(services, store).start()
    _, key = store.keys.create("default", "operator", "test")
    started = [services.spawn("tracker"), services.spawn("knowledge", "ground"), services.spawn("finetune", "jobs")]
    started.append(services.spawn("generator", kernel="torch-fp32"))
    for one in started:
        one.until_ready()
    with Client(address, key=key) as client:
        yield Loop(store, services, client, broker)
    services.stop()
    store.connection.client.drop_database("walking_loop")
    store.close()
    brokers.release(broker)


def _import(client: Client, lines: list[str], user: str = "") -> feedback_pb2.Import:
    opened = getattr(client.feedback.OpenImport(feedback_pb2.OpenImportRequest(name="corrections")), "import")
    items = [feedback_pb2.ImportItem(json=line) for line in lines]
    client.feedback.AppendImport(feedback_pb2.AppendImportRequest(import_id=opened.id, first_line=1, items=items))
    client.feedback.CloseImport(feedback_pb2.CloseImportRequest(import_id=opened.id, total_lines=len(lines)))
    request = feedback_pb2.GetImportRequest(import_id=opened.id)
    return wait_until(
        lambda: (
            found
            if (found := getattr(client.feedback.GetImport(request), "import")).status
            == feedback_pb2.IMPORT_STATUS_DONE
            else None
        ),
        30,
    )


def _correction(question: str, answer: str, user: str = "reviewer") -> str:
    return (
        f'{{"prompt": "{question}", "reply": "I do not know.", "userId": "{user}", '
        f'"feedback": {{"editedText": "{answer}"}}}}'
    )


def _train(client: Client, **settings: object) -> model_pb2.Training:
    asked = model_pb2.TrainingSettings(**settings)  # type: ignore[arg-type]
    training = client.models.StartTraining(model_pb2.StartTrainingRequest(settings=asked)).training
    states = list(client.models.WatchTraining(model_pb2.WatchTrainingRequest(training_id=training.id)))
    return states[-1].training


def _ask(client: Client, session: str, question: str) -> conversation_pb2.Draft:
    return client.send(session, question).result()


def _session(client: Client, user: str = "ada") -> str:
    return client.conversations.CreateSession(conversation_pb2.CreateSessionRequest(user_id=user)).session.id


def test_broken_lines_are_named_and_the_rest_goes_in(loop: Loop) -> None:
    lines = [
        _correction("When do you open?", "At nine."),
        "not json",
        '{"turnId": "turn_of_nobody", "feedback": {"rating": 5}}',
        '{"prompt": "x", "reply": "y", "feedback": {"rating": 9}}',
    ]
    done = _import(loop.client, lines)
    assert (done.stored, done.processed, done.refused) == (1, 1, 3)
    refused = loop.client.feedback.GetImport(feedback_pb2.GetImportRequest(import_id=done.id)).refused
    assert [(line.line, line.field) for line in refused] == [(2, ""), (3, "turn_id"), (4, "feedback.rating")]


def test_corrections_become_a_version_that_is_served_and_taken_back(loop: Loop) -> None:
    client = loop.client
    old = _session(client)
    before = _ask(client, old, QUESTIONS[0])
    _import(client, [_correction(question, f"It costs {i} euros.") for i, question in enumerate(QUESTIONS)])
    training = _train(client, max_steps=30, learning_rate=0.02, batch_size=8)
    assert training.status == model_pb2.TRAINING_STATUS_COMPLETED, training.error
    version = client.models.GetVersion(model_pb2.GetVersionRequest(version_id=training.version_id)).version
    measures = {measure.name: measure for measure in version.measures}
    assert measures["new_loss"].after < measures["new_loss"].before

    pointer = client.models.PromoteVersion(model_pb2.PromoteVersionRequest(version_id=version.id, force=True)).pointer
    _served(client, version.id, pointer.epoch)
    assert _ask(client, old, QUESTIONS[0]).manifest.version_id == before.manifest.version_id  # it keeps its version
    fresh = _session(client)
    after = _ask(client, fresh, QUESTIONS[0])
    assert after.manifest.version_id == version.id
    assert after.text != before.text

    pointer = client.models.RollbackVersion(model_pb2.RollbackVersionRequest()).pointer
    _served(client, before.manifest.version_id, pointer.epoch)
    again = _ask(client, _session(client), QUESTIONS[0])
    assert again.text == before.text
    assert _ask(client, fresh, "And now?").manifest.version_id == before.manifest.version_id  # withdrawn from it too
    with pytest.raises(FailedPrecondition, match="withdrawn"):
        client.models.PromoteVersion(model_pb2.PromoteVersionRequest(version_id=version.id))


def _served(client: Client, version: str, epoch: int) -> None:
    def everywhere() -> bool:
        serving = client.models.ListServing(model_pb2.ListServingRequest()).serving
        return bool(serving) and all(one.epoch == epoch and one.current_id == version for one in serving)

    wait_until(everywhere, 10)


def test_training_on_nothing_is_refused(loop: Loop) -> None:
    for example in loop.store.examples.untrained("default"):
        loop.store.examples.erase("default", {"_id": example["_id"]})
    with pytest.raises(FailedPrecondition) as refused:
        _train(loop.client)
    assert refused.value.reason == "NOTHING_TO_LEARN"


def test_a_training_survives_its_worker(loop: Loop) -> None:
    _import(loop.client, [_correction(f"Where is shop {i}?", f"In street {i}.") for i in range(6)])
    settings = model_pb2.TrainingSettings(max_steps=40, learning_rate=0.01)
    training = loop.client.models.StartTraining(model_pb2.StartTrainingRequest(settings=settings)).training
    watched = loop.client.models.WatchTraining(model_pb2.WatchTrainingRequest(training_id=training.id))
    next(state for state in watched if state.training.step >= 3)
    worker = next(process for process in loop.services.started if process.name.startswith("finetune"))
    worker.kill()
    worker.start()
    ended = wait_until(
        lambda: run if not (run := loop.store.trainings.get("default", training.id)).get("open") else None, 120
    )
    assert ended["status"] == "completed", ended
    assert ended["attempt"] >= 2
    made = [one for one in loop.store.versions.page("default") if one["training"] == training.id]
    assert len(made) == 1


def test_an_erased_user_leaves_no_trace_and_marks_the_versions(loop: Loop) -> None:
    client = loop.client
    user = "grace-the-erased"
    session = _session(client, user)
    _ask(client, session, "My secret is a purple elephant.")
    _import(client, [_correction("What is my secret?", "A purple elephant.", user)])
    training = _train(client, max_steps=2)
    assert training.status == model_pb2.TRAINING_STATUS_COMPLETED
    erasure = client.admin.EraseUser(admin_pb2.EraseUserRequest(user_id=user, withdraw_versions=True)).erasure
    request = admin_pb2.GetErasureRequest(erasure_id=erasure.id)
    done = wait_until(
        lambda: (
            found
            if (found := client.admin.GetErasure(request).erasure).status == admin_pb2.ERASURE_STATUS_DONE
            else None
        ),
        60,
    )
    assert training.version_id in done.version_ids
    version = client.models.GetVersion(model_pb2.GetVersionRequest(version_id=training.version_id)).version
    assert version.trained_on_erased
    assert version.status == model_pb2.VERSION_STATUS_WITHDRAWN
    database = loop.store.connection.database
    for name in database.list_collection_names():
        for document in database[name].find({}):
            text = repr(document)
            assert user not in text, (name, document)
            assert "purple elephant" not in text, (name, document)
