"""A real gateway over real servers, with small workers in this process."""

from collections.abc import Iterator

import pytest

from services.common.settings import CommonSettings
from services.common.store import Store
from tests.support.brokers import Broker
from tests.support.gateway import Client, FakeWorkers, Gateways
from tests.support.processes import Services


@pytest.fixture
def store(services: Services) -> Iterator[Store]:
    opened = Store(CommonSettings(**{name: services.settings[name] for name in ("mongo_url", "mongo_database")}))
    opened.prepare()
    yield opened
    opened.close()


@pytest.fixture
def gateways(services: Services, store: Store) -> Gateways:
    return Gateways(services, store)


@pytest.fixture
def client(gateways: Gateways, broker: Broker) -> Client:
    """An operator of the default tenant at a running gateway."""
    return gateways.client(gateways.start()[1])


@pytest.fixture
def workers(store: Store, broker: Broker) -> Iterator[FakeWorkers]:
    fake = FakeWorkers(store, broker.url)
    yield fake
    fake.close()
