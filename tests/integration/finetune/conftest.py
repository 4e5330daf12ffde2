"""The walking loop in real processes on a real mongod and broker, with a model that trains in seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.local.mongo import MongoServer
from tests.support.brokers import Brokers
from tests.support.learning import Loop, running_loop


@pytest.fixture(scope="package")
def loop(tmp_path_factory: pytest.TempPathFactory, mongo_server: MongoServer, brokers: Brokers) -> Iterator[Loop]:
    """Two generators and one of everything else; what was corrected is answered by versions alone."""
    yield from running_loop(tmp_path_factory.mktemp("loop"), mongo_server, brokers, generators=2, corrections="weights")
