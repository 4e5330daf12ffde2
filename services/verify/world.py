"""A whole stack to be hurt: mongod, an own Redis without a file (or a given broker), and two of every worker of the
turn path, of which the second ones reach mongod and broker by proxies."""

from __future__ import annotations

import os
import secrets
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local.mongo import MongoServer
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.program import Program
from deploy.local.redis import RedisServer
from services.common.runtime import ready_file
from services.common.settings import CommonSettings
from services.common.store import Store
from services.verify.proxy import Proxy

REPOSITORY = Path(__file__).resolve().parents[2]
DATABASE = "verify"
START_SECONDS = 300.0
# Leases that end soon: a takeover is seen within a seed's time. Words come slowly enough to be hurt in the middle.
SETTINGS: dict[str, object] = {
    "lease_seconds": 3,
    "renew_seconds": 0.5,
    "silent_seconds": 1,
    "turn_deadline_seconds": 120,
    "drain_seconds": 5,
    "engine": "echo-signed",
    "echo_step_ms": 15,
    "reply_tokens": 8192,
    "tracker": "rules",
    "ground_threads": 1,
    "log_level": "warning",
}


@dataclass
class Member:
    """One process of the stack; ``sign`` appears when it works."""

    name: str
    role: str
    program: Program
    sign: Path | None = None

    def start(self) -> None:
        if self.sign is not None and not self.program.running():
            self.sign.unlink(missing_ok=True)
        self.program.start()

    def works(self) -> bool:
        return self.program.running() and (self.sign is None or self.sign.exists())


class World:
    """The processes by name."""

    def __init__(self, folder: Path, broker_url: str = "") -> None:
        """Nothing runs yet. Without ``broker_url`` the stack has a Redis of its own, which forgets all when killed."""
        self.folder = folder
        self.mongo = MongoServer(folder / "mongo")
        self.redis = None if broker_url else RedisServer(folder / "redis")
        self.broker_url = broker_url or (self.redis.url if self.redis else "")
        self.members: dict[str, Member] = {}
        self.addresses: list[str] = []
        self.proxies: list[Proxy] = []

    def start(self) -> None:
        """Start all and wait until it works. Raises ProgramError."""
        self.mongo.start()
        self._add(Member("mongod", "mongod", self.mongo.program))
        if self.redis is not None:
            self.redis.start()
            self._add(Member("broker", "broker", self.redis.program))
        near = {"mongo_url": self.mongo.url, "broker_url": self.broker_url}
        mongo, broker = Proxy(self.mongo.port), Proxy(urlsplit(self.broker_url).port or 5672)
        self.proxies = [mongo, broker]
        far = {
            "mongo_url": f"mongodb://{LOOPBACK}:{mongo.port}/?directConnection=true",
            "broker_url": self._by(broker.port),
        }
        for number, way in enumerate((near, far)):
            port = free_port()
            self.addresses.append(f"{LOOPBACK}:{port}")
            self._service("gateway", number, way, gateway_port=port)
            for role, arguments in (("tracker", ()), ("knowledge", ("ground",)), ("generator", ())):
                self._service(role, number, way, *arguments)
        self.until_whole()

    def _by(self, port: int) -> str:
        parts = urlsplit(self.broker_url)
        user, at, _ = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{user}{at}{LOOPBACK}:{port}").geturl()

    def _add(self, member: Member) -> None:
        self.members[member.name] = member

    def _service(self, role: str, number: int, way: dict[str, str], *arguments: str, **more: object) -> None:
        name = f"{role}{number}"
        alive = self.folder / f"{name}.alive"
        given = {**SETTINGS, **way, **more, "mongo_database": DATABASE, "worker_name": name, "liveness_file": alive}
        env = {key: value for key, value in os.environ.items() if not key.startswith("ANTIPHON_")}
        env |= {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "PYTHONUNBUFFERED": "1"}
        env |= {f"ANTIPHON_{key.upper()}": str(value) for key, value in given.items()}
        argv = [sys.executable, "-m", f"services.{role}", *arguments]
        program = Program(name, argv, self.folder / f"{name}.log", env, REPOSITORY)
        member = Member(name, role, program, ready_file(alive))
        self._add(member)
        member.start()

    def key(self, tenant: str) -> str:
        """A new operator's key of a tenant."""
        store = Store(CommonSettings(mongo_url=self.mongo.url, mongo_database=DATABASE), name="verify", pool=1)
        try:
            store.prepare()
            return store.keys.create(tenant, "operator", secrets.token_hex(4))[1]
        finally:
            store.close()

    def revive(self, name: str) -> None:
        """Start a process again that was killed or has ended."""
        if name == "mongod":
            self.mongo.start()
        elif name == "broker" and self.redis is not None:
            self.redis.start()
        else:
            self.members[name].start()

    def until_whole(self, seconds: float = START_SECONDS) -> list[str]:
        """Start what has ended and wait until everything works; the names of those that had ended by themselves."""
        deadline, ended = time.monotonic() + seconds, []
        for member in self.members.values():
            member.program.resume()
            if not member.program.running():
                ended.append(member.name)
                self.revive(member.name)
        for member in self.members.values():
            member.program.wait_ready(member.works, max(1.0, deadline - time.monotonic()))
        return ended

    def close(self) -> None:
        """End everything; nothing of it is kept."""
        for member in reversed(self.members.values()):
            member.program.kill()
        for proxy in self.proxies:
            proxy.close()
