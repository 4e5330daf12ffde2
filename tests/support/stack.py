"""A whole Antiphon for fault stories: real processes over one broker, made whole again before each story."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from pathlib import Path

from deploy.local.mongo import MongoServer
from deploy.local.ports import free_port
from deploy.local.program import Program
from services.common.bus import Bus
from services.common.settings import CommonSettings
from services.common.store import Store
from tests.support.brokers import Broker
from tests.support.callers import Caller
from tests.support.history import History, Told
from tests.support.processes import ModuleProcess, ServiceProcess, Services, service_environment
from tests.support.waiting import wait_until

# A hold on a turn that ends soon, for stories that do not measure how long the default one takes.
SHORT_LEASE = {"lease_seconds": 3, "renew_seconds": 0.5, "silent_seconds": 1}
STEP_MS = 25
_tenants = itertools.count(1)


class Stack:
    """Two gateways, a tracker and a knowledge worker that stories share; generators are each story's own."""

    def __init__(self, folder: Path, mongo: MongoServer, broker: Broker) -> None:
        """Nothing runs yet; `whole` starts it."""
        self.mongo = mongo
        self.broker = broker
        self.settings: dict[str, object] = {
            "mongo_url": mongo.url,
            "mongo_database": f"faults_{broker.kind}",
            "broker_url": broker.url,
        }
        self.services = Services(folder, self.settings)
        self.gateways: list[ServiceProcess] = []
        self.addresses: list[str] = []
        self.tracker: ServiceProcess | None = None
        self.knowledge: ServiceProcess | None = None
        self.folder = folder
        self._store: Store | None = None

    @property
    def kind(self) -> str:
        """The broker's kind: rabbitmq or redis."""
        return self.broker.kind

    @property
    def store(self) -> Store:
        """The store, as the test itself looks at it."""
        if self._store is None:
            self._store = Store(CommonSettings.model_validate(self.settings), name="faults")
            self._store.prepare()
        return self._store

    def whole(self) -> None:
        """Start what does not run and let go on what is paused; wait until all of it works."""
        self.mongo.program.resume()
        self.mongo.start()
        self.broker.resume()
        self.broker.start()
        if not self.gateways:
            self._begin()
        shared = [one for one in (*self.gateways, self.tracker, self.knowledge) if one is not None]
        for service in shared:
            service.resume()
            if not service.running():
                service.start()
        for service in shared:
            service.until_ready()

    def _begin(self) -> None:
        for _ in range(2):
            port = free_port()
            self.gateways.append(self.services.spawn("gateway", gateway_port=port))
            self.addresses.append(f"127.0.0.1:{port}")
        self.tracker = self.services.spawn("tracker", tracker="rules")
        self.knowledge = self.services.spawn("knowledge", "ground", ground_threads=1)

    def generator(self, **settings: object) -> ServiceProcess:
        """Start an echo generator that says a word every STEP_MS; the caller waits until it is ready."""
        given: dict[str, object] = {"engine": "echo", "echo_step_ms": STEP_MS, "reply_tokens": 8192}
        return self.services.spawn("generator", **{**given, **SHORT_LEASE, **settings})

    def close(self) -> None:
        """End everything; nothing of it is kept, so nothing is asked politely."""
        for process in self.services.started:
            process.kill()
        if self._store is not None:
            self._store.close()


class Story:
    """One fault story on a stack: its own tenant, users and generators."""

    def __init__(self, stack: Stack) -> None:
        """The stack is whole; no generator runs."""
        self.stack = stack
        self.tenant = f"tenant_{next(_tenants)}"
        self.history = History(stack.store, self.tenant)
        self.key = stack.store.keys.create(self.tenant, "operator", "story")[1]
        self.figures: list[tuple[str, str, float]] = []
        self._callers: list[Caller] = []
        self._own: list[ServiceProcess] = []
        self._programs: list[Program] = []

    def generators(self, count: int = 1, **settings: object) -> list[ServiceProcess]:
        """Start so many generators and wait until they work."""
        begun = [self.stack.generator(**settings) for _ in range(count)]
        self._own += begun
        return [generator.until_ready() for generator in begun]

    def callers(self, count: int, addresses: Sequence[str] = ()) -> list[Caller]:
        """So many users, each in a session of its own, at the first gateway (the second is their resort)."""
        made = [Caller(self.history, addresses or self.stack.addresses, self.key) for _ in range(count)]
        self._callers += made
        return made

    def program(self, module: str, **settings: object) -> Program:
        """Start a bad service of tests/support/programs in a stack's surroundings."""
        env = service_environment({**self.stack.settings, **SHORT_LEASE, **settings})
        log = self.stack.folder / f"{self.tenant}-{module}-{len(self._programs)}.log"
        program = ModuleProcess(module, f"tests.support.programs.{module}", log_path=log, env=env)
        self._programs.append(program)
        program.start()
        return program

    def spawn(self, name: str, *arguments: str, **settings: object) -> ServiceProcess:
        """Start another service for this story alone and wait until it works."""
        process = self.stack.services.spawn(name, *arguments, **settings)
        self._own.append(process)
        return process.until_ready()

    def kill(self, process: ServiceProcess) -> float:
        """kill -9; returns when (seconds of the monotonic clock)."""
        process.kill()
        return time.monotonic()

    @staticmethod
    def now() -> float:
        """Seconds of the monotonic clock that events are stamped with."""
        return time.monotonic()

    def wait_for_finished(self, told: Sequence[Told], timeout: float = 60.0) -> None:
        """Wait until the store has the ends of these turns, whether or not their clients know."""
        ids = [one.turn for one in told]
        turns = self.stack.store.turns
        wait_until(
            lambda: all(not turn.get("open") for turn in turns.read(self.tenant, ids)), timeout, "ends in the store"
        )

    def assert_answered(
        self, told: Sequence[Told], since: float, what: str, within: float, *, attempt: int = 0, stream: int = 0
    ) -> None:
        """The next text (of this attempt or stream, or a later one) came in time for all; reports the longest wait."""
        waits = [wait for one in told if (wait := one.first_token_after(since, attempt, stream)) is not None]
        if waits:
            self.measured(f"{what}: to the next token", max(waits))
            assert max(waits) <= within

    def bus(self) -> Bus:
        """A way to the broker, for messages that no service would send."""
        return Bus(self.stack.broker.url)

    def measured(self, what: str, figure: float) -> None:
        """Keep a figure for the end of the test run's output."""
        self.figures.append((what, self.stack.kind, figure))

    def check(self, timeout: float = 90.0) -> None:
        """Every turn ends, and what was seen and stored is what was promised."""
        self.history.wait_for_ends(timeout)
        self.history.check()

    def close(self) -> None:
        """End users and generators; what they leave in the broker is of ended turns."""
        for process in (*self._own, *self._programs):
            process.kill()
        for caller in self._callers:
            caller.close()
