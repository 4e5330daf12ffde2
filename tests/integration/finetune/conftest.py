"""The walking loop in real processes on a real mongod and broker, with a model that trains in seconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from antiphon.client import Client

from deploy.local.mongo import MongoServer
from services.common.settings import CommonSettings
from services.common.store import Store
from tests.support.brokers import Brokers
from tests.support.gateway import Gateways
from tests.support.learning import Loop
from tests.support.processes import Services
from tests.support.tiny_model import make_tiny_model

CACHE = Path.home() / ".cache" / "antiphon"
DATABASE = "walking_loop"


@pytest.fixture(scope="package")
def loop(tmp_path_factory: pytest.TempPathFactory, mongo_server: MongoServer, brokers: Brokers) -> Iterator[Loop]:
    """Two generators and one of everything else."""
    mongo_server.program.resume()
    mongo_server.start()
    broker = brokers.get("redis")
    folder = tmp_path_factory.mktemp("loop")
    settings: dict[str, object] = {
        "mongo_url": mongo_server.url,
        "mongo_database": DATABASE,
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
    }
    services = Services(folder / "services", settings)
    store = Store(CommonSettings(mongo_url=mongo_server.url, mongo_database=DATABASE, broker_url=broker.url))
    store.prepare()
    _, address = Gateways(services, store).start()
    _, key = store.keys.create("default", "operator", "test")
    started = [
        services.spawn("tracker"),
        services.spawn("knowledge", "ground"),
        services.spawn("finetune", "jobs"),
        *(services.spawn("generator", kernel="torch-fp32", worker_name=f"generator-{i}") for i in range(2)),
    ]
    for one in started:
        one.until_ready()
    with Client(address, key=key) as client:
        yield Loop(store, services, client, broker)
    services.stop()
    store.connection.client.drop_database(DATABASE)
    store.close()
    brokers.release(broker)
