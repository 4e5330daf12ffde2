"""Fixtures that every test may use: real mongod, real brokers, real services as processes."""

import itertools
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pymongo import MongoClient

from deploy.local.llama_server import LlamaServer, Size, bundled_model
from deploy.local.mongo import MongoServer
from tests.support.brokers import KINDS, Broker, Brokers
from tests.support.databases import empty
from tests.support.memory import server_folder
from tests.support.processes import Services

pytest_plugins = ["tests.support.leftovers", "tests.support.spending", "tests.support.spreading"]
_database_numbers = itertools.count(1)
_emptied: list[str] = []  # databases whose test has ended: making a store's collections takes longer than emptying them


# On a busy machine drawing an example takes its time; how long the code under test takes, its own tests say.
hypothesis_settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("busy")


def pytest_configure() -> None:
    """One thread of computation a process, before torch reads this: tests run beside each other, and the threads of
    several pools that share two cores spend up to 95 % of their time waiting for one another."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def mongo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoServer]:
    """One mongod (a replica set of one node) for the whole run; use ``mongo`` in tests."""
    server = MongoServer(server_folder(tmp_path_factory, "mongo"))
    server.start()
    yield server
    server.program.kill()  # nothing of it is kept


@pytest.fixture
def mongo(mongo_server: MongoServer) -> MongoServer:
    """The running mongod, started again if the test before killed it."""
    mongo_server.program.resume()
    mongo_server.start()
    return mongo_server


@pytest.fixture
def database(mongo: MongoServer) -> Iterator[str]:
    """The name of an empty database, this test's own while it runs; it may have the store's collections and indexes."""
    name = _emptied.pop() if _emptied else f"test_{next(_database_numbers)}"
    yield name
    mongo.program.resume()
    mongo.start()
    with MongoClient[dict[str, object]](mongo.url) as client:
        if empty(client[name]):
            _emptied.append(name)
        else:
            client.drop_database(name)


@pytest.fixture(scope="session")
def llama_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaServer]:
    """One llama.cpp with SmolLM2 and two slots for all tests of a worker; use ``llama`` in tests that kill it."""
    folder = tmp_path_factory.mktemp("llama")
    server = LlamaServer(bundled_model(), folder, 0, "key-of-the-tests", Size(slots=2, context=1024, threads=1))
    server.start()
    yield server
    server.program.kill()


@pytest.fixture
def llama(llama_server: LlamaServer) -> LlamaServer:
    """The running llama.cpp, started again if the test before killed it."""
    llama_server.program.resume()
    llama_server.start()
    return llama_server


@pytest.fixture(scope="session")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Brokers]:
    """The broker servers of the run; use ``broker``, ``rabbitmq`` or ``redis`` in tests."""
    servers = Brokers(server_folder(tmp_path_factory, "brokers"))
    yield servers
    servers.stop()


@pytest.fixture(params=KINDS)
def broker(request: pytest.FixtureRequest, brokers: Brokers) -> Iterator[Broker]:
    """The test's own share of RabbitMQ, then of Redis: one test body, two brokers."""
    share = brokers.get(request.param)
    yield share
    brokers.release(share)


@pytest.fixture
def rabbitmq(brokers: Brokers) -> Iterator[Broker]:
    """The test's own share of RabbitMQ."""
    share = brokers.get("rabbitmq")
    yield share
    brokers.release(share)


@pytest.fixture
def redis(brokers: Brokers) -> Iterator[Broker]:
    """The test's own share of Redis."""
    share = brokers.get("redis")
    yield share
    brokers.release(share)


@pytest.fixture
def services(request: pytest.FixtureRequest, tmp_path: Path, mongo: MongoServer, database: str) -> Iterator[Services]:
    """Starts services as processes: ``services.spawn("tracker", worker_name="t1")``.

    They share this test's database and the broker of whichever broker fixture the test asks for.
    """
    settings: dict[str, object] = {"mongo_url": mongo.url, "mongo_database": database}
    for name in ("broker", "rabbitmq", "redis"):
        if name in request.fixturenames:
            settings["broker_url"] = request.getfixturevalue(name).url
    running = Services(tmp_path / "services", settings)
    request.node.stash[_SERVICES] = running
    yield running
    running.stop()


@pytest.fixture(scope="module")
def shared_database(mongo_server: MongoServer) -> Iterator[str]:
    """The name of a database that the tests of one file share; each has a tenant or sessions of its own in it."""
    name = f"test_{next(_database_numbers)}"
    yield name
    with MongoClient[dict[str, object]](mongo_server.url) as client:
        client.drop_database(name)


@pytest.fixture(scope="module", params=KINDS)
def shared_broker(request: pytest.FixtureRequest, brokers: Brokers) -> Iterator[Broker]:
    """As ``broker``, for all tests of one file, none of which kills it."""
    share = brokers.get(request.param)
    yield share
    brokers.release(share)


@pytest.fixture(scope="module")
def shared_services(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    mongo_server: MongoServer,
    shared_database: str,
    shared_broker: Broker,
) -> Iterator[Services]:
    """As ``services``, for all tests of one file: starting a process takes longer than most tests."""
    settings = {
        "mongo_url": mongo_server.url,
        "mongo_database": shared_database,
        "broker_url": shared_broker.url,
    }
    running = Services(tmp_path_factory.mktemp("services"), settings)
    request.node.stash[_SERVICES] = running
    yield running
    running.stop()


_SERVICES = pytest.StashKey[Services]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the ends of the services' logs under a failed test."""
    report = yield
    nodes = (item, item.getparent(pytest.Module))
    services = next((node.stash[_SERVICES] for node in nodes if node and _SERVICES in node.stash), None)
    if services is not None and report.failed:
        report.sections.append(("services", services.report()))
    return report
