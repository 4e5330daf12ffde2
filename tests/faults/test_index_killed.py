"""kill -9 of a knowledge worker while it saves its index and while it applies changes: nothing lost, nothing twice."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.mongo import MongoServer
from services.common.settings import CommonSettings
from services.common.store import Store
from services.common.store.knowledge import Statement, document_id
from services.knowledge.indexes import Indexes
from tests.support.documents import DIMENSIONS, ENCODER, add_document, found
from tests.support.processes import REPOSITORY, service_environment

TENANT = "acme"


def kill_at(point: str, mongo: MongoServer, database: str, folder: Path) -> None:
    arguments = [mongo.url, database, str(folder), TENANT, point]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.index_process", *arguments],
        cwd=REPOSITORY, env=service_environment({}), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "reached\n"
        process.kill()


@pytest.fixture
def store(mongo: MongoServer, database: str) -> Iterator[Store]:
    made = Store(CommonSettings(mongo_url=mongo.url, mongo_database=database))
    made.prepare()
    yield made
    made.close()
    made.close()


def test_an_index_killed_while_saved_and_while_changed_ends_whole(
    store: Store, mongo: MongoServer, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.knowledge.indexes._WORTH_SAVING", 1)

    def check(expected: set[str]) -> None:
        """An index that starts from what the killed ones left is the one that reads everything anew."""
        left = Indexes(store, ENCODER, DIMENSIONS, 1000, tmp_path)
        anew = Indexes(store, ENCODER, DIMENSIONS, 1000)
        for indexes in (left, anew):
            index = indexes.catch_up(TENANT)
            assert index.watermark == store.knowledge.log.heads()[TENANT]
            assert len(index) == sum(one.startswith(TENANT) for one in expected)
            assert len(index.nearest(index._vectors.items()[1][0], 50)) == len(index)  # type: ignore[attr-defined]
            assert found(indexes, TENANT, "zebra price") == expected
        left.save(TENANT)

    add_document(store, TENANT, "a.txt", "zebra one", "zebra two")
    check({"acme-a.txt-0", "acme-a.txt-1"})
    add_document(store, TENANT, "b.txt", "zebra quagga")
    store.knowledge.teach_fact(TENANT, Statement("Zebra", "price", "9"))
    kill_at("saving", mongo, database, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2, "the saved index and what the killed one was writing"
    check({"acme-a.txt-0", "acme-a.txt-1", "acme-b.txt-0", "9"})
    assert len(list(tmp_path.iterdir())) == 1, "what a killed one was writing does not stay"
    store.knowledge.delete_document(TENANT, document_id("a.txt"))
    store.knowledge.teach_fact(TENANT, Statement("Zebra", "price", "12"))
    add_document(store, TENANT, "c.txt", "zebra three")
    kill_at("applying", mongo, database, tmp_path)
    check({"acme-b.txt-0", "acme-c.txt-0", "12"})
    store.knowledge.teach_fact(TENANT, Statement("Zebra", "price", "15"))
    kill_at("saving", mongo, database, tmp_path)
    store.knowledge.delete_document(TENANT, document_id("b.txt"))
    check({"acme-c.txt-0", "15"})
    assert not any(b"quagga" in file.read_bytes() for file in tmp_path.iterdir()), "no file keeps what was deleted"
