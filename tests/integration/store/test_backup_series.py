"""The drill of the chart's backups: the commands of its Jobs against a real database, which is lost in between."""

import fcntl
import hashlib
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from bson import decode_all

from deploy.local.mongo import MongoServer
from services.common.errors import FailedPrecondition, InvalidArgument
from services.common.store import Store
from services.common.store.backup import write_backup
from services.common.store.backup_series import add_backup, backups_in
from tests.support.helm import EXAMPLES, helm_binary, render

WEIGHTS = bytes(range(256)) * 4_000  # several chunks of GridFS
VERSION = hashlib.sha256(WEIGHTS).hexdigest()[:32]


def command_of(helm: str, kind: str, place: Path, *arguments: str) -> list[str]:
    """The command of the rendered CronJob or restoring Job, with ``place`` for its volume."""
    objects = render(helm, "-f", str(EXAMPLES / "backup.yaml"), *arguments)
    name = {"CronJob": "test-backup", "Job": "test-restore"}[kind]
    (job,) = [one["spec"] for one in objects if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    template = job["jobTemplate"]["spec"]["template"] if kind == "CronJob" else job["template"]
    program, *command = template["spec"]["containers"][0]["command"]
    assert program == "python"
    return [sys.executable, *(part.replace("/backups", str(place)) for part in command)]


def documents(file: Path) -> list[str]:
    return sorted(map(repr, decode_all(file.read_bytes())))


@pytest.fixture
def environment(mongo: MongoServer, database: str, tmp_path: Path) -> dict[str, str]:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "ANTIPHON_MONGO_URL").write_text(mongo.url)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANTIPHON_")}
    return {**kept, "ANTIPHON_SECRETS_DIR": str(secrets), "ANTIPHON_MONGO_DATABASE": database}


def test_a_lost_database_comes_back_by_the_commands_of_the_chart(
    store: Store, database: str, environment: dict[str, str], tmp_path: Path
) -> None:
    def run(command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)

    helm, place = helm_binary(tmp_path), tmp_path / "backups"
    store.keys.create("default", "operator", "of the drill")
    keys = store.keys.page("default")
    store.versions.add("default", VERSION, BytesIO(WEIGHTS), {"status": "ready", "measures": []})
    done = run(command_of(helm, "CronJob", place))
    assert done.returncode == 0, done.stderr
    (backup,) = backups_in(place)
    restoring = command_of(helm, "Job", place, "--set", f"backup.restore={backup.name}")

    refused = run(restoring)
    assert refused.returncode
    assert "not empty" in refused.stderr
    write_backup(store.connection, tmp_path / "before")
    store.connection.client.drop_database(database)
    assert not store.keys.page("default")
    done = run(restoring)
    assert done.returncode == 0, done.stderr
    assert store.keys.page("default") == keys
    assert store.versions.read_weights("default", VERSION) == WEIGHTS
    write_backup(store.connection, tmp_path / "after")
    for file in (tmp_path / "before").glob("*.bson"):
        again = tmp_path / "after" / file.name
        assert documents(again) == documents(file), file.name


def test_the_newest_backups_stay_and_a_failing_one_deletes_none(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "backups"
    older = [place / f"backup-2020010{day}T030000Z" for day in (1, 2, 3)]
    (place / ".backup-20200104T030000Z.unfinished").mkdir(parents=True)
    (place / "notes").mkdir()
    for folder in older:
        folder.mkdir()
    with pytest.raises(InvalidArgument):
        add_backup(store.connection, place, 0)
    with monkeypatch.context() as damaged:
        damaged.setattr("services.common.store.backup_series.write_backup", lambda _, folder: folder.mkdir() or None)
        with pytest.raises(InvalidArgument):
            add_backup(store.connection, place, 1)
    assert backups_in(place) == older
    newest, _ = add_backup(store.connection, place, 2)
    assert backups_in(place) == [older[-1], newest]
    assert {path.name for path in place.iterdir()} == {older[-1].name, newest.name, "notes", ".lock"}


def test_two_backups_are_not_written_to_one_place_at_once(store: Store, tmp_path: Path) -> None:
    with (tmp_path / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(FailedPrecondition, match="another backup"):
            add_backup(store.connection, tmp_path, 1)
    assert not backups_in(tmp_path)
    add_backup(store.connection, tmp_path, 1)
    assert len(backups_in(tmp_path)) == 1
