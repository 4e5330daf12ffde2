"""Who hurts the stack: faults of a seed, one after the other."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from services.verify.history import Fault, History
from services.verify.proxy import Proxy
from services.verify.world import World

WORKERS = ("gateway", "generator", "tracker", "knowledge")


@dataclass(frozen=True)
class Plan:
    """A fault to come: what, to whom, how many seconds after the beginning, and for how long."""

    kind: str
    targets: tuple[str, ...]
    at: float
    lasts: float


def plan(seed: int, kinds: tuple[str, ...], seconds: float, faults: int, *, broker: bool) -> list[Plan]:
    """The faults of a seed within so many seconds; the same seed, the same plan. ``broker``: it is ours to hurt."""
    rng = random.Random(seed)
    allowed = [kind for kind in kinds if broker or kind != "memory lost"]
    plans = []
    for number in range(faults):
        kind = allowed[(seed + number) % len(allowed)] if number == 0 else rng.choice(allowed)
        at = seconds * (number + rng.uniform(0.15, 0.6)) / faults
        plans.append(Plan(kind, _targets(rng, kind, broker), at, rng.uniform(0.5, 3.0)))
    return plans


def _targets(rng: random.Random, kind: str, broker: bool) -> tuple[str, ...]:
    workers = [f"{role}{number}" for role in WORKERS for number in (0, 1)]
    if kind in ("cut", "silence"):
        return (rng.choice(("way to mongod", "way to broker")),)
    if kind == "memory lost":
        return ("broker",)
    servers = ["mongod", "mongod", *(["broker", "broker"] if broker else [])]
    if kind == "two at once":
        role = rng.choice(WORKERS)
        return (f"{role}{rng.randint(0, 1)}", rng.choice([name for name in (*workers, "mongod") if role not in name]))
    return (rng.choice([*workers, *servers]),)


class Nemesis:
    """Carries a plan out beside the clients."""

    def __init__(self, world: World, history: History, plans: list[Plan]) -> None:
        self._world = world
        self._history = history
        self._plans = plans
        self.actions: dict[str, Callable[[Plan], None]] = {
            "kill": self._kill,
            "two at once": self._kill,
            "memory lost": self._kill,
            "stop": self._stop,
            "freeze": self._freeze,
            "cut": self._cut,
            "silence": self._silence,
        }

    def run(self) -> None:
        """Do all of it; called from the main thread, whose death the revived processes do not outlive."""
        began = time.monotonic()
        for fault in self._plans:
            time.sleep(max(0.0, began + fault.at - time.monotonic()))
            at = time.monotonic()
            self.actions[fault.kind](fault)
            self._history.add(Fault(fault.kind, " and ".join(fault.targets), at, time.monotonic()))

    def _kill(self, fault: Plan) -> None:
        for name in fault.targets:
            self._world.members[name].program.kill()
        time.sleep(fault.lasts)
        for name in fault.targets:
            self._world.revive(name)

    def _stop(self, fault: Plan) -> None:
        for name in fault.targets:
            self._world.members[name].program.stop(grace_s=20.0)
        time.sleep(fault.lasts)
        for name in fault.targets:
            self._world.revive(name)

    def _freeze(self, fault: Plan) -> None:
        for name in fault.targets:
            self._world.members[name].program.pause()
        time.sleep(fault.lasts)
        for name in fault.targets:
            self._world.members[name].program.resume()

    def _cut(self, fault: Plan) -> None:
        way = self._way(fault)
        way.cut()
        time.sleep(fault.lasts)
        way.heal()

    def _silence(self, fault: Plan) -> None:
        way = self._way(fault)
        way.freeze()
        time.sleep(fault.lasts)
        way.thaw()

    def _way(self, fault: Plan) -> Proxy:
        return self._world.proxies[0 if fault.targets[0].endswith("mongod") else 1]
