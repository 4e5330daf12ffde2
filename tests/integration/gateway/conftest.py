"""A real gateway over real servers, with small workers in this process.

The stack is started once per module and broker; each test is a tenant of its own.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from deploy.local.mongo import MongoServer
from services.common.settings import CommonSettings
from services.common.store import Store
from tests.support.brokers import KINDS, Broker, Brokers
from tests.support.gateway import Client, FakeWorkers, Gateways
from tests.support.processes import Services

_numbers = itertools.count(1)


@dataclass
class Stack:
    """Store, broker, a running gateway and the workers behind it."""

    store: Store
    broker: Broker
    gateways: Gateways
    address: str
    workers: FakeWorkers


@pytest.fixture(scope="module", params=KINDS)
def stack(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    mongo_server: MongoServer,
    brokers: Brokers,
) -> Iterator[Stack]:
    mongo_server.program.resume()
    mongo_server.start()
    broker = brokers.get(request.param)
    settings: dict[str, object] = {
        "mongo_url": mongo_server.url,
        "mongo_database": f"gateway_{next(_numbers)}",
        "broker_url": broker.url,
        "webhook_private_targets": True,
        "webhook_seconds": 1,
        "webhook_retry_seconds": 0.2,
    }
    services = Services(tmp_path_factory.mktemp("services"), settings)
    store = Store(CommonSettings(**settings))  # type: ignore[arg-type]
    store.prepare()
    gateways = Gateways(services, store)
    workers = FakeWorkers(store, broker.url)
    yield Stack(store, broker, gateways, gateways.start()[1], workers)
    workers.close()
    services.stop()
    store.connection.client.drop_database(store.connection.database.name)
    store.close()
    brokers.release(broker)


@pytest.fixture
def store(stack: Stack) -> Store:
    return stack.store


@pytest.fixture
def gateways(stack: Stack) -> Gateways:
    return stack.gateways


@pytest.fixture
def tenant() -> str:
    """This test's own tenant."""
    return f"tenant-{next(_numbers)}"


@pytest.fixture
def client(stack: Stack, tenant: str) -> Iterator[Client]:
    """An operator of this test's tenant."""
    made = stack.gateways.client(stack.address, tenant)
    yield made
    made.channel.close()


@pytest.fixture
def workers(stack: Stack) -> Iterator[FakeWorkers]:
    """Workers that say the same to everyone, until the test gives them another script."""
    stack.workers.reset()
    yield stack.workers
    stack.workers.reset()
