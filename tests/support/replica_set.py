"""Three mongods that are one replica set, as production has it."""

from __future__ import annotations

from pathlib import Path

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from deploy.local.mongo import REPLICA_SET, mongod_path
from deploy.local.ports import LOOPBACK, answers, free_port
from deploy.local.program import Program
from tests.support.waiting import wait_until

MEMBERS = 3


class ReplicaSet:
    """Started with ``start``; ``url`` names all members."""

    def __init__(self, folder: Path) -> None:
        self.ports = [free_port() for _ in range(MEMBERS)]
        self.members = []
        for port in self.ports:
            data = folder / str(port)
            data.mkdir(parents=True)
            argv = [mongod_path(), "--dbpath", str(data), "--bind_ip", LOOPBACK, "--port", str(port)]
            argv += ["--replSet", REPLICA_SET, "--oplogSize", "64", "--nounixsocket", "--wiredTigerCacheSizeGB", "0.25"]
            argv += ["--setParameter", "diagnosticDataCollectionEnabled=false"]
            self.members.append(Program(f"mongod-{port}", argv, folder / f"{port}.log"))

    @property
    def url(self) -> str:
        return f"mongodb://{','.join(f'{LOOPBACK}:{port}' for port in self.ports)}/?replicaSet={REPLICA_SET}"

    def start(self) -> None:
        """Start all members and wait for a primary that a majority acknowledges."""
        for member in self.members:
            member.start()
        for member, port in zip(self.members, self.ports, strict=True):
            member.wait_ready(lambda port=port: answers(port), 60)  # type: ignore[misc]
        with MongoClient[dict[str, object]](LOOPBACK, self.ports[0], directConnection=True) as client:
            config = {
                "_id": REPLICA_SET,
                "members": [{"_id": number, "host": f"{LOOPBACK}:{port}"} for number, port in enumerate(self.ports)],
                "settings": {"electionTimeoutMillis": 2000},
            }
            client.admin.command("replSetInitiate", config)
        wait_until(self._writable, 60, "the replica set has a primary and a majority", interval=0.1)

    def _writable(self) -> bool:
        try:
            with MongoClient[dict[str, object]](self.url, serverSelectionTimeoutMS=500) as client:
                states = [member["state"] for member in client.admin.command("replSetGetStatus")["members"]]
                return states.count(1) == 1 and states.count(2) == MEMBERS - 1
        except PyMongoError:
            return False

    def stop(self) -> None:
        """End all members; nothing is kept."""
        for member in self.members:
            member.kill()
