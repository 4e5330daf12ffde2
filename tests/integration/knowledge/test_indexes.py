"""The indexes follow the log whatever happens in between, and keep nothing of other tenants or of the erased."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pymongo.errors import AutoReconnect

from deploy.local.mongo import MongoServer
from services.common.store import Store
from services.common.store.knowledge import Change, Statement, Upload, document_id
from services.knowledge.indexes import Indexes
from services.knowledge.settings import KnowledgeSettings
from tests.support.documents import DIMENSIONS, ENCODER, add_document, found
from tests.support.waiting import wait_until


@pytest.fixture
def indexes(store: Store) -> Iterator[Indexes]:
    made = Indexes(store, ENCODER, DIMENSIONS, 1000)
    made.start()
    assert made.connected.wait(10)
    yield made
    made.stop()


def words_in(thing: object, seen: set[int] | None = None) -> Iterator[str]:
    """Every text that can be reached from an object."""
    seen = set() if seen is None else seen
    if isinstance(thing, str):
        yield thing
    elif isinstance(thing, Mapping):
        for pair in thing.items():
            yield from words_in(pair, seen)
    elif isinstance(thing, (list, tuple, set, frozenset)):
        for one in thing:
            yield from words_in(one, seen)
    elif id(thing) not in seen:
        seen.add(id(thing))
        slots = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
        yield from words_in({name: getattr(thing, name, None) for name in slots} | getattr(thing, "__dict__", {}), seen)


def test_a_tenant_without_knowledge_costs_no_query(store: Store, indexes: Indexes, mongo: MongoServer) -> None:
    before = store.connection.client.admin.command("serverStatus")["opcounters"]["query"]
    for _ in range(50):
        assert indexes.ready("nobody") is None
    assert store.connection.client.admin.command("serverStatus")["opcounters"]["query"] - before < 10


def test_the_stream_brings_changes_and_a_lost_server_loses_none(
    store: Store, indexes: Indexes, mongo: MongoServer
) -> None:
    add_document(store, "acme", "a.txt", "refund rules")
    wait_until(lambda: found(indexes, "acme", "refund") == {"acme-a.txt-0"})
    mongo.program.kill()
    mongo.start()
    add_document(store, "acme", "b.txt", "refund exceptions")
    wait_until(lambda: found(indexes, "acme", "refund") == {"acme-a.txt-0", "acme-b.txt-0"}, 30)


def test_what_is_taught_after_a_lost_connection_is_found(
    store: Store, indexes: Indexes, monkeypatch: pytest.MonkeyPatch
) -> None:
    tail, failures = store.knowledge.log.tail, iter([AutoReconnect("the connection was cut")] * 2)

    def failing_tail(tenant: str, after: int, limit: int = 1000) -> list[Change]:
        for failure in failures:
            raise failure
        return tail(tenant, after, limit)

    monkeypatch.setattr(store.knowledge.log, "tail", failing_tail)
    for slot in ("price", "colour"):
        store.knowledge.teach_fact("acme", Statement("Router X", slot, "29"))
    wait_until(lambda: indexes.watermark("acme") >= 2, 60, "both facts in the index")
    assert next(failures, None) is None


def test_the_first_knowledge_ends_a_wait_for_it_and_so_does_the_end(store: Store, indexes: Indexes) -> None:
    assert not indexes.has_knowledge()
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(indexes.wait_for_knowledge)
        store.knowledge.teach_fact("acme", Statement("Router X", "price", "29"))
        assert waiting.result(20)
        other = Indexes(store, ENCODER, DIMENSIONS, 1000)
        waiting = pool.submit(other.wait_for_knowledge)
        other.stop()
        assert not waiting.result(20)


def test_an_index_built_anew_equals_one_that_followed(store: Store, indexes: Indexes) -> None:
    for number in range(6):
        add_document(store, "acme", f"{number}.txt", f"refund rule {number}", f"shipping rule {number}")
        store.knowledge.teach_fact("acme", Statement("Basic plan", "price", f"{number} euros"))
        if number % 2:
            store.knowledge.delete_document("acme", document_id(f"{number}.txt"))
        indexes.catch_up("acme")
    fresh = Indexes(store, ENCODER, DIMENSIONS, 1000)
    fresh.catch_up("acme")
    for text in ("refund rule", "shipping", "price of the basic plan"):
        assert found(indexes, "acme", text) == found(fresh, "acme", text)
    assert found(fresh, "acme", "price of the basic plan") >= {"5 euros"}
    assert "4 euros" not in found(fresh, "acme", "price of the basic plan")


def test_tenants_do_not_meet_and_the_erased_is_gone_everywhere(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.knowledge.indexes._WORTH_SAVING", 1)
    indexes = Indexes(store, ENCODER, DIMENSIONS, 1000, tmp_path)
    for tenant in ("acme", "globex"):
        add_document(store, tenant, f"one-{tenant}.txt", f"secret zebra{tenant} of {tenant}", user="ann")
        add_document(store, tenant, "plain.txt", "opening hours", user="bob")
        store.knowledge.teach_fact(tenant, Statement(f"Zebra{tenant}", "owner", f"zebra {tenant}", author="ann"))
        mined = Statement(f"Zebra{tenant}", "owner", "nobody", text="it has nobody", author="ann")
        store.knowledge.propose_fact(tenant, mined)
        store.knowledge.accept_document(tenant, Upload("raw.txt", f"zebra{tenant}".encode(), "text/plain", user="ann"))
    for tenant, other in (("acme", "globex"), ("globex", "acme")):
        index = indexes.catch_up(tenant)
        assert indexes.save(tenant)
        assert found(indexes, tenant, "secret zebra owner hours") == {
            f"{tenant}-one-{tenant}.txt-0", f"{tenant}-plain.txt-0", f"zebra {tenant}",
        }  # fmt: skip
        assert any(f"zebra{tenant[:3]}" in word.casefold() for word in words_in(index))
        assert not any(f"zebra{other[:3]}" in word.casefold() for word in words_in(index))
    assert [file for file in tmp_path.iterdir() if b"zebraacm" in file.read_bytes()]
    assert not [file for file in tmp_path.iterdir() if {b"zebraacm", b"zebraglo"} <= _animals(file)]

    counts = store.knowledge.erase_user("acme", "ann")
    assert counts == {"passages": 1, "vectors": 1, "uploads": 1, "sources": 2, "facts": 1, "candidates": 1}
    assert store.knowledge.count_of_user("acme", "ann") == 0
    index = indexes.catch_up("acme")
    indexes.save("acme")
    assert found(indexes, "acme", "secret zebra zebraacme owner") == set()
    assert found(indexes, "acme", "opening hours") == {"acme-plain.txt-0"}
    assert not any("zebra" in word.casefold() for word in words_in(index))
    assert not [file for file in tmp_path.iterdir() if b"zebraacm" in file.read_bytes()]
    for name in store.connection.database.list_collection_names():
        for document in store.connection.every_tenant(name).find({"tenant": "acme"}):
            assert "zebra" not in str(document).casefold()
    assert found(indexes, "globex", "zebraglobex owner") == {"globex-one-globex.txt-0", "zebra globex"}
    assert store.knowledge.erase_user("acme", "ann") == {}


def _animals(file: Path) -> set[bytes]:
    return {word for word in (b"zebraacm", b"zebraglo") if word in file.read_bytes()}


def test_a_watermark_is_reached_by_reading_on_without_the_stream(store: Store, settings: KnowledgeSettings) -> None:
    indexes = Indexes(store, ENCODER, DIMENSIONS, 1000)  # never started: no stream
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
    add_document(store, "acme", "a.txt", "refund rules")
    first = Indexes(store, ENCODER, DIMENSIONS, 1000, tmp_path)
    first.catch_up("acme")
    first.stop()
    (saved,) = tmp_path.iterdir()
    add_document(store, "acme", "b.txt", "refund exceptions")
    store.knowledge.teach_fact("acme", Statement("Basic plan", "price", "9 euros"))
    read = []
    passages = store.knowledge.read_passages
    monkeypatch.setattr(store.knowledge, "read_passages", lambda tenant, ids: read.extend(ids) or passages(tenant, ids))
    second = Indexes(store, ENCODER, DIMENSIONS, 1000, tmp_path)
    second.catch_up("acme")
    assert read == ["acme-b.txt-0"], "only what is new was read"
    assert found(second, "acme", "refund price") == {"acme-a.txt-0", "acme-b.txt-0", "9 euros"}
    store.knowledge.delete_document("acme", document_id("a.txt"))
    second.catch_up("acme")
    assert not saved.exists(), "a snapshot does not outlive a text in it"
    assert found(second, "acme", "refund price") == {"acme-b.txt-0", "9 euros"}
