"""A store on the run's real mongod."""

from collections.abc import Iterator

import pytest

from deploy.local.mongo import MongoServer
from services.common.settings import CommonSettings
from services.common.store import Store


@pytest.fixture
def settings(mongo: MongoServer, database: str) -> CommonSettings:
    return CommonSettings(mongo_url=mongo.url, mongo_database=database)


@pytest.fixture
def store(settings: CommonSettings) -> Iterator[Store]:
    opened = Store(settings)
    opened.prepare()
    yield opened
    opened.close()
