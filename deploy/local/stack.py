"""The table of the embedded stack: which programs, with which settings, in which order."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from deploy.local.fork_server import ForkServer, can_fork, start_fork_servers
from deploy.local.home import Home
from deploy.local.llama_server import LLAMA_CPP, SLOTS, LlamaServer, Size, bundled_model
from deploy.local.mongo import MongoServer
from deploy.local.ports import LOOPBACK
from deploy.local.program import Process, Program, ProgramError
from deploy.local.redis import RedisServer
from deploy.local.supervisor import Entry
from services.common.errors import Unauthenticated
from services.common.runtime import ready_file
from services.common.settings import CommonSettings
from services.common.store import Store

TENANT = "default"
REPOSITORY = Path(__file__).resolve().parents[2]

# One process per service: its name, the arguments of `python -m`, what has to be ready before it.
SERVICES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("gateway", ("services.gateway",)),
    ("tracker", ("services.tracker",)),
    ("knowledge", ("services.knowledge", "ground")),
    ("knowledge-jobs", ("services.knowledge", "jobs")),
    ("generator", ("services.generator",)),
    ("finetune", ("services.finetune", "jobs")),
    ("web", ("services.web",)),
)
# The generator decodes on all cores; the others would only take them away from it.
MANY_THREADS = frozenset({"generator", "finetune"})
# What all of them import, and what those do that compute with torch.
COMMON = ("services.common.runtime", "services.common.store", "services.common.bus.job_consumer", "services.common.bus")
COMPUTING = frozenset({"generator", "tracker", "knowledge", "knowledge-jobs"})
TORCH = ("torch", "services.knowledge.app")


@dataclass(frozen=True)
class Options:
    """What a user chooses when starting the stack.

    ``broker_url`` None means the embedded Redis. ``settings`` are ANTIPHON_ variables for every service, laid
    over those of the environment. ``services`` names those to run (a stack can lend its mongod and broker to
    workers elsewhere).
    """

    broker_url: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    services: tuple[str, ...] = tuple(name for name, _ in SERVICES)


class ForkServers:
    """Where the services of a stack's start begin; those that are started again later are started anew."""

    def __init__(self, services: Sequence[str]) -> None:
        """Fork what these services need. To be called before this process does anything else."""
        self._light: ForkServer | None = None
        self._torch: ForkServer | None = None
        if can_fork():
            stages = [COMMON, TORCH] if COMPUTING.intersection(services) else [COMMON]
            self._light, *rest = start_fork_servers(*stages)
            self._torch = rest[0] if rest else None

    def of(self, service: str) -> ForkServer | None:
        """The fork server that a service is to be forked from; None where there is none any more."""
        return self._torch if service in COMPUTING else self._light

    def close(self) -> None:
        """End them; what they have forked runs on."""
        for fork_server in (self._light, self._torch):
            if fork_server is not None:
                fork_server.close()
        self._light = self._torch = None


class Service(Program):
    """A module of ours, forked from a fork server while there is one."""

    fork_servers: ForkServers | None = None

    def fork_server(self) -> ForkServer | None:
        """Where it begins."""
        return self.fork_servers.of(self.name) if self.fork_servers is not None else None

    def launch(self) -> Process:
        """Begin a process, forked where that can be done."""
        if (fork_server := self.fork_server()) is not None:
            with suppress(OSError):
                return fork_server.start(self.argv[2:], self.log_path, self.env or {}, self.cwd or REPOSITORY)
        return super().launch()


def table(home: Home, options: Options, fork_servers: ForkServers | None = None) -> tuple[list[Entry], dict[str, str]]:
    """The rows in starting order, and the endpoint that callers use."""
    ports = home.ports()
    mongo = MongoServer(home.root / "mongo", ports["mongo"], password=home.secret("mongo"))
    mongo.program.log_path = home.logs / "mongod.log"
    entries = [Entry("mongod", mongo.program, mongo.ready, grace_s=30.0, prepare=mongo.secure)]
    broker_url = options.broker_url
    if broker_url is None:
        redis = RedisServer(home.root / "redis", ports["redis"], durable=True, password=home.secret("redis"))
        redis.program.log_path = home.logs / "redis.log"
        entries.append(Entry("redis", redis.program, redis.ready))
        broker_url = redis.url
    base = tuple(entry.name for entry in entries)
    settings = {
        "ANTIPHON_LOG_FORMAT": "console",
        **{name: value for name, value in os.environ.items() if name.startswith("ANTIPHON_")},
        # What the stack itself decides, unless told otherwise on its own command line.
        "ANTIPHON_MONGO_URL": mongo.url,
        "ANTIPHON_BROKER_URL": broker_url,
        "ANTIPHON_GATEWAY_HOST": LOOPBACK,
        "ANTIPHON_GATEWAY_PORT": str(ports["gateway"]),
        "ANTIPHON_WEB_HOST": LOOPBACK,
        "ANTIPHON_WEB_PORT": str(ports["web"]),
        "ANTIPHON_WEB_GATEWAYS": f"{LOOPBACK}:{ports['gateway']}",
        **options.settings,
    }
    if settings.get("ANTIPHON_ENGINE") == LLAMA_CPP and "generator" in options.services:
        server = _llama(home, ports["llama"], settings)
        entries.append(Entry("llama", server.program, server.ready))
        settings |= {
            "ANTIPHON_ENGINE": "upstream",
            "ANTIPHON_UPSTREAM_URLS": server.url,
            "ANTIPHON_UPSTREAM_KEY_FILE": str(server.key_file),
            "ANTIPHON_MAX_BATCH_SIZE": str(server.size.slots),
        }
    for name, module in SERVICES:
        if name in options.services:
            entries.append(_service(home, name, module, settings, base, ports["gateway"], fork_servers))
    if "gateway" in options.services:
        gateway = next(entry for entry in entries if entry.name == "gateway")
        gateway.prepare = lambda: ensure_key(home, settings)
    endpoint = {
        "address": f"{LOOPBACK}:{ports['gateway']}",
        "url": f"http://{LOOPBACK}:{ports['web']}",
        "mongo": mongo.url,
        "broker": broker_url,
    }
    return entries, endpoint


def _llama(home: Home, port: int, settings: Mapping[str, str]) -> LlamaServer:
    """llama.cpp's server of the model that the settings name; the bundled one where they name none. Raises
    ProgramError."""

    def number(name: str, default: int) -> int:
        if not (text := settings.get(name, "") or str(default)).isdecimal():
            raise ProgramError(f"{name} must be a whole number, not {text!r}")
        return int(text)

    model = Path(settings["ANTIPHON_MODEL"]) if settings.get("ANTIPHON_MODEL") else bundled_model()
    size = Size(
        number("ANTIPHON_MAX_BATCH_SIZE", SLOTS),
        number("ANTIPHON_CONTEXT_LIMIT", 0),
        number("ANTIPHON_COMPUTE_THREADS", 0),
    )
    server = LlamaServer(model, home.root / "llama", port, home.secret("llama"), size)
    server.program.log_path = home.logs / "llama.log"
    return server


def _service(
    home: Home,
    name: str,
    module: tuple[str, ...],
    settings: Mapping[str, str],
    base: tuple[str, ...],
    port: int,
    fork_servers: ForkServers | None,
) -> Entry:
    """One service's row. It is ready when it says so in its file; the gateway when its health says SERVING."""
    liveness = home.alive / name
    sign = ready_file(liveness)
    threads = str(os.cpu_count() or 1) if name in MANY_THREADS else "1"
    env = {
        **os.environ,
        "OMP_NUM_THREADS": threads,
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONUNBUFFERED": "1",
        **settings,
        "ANTIPHON_WORKER_NAME": name,
        "ANTIPHON_LIVENESS_FILE": str(liveness),
    }
    program = Service(name, [sys.executable, "-m", *module], home.logs / f"{name}.log", env, REPOSITORY)
    program.fork_servers = fork_servers
    ready: Callable[[], bool] = (lambda: serving(port)) if name == "gateway" else sign.exists

    def able() -> bool:
        fork_server = program.fork_server()
        return fork_server is None or fork_server.ready()

    return Entry(name, program, ready, after=base, able=able, grace_s=35.0, sign=sign)


def serving(port: int) -> bool:
    """Whether the gateway on this port says that it takes calls."""
    with grpc.insecure_channel(f"{LOOPBACK}:{port}") as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=0.5)
        except grpc.RpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def ensure_key(home: Home, settings: Mapping[str, str]) -> None:
    """Make the owner's API key if this database does not know the one in the home folder."""
    common = CommonSettings(mongo_url=settings["ANTIPHON_MONGO_URL"])
    store = Store(common, name="antiphon-supervisor", pool=2)
    try:
        store.prepare()
        if (known := home.api_key()) is not None:
            try:
                store.keys.authenticate(known)
                return
            except Unauthenticated:
                pass
        _, text = store.keys.create(TENANT, "operator", "owner of the embedded stack")
        home.save_api_key(text)
    finally:
        store.close()
