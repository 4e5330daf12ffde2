"""Backup and restore: one state of a database that is written to meanwhile, and an empty one that serves it again."""

import hashlib
import json
import threading
from io import BytesIO
from pathlib import Path

import pytest
from antiphon.v1 import conversation_pb2 as pb
from bson import decode_all

from deploy.local.mongo import MongoServer
from services.common.errors import FailedPrecondition, InvalidArgument
from services.common.settings import CommonSettings
from services.common.store import Document, Store
from services.common.store.backup import restore_backup, write_backup
from tests.support.brokers import Brokers
from tests.support.gateway import Client, FakeWorkers, Gateways, Script, events_of, held_script, text_of
from tests.support.processes import Services
from tests.support.waiting import wait_until

WEIGHTS = bytes(range(256)) * 4_000  # several chunks of GridFS


def contents(folder: Path) -> dict[str, tuple[list[str], list[Document]]]:
    """What a backup holds, in an order of its own: documents and indexes by collection."""
    about = json.loads((folder / "manifest.json").read_text())["collections"]
    return {
        name: (sorted(map(repr, decode_all((folder / f"{name}.bson").read_bytes()))), found["indexes"])
        for name, found in about.items()
        if found["documents"]
    }


def test_what_was_backed_up_while_turns_ran_serves_again(
    mongo: MongoServer, brokers: Brokers, database: str, tmp_path: Path
) -> None:
    broker = brokers.get("redis")
    shared: dict[str, object] = {"mongo_url": mongo.url, "broker_url": broker.url, "lease_seconds": 2}
    shared |= {"renew_seconds": 0.5, "silent_seconds": 1}
    services = Services(tmp_path / "services", shared)
    store = Store(CommonSettings.model_validate({**shared, "mongo_database": database}))
    store.prepare()
    workers = FakeWorkers(store, broker.url)
    workers.script = lambda text: held_script() if text == "held" else Script([f"To {text}:", " yes."])
    gateways = Gateways(services, store)
    process, address = gateways.start(mongo_database=database)
    client = gateways.client(address)
    version = hashlib.sha256(WEIGHTS).hexdigest()[:32]
    store.versions.add("default", version, BytesIO(WEIGHTS), {"status": "ready", "measures": []})
    told: dict[str, str] = {}
    stop = threading.Event()

    def talk() -> None:
        session = client.session()
        while not stop.is_set():
            events = events_of(client.send(session, f"word {len(told)}"))
            told[events[0].turn_id] = text_of(events)

    talking = [threading.Thread(target=talk) for _ in range(3)]
    for thread in talking:
        thread.start()
    held = next(client.send(client.session(), "held")).event.turn_id
    wait_until(lambda: len(told) >= 6 and held in workers.taken, 30, "some turns")
    before = dict(told)
    done = write_backup(store.connection, tmp_path / "backup")
    wait_until(lambda: len(told) > len(before), 30, "turns go on")
    stop.set()
    for thread in talking:
        thread.join()
    process.kill()
    workers.close()

    restored = Store(CommonSettings.model_validate({**shared, "mongo_database": f"{database}_restored"}))
    try:
        assert restore_backup(restored.connection, tmp_path / "backup") == done
        write_backup(restored.connection, tmp_path / "again")
        assert contents(tmp_path / "again") == contents(tmp_path / "backup")
        assert restored.versions.read_weights("default", version) == WEIGHTS
        _, address = gateways.start(mongo_database=f"{database}_restored")
        workers = FakeWorkers(restored, broker.url)
        back = Client(address, client.key)
        for turn, text in before.items():
            found = back.turn(turn)
            assert (found.status, found.drafts[0].text) == (pb.TURN_STATUS_COMPLETED, text)
        wait_until(lambda: back.turn(held).status == pb.TURN_STATUS_COMPLETED, 30, "the turn in work", interval=0.1)
        assert text_of(events_of(back.send(back.session(), "hello")))
        with pytest.raises(FailedPrecondition, match="not empty"):
            restore_backup(restored.connection, tmp_path / "backup")
        workers.close()
        services.stop()
    finally:
        restored.connection.client.drop_database(f"{database}_restored")
        restored.close()
        store.close()
        brokers.release(broker)


def test_a_damaged_backup_is_refused_before_anything_is_written(store: Store, database: str, tmp_path: Path) -> None:
    store.keys.create("default", "operator", "x")
    write_backup(store.connection, tmp_path / "backup")
    with pytest.raises(FailedPrecondition, match="there already"):
        write_backup(store.connection, tmp_path / "backup")
    store.connection.client.drop_database(database)
    file = tmp_path / "backup" / "keys.bson"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + b"x")
    with pytest.raises(InvalidArgument, match=r"keys\.bson is damaged"):
        restore_backup(store.connection, tmp_path / "backup")
    assert not store.connection.database.list_collection_names()
    file.write_bytes(whole)
    restore_backup(store.connection, tmp_path / "backup")
    assert len(store.keys.page("default")) == 1
    with pytest.raises(InvalidArgument, match="no backup"):
        restore_backup(store.connection, tmp_path)
