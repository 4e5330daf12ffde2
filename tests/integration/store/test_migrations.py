"""Upgrades: documents get a new form while the release before serves, and nobody works with a form it cannot read.

Gateways of this release stand for the older one; the newer one is its migration, run by what it would call.
"""

import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy.local.mongo import MongoServer
from services.common.errors import FailedPrecondition
from services.common.store import Document, Store
from services.common.store.migrations import Form, Migration, check_form, form_of, migrate
from services.common.store.turns import SCHEMA_VERSION
from tests.support.brokers import Broker
from tests.support.gateway import FakeWorkers, Gateways, events_of, text_of
from tests.support.processes import REPOSITORY, Services, service_environment
from tests.support.waiting import wait_until

NEXT = SCHEMA_VERSION + 1
AFTER = NEXT + 1
FOLDED: Any = {"$set": {"folded": {"$toLower": "$user"}}}
ADDITIVE = Migration(NEXT, {"sessions": [FOLDED]}, readable_from=SCHEMA_VERSION)
BREAKING = Migration(NEXT, {"sessions": [FOLDED]}, readable_from=NEXT)


def sessions(store: Store) -> list[Document]:
    return list(store.connection.every_tenant("sessions").find({}))


def add_sessions(store: Store, count: int, version: int | None = SCHEMA_VERSION) -> None:
    form = {} if version is None else {"schema_version": version}
    store.connection.every_tenant("sessions").insert_many(
        [{"_id": f"s{version}-{n}", "tenant": f"t{n % 3}", "user": f"Ann {n}", **form} for n in range(count)]
    )


def migration_command(mongo: MongoServer, database: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services.gateway", "migrate", *options],
        env=service_environment({"mongo_url": mongo.url, "mongo_database": database}),
        cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_the_release_before_serves_during_an_upgrade_and_what_it_writes_then_is_changed_too(
    services: Services, store: Store, redis: Broker
) -> None:
    gateways = Gateways(services, store)
    workers = FakeWorkers(store, redis.url)
    _, address = gateways.start()
    client = gateways.client(address)
    first = client.session(user_id="Ann")
    migrate(store.connection, [ADDITIVE], NEXT)
    assert form_of(store.connection) == Form(NEXT, SCHEMA_VERSION)
    assert [(one["schema_version"], one["folded"]) for one in sessions(store)] == [(NEXT, "ann")]

    assert text_of(events_of(client.send(first, "hello")))  # its document has the new form
    _, another = gateways.start()  # of the same older release, begun when the new form is there
    second = gateways.client(another).session(user_id="Bob")
    assert text_of(events_of(client.send(second, "hello")))
    assert {one["_id"]: one["schema_version"] for one in sessions(store)} == {first: NEXT, second: SCHEMA_VERSION}
    assert migrate(store.connection, [ADDITIVE], NEXT) == {NEXT: 1}
    assert {one["_id"]: one["folded"] for one in sessions(store)} == {first: "ann", second: "bob"}
    assert migrate(store.connection, [ADDITIVE], NEXT) == {NEXT: 0}
    workers.close()


def test_a_release_that_cannot_read_the_form_does_not_start_and_says_so(
    services: Services, store: Store, redis: Broker, mongo: MongoServer, database: str
) -> None:
    migrate(store.connection, [BREAKING], NEXT, stopped=True)
    gateway = services.spawn("gateway")
    wait_until(lambda: not gateway.running(), 60, "the gateway's end")
    assert gateway.returncode
    assert "cannot read" in gateway.log()
    assert f"form {NEXT}" in gateway.log()
    rolled_back = migration_command(mongo, database)
    assert rolled_back.returncode == 1
    assert "not migrated: the database has form" in rolled_back.stderr


def test_the_command_brings_a_database_to_this_release_and_may_be_repeated(
    store: Store, mongo: MongoServer, database: str
) -> None:
    store.connection.client.drop_database(database)
    for _ in range(2):
        done = migration_command(mongo, database)
        assert (done.returncode, done.stderr) == (0, "")
        assert f"form {SCHEMA_VERSION} " in done.stdout
    assert "one_per_request" in store.connection.database["sessions"].index_information()


def test_a_form_that_running_processes_could_not_read_waits_until_they_stop(store: Store) -> None:
    add_sessions(store, 3)
    with pytest.raises(FailedPrecondition, match="--stopped") as refused:
        migrate(store.connection, [ADDITIVE, Migration(AFTER, {}, readable_from=NEXT)], AFTER)
    assert refused.value.reason == "SCHEMA_IN_USE"
    assert {one["schema_version"] for one in sessions(store)} == {SCHEMA_VERSION}
    assert form_of(store.connection) == Form()
    migrate(store.connection, [ADDITIVE], NEXT)
    migrate(store.connection, [ADDITIVE, Migration(AFTER, {}, readable_from=NEXT)], AFTER)  # one release at a time
    assert form_of(store.connection) == Form(AFTER, NEXT)


def test_a_document_passes_through_every_form_once_and_newer_ones_are_left_alone(store: Store) -> None:
    counted: Any = {"$set": {"count": {"$add": [{"$ifNull": ["$count", 0]}, 1]}}}
    again: Any = {"$set": {"count": {"$multiply": ["$count", 10]}}}
    add_sessions(store, 2_500)  # more than two batches
    add_sessions(store, 2, version=None)
    add_sessions(store, 2, version=AFTER)
    steps = [
        Migration(AFTER, {"sessions": [again]}, readable_from=SCHEMA_VERSION),
        Migration(NEXT, {"sessions": [counted]}, readable_from=SCHEMA_VERSION),
    ]
    assert migrate(store.connection, steps, AFTER) == {NEXT: 2_502, AFTER: 2_502}
    assert migrate(store.connection, steps, AFTER) == {NEXT: 0, AFTER: 0}
    counts = sorted(str(one.get("count")) for one in sessions(store))
    assert [(count, len(list(group))) for count, group in itertools.groupby(counts)] == [("10", 2_502), ("None", 2)]


def test_a_migration_that_broke_off_goes_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    add_sessions(store, 2_500)
    collection = store.connection.every_tenant("sessions")
    genuine, calls = collection.update_many, itertools.count(1)

    def breaks(*arguments: Any, **options: Any) -> Any:
        if next(calls) == 2:
            raise ConnectionError("cut")
        return genuine(*arguments, **options)

    with monkeypatch.context() as broken:
        broken.setattr(collection, "update_many", breaks)
        with pytest.raises(ConnectionError):
            migrate(store.connection, [ADDITIVE], NEXT)
    assert form_of(store.connection) == Form()
    assert migrate(store.connection, [ADDITIVE], NEXT) == {NEXT: 1_500}
    assert all(one["folded"].startswith("ann") for one in sessions(store))


@pytest.mark.parametrize(
    ("form", "release", "oldest", "reason"),
    [
        (Form(1, 1), 1, 1, ""),
        (Form(3, 2), 2, 1, ""),
        (Form(3, 3), 2, 1, "SCHEMA_TOO_NEW"),
        (Form(1, 1), 3, 2, "SCHEMA_TOO_OLD"),
        (Form(2, 1), 3, 2, ""),
    ],
)
def test_which_releases_may_work_with_which_form(form: Form, release: int, oldest: int, reason: str) -> None:
    if not reason:
        check_form(form, release, oldest)
        return
    with pytest.raises(FailedPrecondition) as refused:
        check_form(form, release, oldest)
    assert refused.value.reason == reason


def test_no_document_is_written_with_a_form_of_its_own() -> None:
    written = [
        f"{path.relative_to(REPOSITORY)}:{number}"
        for path in (REPOSITORY / "services").rglob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if '"schema_version": ' in line and '"schema_version": SCHEMA_VERSION' not in line
    ]
    allowed = {Path("services/common/store/migrations.py"), Path("services/common/store/sessions.py")}
    assert {Path(place.rpartition(":")[0]) for place in written} <= allowed, written
