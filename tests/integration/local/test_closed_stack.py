"""The embedded servers answer nobody but the stack they belong to."""

from collections.abc import Iterator
from pathlib import Path

import pymongo
import pytest
import redis
from pymongo.errors import OperationFailure

from deploy.local.home import Home
from deploy.local.mongo import MongoServer
from deploy.local.redis import RedisServer


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("closed") / "home")
    home.prepare()
    for server in ("mongo", "redis"):  # each test finds both, whichever worker it runs on
        home.secret(server)
    return home


@pytest.fixture(scope="module")
def mongo(home: Home) -> Iterator[MongoServer]:
    """A server over data that was written before there were passwords."""
    before = MongoServer(home.root / "mongo")
    before.start()
    with pymongo.MongoClient[dict[str, object]](before.url) as client:
        client.antiphon.notes.insert_one({"text": "kept"})
    before.stop()
    server = MongoServer(home.root / "mongo", password=home.secret("mongo"))
    server.start()
    yield server
    server.stop()


def test_the_database_answers_nobody_without_its_password(mongo: MongoServer) -> None:
    with pymongo.MongoClient[dict[str, object]](mongo.url) as client:
        found = client.antiphon.notes.find_one()
        assert found is not None
        assert found["text"] == "kept"
    place = f"127.0.0.1:{mongo.port}/?directConnection=true"
    for stranger in (f"mongodb://{place}", f"mongodb://antiphon:guess@{place}"):
        with (
            pymongo.MongoClient[dict[str, object]](stranger) as client,
            pytest.raises(OperationFailure, match=r"requires authentication|Authentication failed"),
        ):
            client.antiphon.notes.find_one()


def test_a_database_begins_small(tmp_path: Path) -> None:
    server = MongoServer(tmp_path / "mongo")
    server.start()
    try:
        files = [file.stat() for file in server.folder.rglob("*") if file.is_file()]
        assert sum(file.st_blocks * 512 for file in files) < 100 * 2**20
    finally:
        server.stop()


def test_the_broker_answers_nobody_without_its_password_and_nobody_what_reaches_beyond(home: Home) -> None:
    server = RedisServer(home.root / "redis", durable=True, password=home.secret("redis"))
    server.start()
    try:
        with redis.Redis(port=server.port) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.get("x")
        with redis.Redis(port=server.port, password="guess") as stranger, pytest.raises(redis.AuthenticationError):
            stranger.get("x")
        with redis.Redis.from_url(server.url) as own:
            assert own.set("x", 1)
            for command in (("CONFIG", "GET", "dir"), ("MODULE", "LIST"), ("DEBUG", "SLEEP", "0"), ("SAVE",)):
                with pytest.raises(redis.ResponseError, match="unknown command"):
                    own.execute_command(*command)
    finally:
        server.stop()


def test_passwords_are_for_their_owner_alone(home: Home, mongo: MongoServer) -> None:
    assert home.root.stat().st_mode & 0o077 == 0
    secrets = [home.root / "mongo.secret", home.root / "mongo" / "member.key", home.root / "redis.secret"]
    assert all(file.stat().st_mode & 0o077 == 0 for file in secrets)
    command = Path(f"/proc/{mongo.program.pid}/cmdline").read_text()
    assert home.secret("mongo") not in command
    assert home.secret("mongo") == home.secret("mongo") != home.secret("redis")
