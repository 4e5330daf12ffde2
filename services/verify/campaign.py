"""A campaign: one stack, and seed after seed of clients and faults on it, each judged by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pymongo import MongoClient

from services.verify.clients import PATIENCE, Client, Stubs
from services.verify.history import FAULTS, Finding, History
from services.verify.judge import Stored, judge
from services.verify.nemesis import Nemesis, plan
from services.verify.report import Seed
from services.verify.world import DATABASE, World


@dataclass(frozen=True)
class Options:
    """How much is done: seconds of a seed in which clients act, clients, faults of a seed, the kinds to choose from."""

    seconds: float = 14.0
    clients: int = 6
    faults: int = 2
    kinds: tuple[str, ...] = FAULTS
    broker_url: str = ""


def run(folder: Path, seeds: list[int], options: Options, say: Callable[[str], None] = lambda _: None) -> list[Seed]:
    """Run all seeds. Call it from the main thread: what it starts then ends with this process. Raises ProgramError."""
    world = World(folder, options.broker_url)
    try:
        say("starting mongod, the broker and two of every worker")
        world.start()
        return [_seed(world, number, options, say) for number in seeds]
    finally:
        world.close()


def _seed(world: World, number: int, options: Options, say: Callable[[str], None]) -> Seed:
    began, tenant, history, over = time.monotonic(), f"seed-{number}", History(), threading.Event()
    key = world.key(tenant)
    clients = [
        Client(f"s{number}c{index}", number, Stubs(world.addresses, key), history, over)
        for index in range(options.clients)
    ]
    for client in clients:
        client.start()
    plans = plan(number, options.kinds, options.seconds, options.faults, broker=world.redis is not None)
    Nemesis(world, history, plans).run()
    over.wait(max(0.0, began + options.seconds - time.monotonic()))
    over.set()
    for name in world.until_whole():
        history.add(Finding("unexpected", f"{name} ended by itself"))
    for client in clients:
        client.join(PATIENCE + 10)
        if client.is_alive():
            history.add(Finding("lost", f"{client.name} still waits"))
    _wait_for_ends(world, tenant)
    if not any(asked.turn for asked in history.asked):
        history.add(Finding("unexpected", "no turn was accepted, so that nothing was tried"))
    findings = judge(history, Stored.read(world.mongo.url, DATABASE, tenant))
    seed = Seed.of(number, history, findings, time.monotonic() - began)
    say(f"seed {number}: {', '.join(seed.faults)}; {seed.turns} turns, {len(findings)} findings, {seed.seconds:.0f} s")
    return seed


def _wait_for_ends(world: World, tenant: str, seconds: float = 60.0) -> None:
    """Wait until no turn is open; what still is then the judge finds."""
    deadline = time.monotonic() + seconds
    with MongoClient[dict[str, object]](world.mongo.url) as client:
        turns = client[DATABASE]["turns"]
        while turns.find_one({"tenant": tenant, "open": True}, ("_id",)) and time.monotonic() < deadline:
            time.sleep(0.1)
