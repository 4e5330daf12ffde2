"""The indexes follow the log whatever happens in between, and keep nothing of other tenants or of the erased."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from deploy.local.mongo import MongoServer
from services.common.store import Store
from services.common.store.knowledge import Statement, Upload, document_id
from services.knowledge.domain.query import Query
from services.knowledge.indexes import Indexes
from services.knowledge.settings import KnowledgeSettings
from tests.support.waiting import wait_until


@pytest.fixture
def indexes(store: Store) -> Iterator[Indexes]:
    made = Indexes(store, "enc", 8, 1000)
    made.start()
    assert made.connected.wait(10)
    yield made
    made.stop()


def add(store: Store, tenant: str, uri: str, *texts: str, user: str = "") -> str:
    """A document as the ingest job leaves it, with vectors."""
    source, _ = store.knowledge.accept_document(tenant, Upload(uri, texts[0].encode(), "text/plain", user=user))
    rows = [
        {"_id": f"{tenant}-{uri}-{n}", "source": document_id(uri), "uri": uri, "revision": 1, "heading": "",
         "text": text, "user": user}
        for n, text in enumerate(texts)
    ]  # fmt: skip
    ids = [row["_id"] for row in rows]
    store.knowledge.plan_passages(tenant, source["_id"], ids)
    store.knowledge.add_passages(tenant, source["_id"], 0, rows)
    vector = np.ones(8, np.float16).tobytes()
    store.knowledge.add_vectors(tenant, f"{source['_id']}/v", document_id(uri), "enc", [(one, vector) for one in ids])
    store.knowledge.close_ingestion(tenant, source["_id"], "done")
    return str(source["_id"])


def found(indexes: Indexes, tenant: str, text: str) -> set[str]:
    index = indexes.ready(tenant)
    if index is None:
        return set()
    result = index.search(Query(text, access=frozenset()), None, 50, 50)
    return {hit.id for hit in result.passages} | {fact.value for fact, _ in result.facts}


def test_a_tenant_without_knowledge_costs_no_query(store: Store, indexes: Indexes, mongo: MongoServer) -> None:
    before = store.connection.client.admin.command("serverStatus")["opcounters"]["query"]
    for _ in range(50):
        assert indexes.ready("nobody") is None
    assert store.connection.client.admin.command("serverStatus")["opcounters"]["query"] - before < 10


def test_the_stream_brings_changes_and_a_lost_server_loses_none(
    store: Store, indexes: Indexes, mongo: MongoServer
) -> None:
    add(store, "acme", "a.txt", "refund rules")
    wait_until(lambda: found(indexes, "acme", "refund") == {"acme-a.txt-0"})
    mongo.program.kill()
    mongo.start()
    add(store, "acme", "b.txt", "refund exceptions")
    wait_until(lambda: found(indexes, "acme", "refund") == {"acme-a.txt-0", "acme-b.txt-0"}, 30)


def test_an_index_built_anew_equals_one_that_followed(store: Store, indexes: Indexes) -> None:
    for number in range(6):
        add(store, "acme", f"{number}.txt", f"refund rule {number}", f"shipping rule {number}")
        store.knowledge.teach_fact("acme", Statement("Basic plan", "price", f"{number} euros"))
        if number % 2:
            store.knowledge.delete_document("acme", document_id(f"{number}.txt"))
        indexes.catch_up("acme")
    fresh = Indexes(store, "enc", 8, 1000)
    fresh.catch_up("acme")
    for text in ("refund rule", "shipping", "price of the basic plan"):
        assert found(indexes, "acme", text) == found(fresh, "acme", text)
    assert found(fresh, "acme", "price of the basic plan") >= {"5 euros"}
    assert "4 euros" not in found(fresh, "acme", "price of the basic plan")


def test_tenants_do_not_meet_and_the_erased_is_gone_everywhere(store: Store, indexes: Indexes) -> None:
    for tenant in ("acme", "globex"):
        add(store, tenant, "same.txt", f"secret zebra of {tenant}", user="ann")
        store.knowledge.teach_fact(tenant, Statement("Zebra", "owner", tenant, author="ann"))
    for tenant in ("acme", "globex"):
        indexes.catch_up(tenant)
        assert found(indexes, tenant, "secret zebra owner") == {f"{tenant}-same.txt-0", tenant}
    counts = store.knowledge.erase_user("acme", "ann")
    assert counts == {"passages": 1, "vectors": 1, "sources": 1, "facts": 1}
    assert store.knowledge.count_of_user("acme", "ann") == 0
    indexes.catch_up("acme")
    assert found(indexes, "acme", "secret zebra owner") == set()
    assert found(indexes, "globex", "secret zebra owner") == {"globex-same.txt-0", "globex"}
    for name in store.connection.database.list_collection_names():
        for document in store.connection.every_tenant(name).find({"tenant": "acme"}):
            assert "zebra" not in str(document).casefold()
    assert store.knowledge.erase_user("acme", "ann") == {}


def test_a_watermark_is_reached_by_reading_on_without_the_stream(store: Store, settings: KnowledgeSettings) -> None:
    indexes = Indexes(store, "enc", 8, 1000)  # never started: no stream
    change = store.knowledge.teach_fact("acme", Statement("Basic plan", "price", "9 euros"))
    index = indexes.ready("acme", change.watermark)
    assert index is not None
    assert index.watermark == change.watermark
    source, _ = store.knowledge.accept_document("acme", Upload("a.txt", b"text", "text/plain"))
    index = indexes.ready("acme", source["watermark"], wait=0.05)
    assert index is not None
    assert index.watermark < source["watermark"], "a document in work holds the watermark back"


def test_a_restart_reads_the_snapshot_and_what_came_after(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.knowledge.indexes._WORTH_SAVING", 1)
    add(store, "acme", "a.txt", "refund rules")
    first = Indexes(store, "enc", 8, 1000, tmp_path)
    first.catch_up("acme")
    first.stop()
    (saved,) = tmp_path.iterdir()
    add(store, "acme", "b.txt", "refund exceptions")
    store.knowledge.teach_fact("acme", Statement("Basic plan", "price", "9 euros"))
    read = []
    passages = store.knowledge.read_passages
    monkeypatch.setattr(store.knowledge, "read_passages", lambda tenant, ids: read.extend(ids) or passages(tenant, ids))
    second = Indexes(store, "enc", 8, 1000, tmp_path)
    second.catch_up("acme")
    assert read == ["acme-b.txt-0"], "only what is new was read"
    assert found(second, "acme", "refund price") == {"acme-a.txt-0", "acme-b.txt-0", "9 euros"}
    store.knowledge.delete_document("acme", document_id("a.txt"))
    second.catch_up("acme")
    assert not saved.exists(), "a snapshot does not outlive a text in it"
    assert found(second, "acme", "refund price") == {"acme-b.txt-0", "9 euros"}
