"""A store over this test's own database, and shorthands for what the tests do often."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.mongo import MongoServer
from services.common.store import Store
from services.knowledge.settings import KnowledgeSettings


@pytest.fixture
def settings(mongo: MongoServer, database: str, tmp_path: Path) -> KnowledgeSettings:
    return KnowledgeSettings(mongo_url=mongo.url, mongo_database=database, cache_dir=tmp_path / "cache")


@pytest.fixture
def store(settings: KnowledgeSettings) -> Iterator[Store]:
    """The store, with its indexes made."""
    made = Store(settings)
    made.prepare()
    yield made
    made.close()
