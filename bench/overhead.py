"""What the platform adds to a turn: ``python -m bench.overhead [--json] [--broker rabbitmq|redis]``.

All services run as they do in production, with the ``echo`` engine in place of a model, no schema and an empty
knowledge base. One session measures latency, fifty measure throughput and CPU:

- ``added_ms``: from calling SendTurn to the first delta at the client, less the engine's own time to its first token;
- ``turns_per_s``: turns completed a second, the load generator on the same cores;
- ``cpu_ms_per_turn``: CPU of all processes but the load generator's, in the same run, by process.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import psutil
from antiphon.v1 import conversation_pb2 as pb
from antiphon.v1 import conversation_pb2_grpc as rpc

from deploy.local.mongo import MongoServer
from deploy.local.ports import free_port
from deploy.local.program import Program
from services.common.settings import CommonSettings
from services.common.store import Store
from tests.support.brokers import KINDS, Brokers, Kind
from tests.support.processes import REPOSITORY, Services

TEXT = "Where is my parcel and when will it arrive?"
TURNS_PER_SESSION = 10  # then the caller begins another conversation, as people do
RECORDS = REPOSITORY / "build" / "bench" / "overhead.json"


@dataclass
class Bench:
    """The processes under load and where to call them."""

    address: str
    key: str
    programs: dict[str, Program]
    services: Services

    def cpu_seconds(self) -> dict[str, float]:
        """CPU used so far by each program with all its children."""
        return {name: _cpu(program.pid) for name, program in self.programs.items() if program.pid}


def _cpu(pid: int) -> float:
    process = psutil.Process(pid)
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        times = one.cpu_times()
        total += times.user + times.system
    return total


@contextmanager
def running(kind: Kind, folder: Path, **generator: object) -> Iterator[Bench]:
    """The whole stack on a broker of this kind; ``generator`` are further settings of the echo generator."""
    with ExitStack() as ends:
        mongo = MongoServer(folder / "mongo")
        ends.callback(mongo.stop)
        mongo.start()
        brokers = Brokers(folder / "brokers")
        ends.callback(brokers.stop)
        broker = brokers.get(kind)
        settings: dict[str, object] = {
            "mongo_url": mongo.url,
            "mongo_database": "bench",
            "broker_url": broker.url,
        }
        services = Services(folder / "services", settings)
        ends.callback(services.stop)
        port = free_port()
        started = {
            "gateway": services.spawn("gateway", gateway_port=port),
            "tracker": services.spawn("tracker", tracker="rules"),
            "knowledge": services.spawn("knowledge", "ground"),
            "generator": services.spawn("generator", engine="echo", **generator),
        }
        for process in started.values():
            process.wait_for_log('"event": "ready"', timeout=120)
        store = Store(CommonSettings.model_validate(settings), pool=2)
        key = store.keys.create("bench", "operator", "bench")[1]
        store.close()
        server = broker.server
        assert server is not None, "the benchmark needs a broker of its own"
        programs: dict[str, Program] = {**started, "mongod": mongo.program, "broker": server.program}
        yield Bench(f"127.0.0.1:{port}", key, programs, services)


@dataclass
class Load:
    """What callers saw: one row a turn."""

    added_ms: list[float] = field(default_factory=list)
    total_ms: list[float] = field(default_factory=list)
    generation_ms: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


class Callers:
    """Sessions that talk without pause, each waiting for its reply before it goes on."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._metadata = (("authorization", f"Bearer {bench.key}"),)

    async def talk(self, sessions: int, seconds: float, warm_up: float) -> tuple[Load, dict[str, Any]]:
        """Load for so long; what was seen, and the CPU of each program in that time."""
        async with grpc.aio.insecure_channel(self._bench.address) as channel:
            stub = rpc.ConversationServiceStub(channel)
            ids = [await self._session(stub, number) for number in range(sessions)]
            over = time.perf_counter() + warm_up + seconds
            load, discarded = Load(), Load()
            begin = time.perf_counter() + warm_up

            def into() -> Load:
                return load if time.perf_counter() >= begin else discarded

            talking = [asyncio.create_task(self._one(stub, session, over, into)) for session in ids]
            await asyncio.sleep(warm_up)
            before, started = self._bench.cpu_seconds(), time.perf_counter()
            own = time.process_time()
            await asyncio.gather(*talking)
            elapsed = time.perf_counter() - started
            after = self._bench.cpu_seconds()
            turns = max(1, len(load.total_ms))
            cpu = {name: 1000 * (after[name] - before[name]) / turns for name in after}
            return load, {
                "sessions": sessions,
                "seconds": elapsed,
                "turns": len(load.total_ms),
                "failures": len(load.failures),
                "turns_per_s": len(load.total_ms) / elapsed,
                "cpu_ms_per_turn": sum(cpu.values()),
                "cpu_ms_by_process": cpu,
                "load_generator_cpu_ms_per_turn": 1000 * (time.process_time() - own) / turns,
            }

    async def _session(self, stub: Any, number: int) -> str:
        request = pb.CreateSessionRequest(user_id=f"user-{number}")
        answer = await stub.CreateSession(request, metadata=self._metadata, timeout=30)
        return str(answer.session.id)

    async def _one(self, stub: Any, session: str, over: float, into: Any) -> None:
        for number in itertools.count():
            if number % TURNS_PER_SESSION == TURNS_PER_SESSION - 1:
                session = await self._session(stub, number)
            if (started := time.perf_counter()) >= over:
                return
            first: float | None = None
            end: pb.TurnEvent | None = None
            request = pb.SendTurnRequest(session_id=session, text=TEXT)
            async for response in stub.SendTurn(request, metadata=self._metadata, timeout=120):
                kind = response.event.WhichOneof("event")
                if kind == "delta" and first is None:
                    first = time.perf_counter()
                end = response.event
            load = into()
            if end is None or end.WhichOneof("event") != "completed" or first is None:
                load.failures.append(str(end))
                continue
            own = end.completed.draft.usage.first_token_time
            load.added_ms.append(1000 * (first - started) - (own.seconds * 1000 + own.nanos / 1e6))
            load.total_ms.append(1000 * (time.perf_counter() - started))
            spent = end.completed.draft.usage.generation_time
            load.generation_ms.append(spent.seconds * 1000 + spent.nanos / 1e6)


def percentile(values: list[float], share: float) -> float:
    """The value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def measure(kind: Kind, options: argparse.Namespace) -> dict[str, Any]:
    """Both loads on one broker."""
    with tempfile.TemporaryDirectory(prefix="antiphon-bench-") as folder, running(kind, Path(folder)) as bench:
        callers = Callers(bench)
        alone, alone_run = asyncio.run(callers.talk(1, options.seconds, options.warm_up))
        crowd, crowd_run = asyncio.run(callers.talk(options.sessions, options.seconds, options.warm_up))
    return {
        "broker": kind,
        "one": {
            **alone_run,
            "added_ms_p50": percentile(alone.added_ms, 0.50),
            "added_ms_p99": percentile(alone.added_ms, 0.99),
            "turn_ms_p50": percentile(alone.total_ms, 0.50),
            "raw_added_ms": alone.added_ms,
        },
        "many": {
            **crowd_run,
            "added_ms_p50": percentile(crowd.added_ms, 0.50),
            "added_ms_p99": percentile(crowd.added_ms, 0.99),
            "raw_added_ms": crowd.added_ms,
        },
    }


def table(results: list[dict[str, Any]]) -> str:
    """The results for people."""
    lines = [f"{'broker':10}{'sessions':>9}{'added p50':>11}{'p99 ms':>8}{'turns/s':>9}{'CPU ms/turn':>13}  by process"]
    for result in results:
        for which in ("one", "many"):
            run = result[which]
            shares = ", ".join(f"{name} {ms:.1f}" for name, ms in sorted(run["cpu_ms_by_process"].items()))
            lines.append(
                f"{result['broker']:10}{run['sessions']:9}{run['added_ms_p50']:11.1f}{run['added_ms_p99']:8.1f}"
                f"{run['turns_per_s']:9.1f}{run['cpu_ms_per_turn']:13.1f}  {shares}"
            )
    return "\n".join(lines)


def figures(results: list[dict[str, Any]]) -> dict[str, float]:
    """The figures that are promised, on RabbitMQ (on what was measured where it was left out)."""
    chosen = next((one for one in results if one["broker"] == "rabbitmq"), results[0])
    return {
        "added_ms_p50": round(chosen["one"]["added_ms_p50"], 2),
        "added_ms_p99": round(chosen["one"]["added_ms_p99"], 2),
        "turns_per_s": round(chosen["many"]["turns_per_s"], 1),
        "cpu_ms_per_turn": round(chosen["many"]["cpu_ms_per_turn"], 2),
    }


def machine() -> dict[str, Any]:
    """Where and with what it was measured."""
    name = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    return {
        "cpu": name,
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[0],
        "python": platform.python_version(),
        "grpc": grpc.__version__,
        "text": TEXT,
        "turns_per_session": TURNS_PER_SESSION,
        "engine": "echo",
    }


def main() -> None:
    """Measure, print a table, keep the raw records."""
    parser = argparse.ArgumentParser(prog="python -m bench.overhead", description=__doc__)
    parser.add_argument("--broker", action="append", choices=KINDS, help="default: both")
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each load, after the warm-up")
    parser.add_argument("--warm-up", type=float, default=4.0)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON on the last line")
    parser.add_argument("--records", type=Path, default=RECORDS, help="where the raw records go")
    options = parser.parse_args()
    about = machine()
    results = [measure(kind, options) for kind in options.broker or KINDS]
    options.records.parent.mkdir(parents=True, exist_ok=True)
    options.records.write_text(json.dumps({"machine": about, "results": results, "figures": figures(results)}))
    print(f"{about['cpu']}, {about['cores']} cores, load {about['load_before']:.1f} before")
    print(table(results))
    if options.json:
        print(json.dumps({"figures": figures(results)}))
    failures = sum(one[which]["failures"] for one in results for which in ("one", "many"))
    if failures:
        sys.exit(f"{failures} turns did not complete")


if __name__ == "__main__":
    main()
