"""How many workers a load needs, and whether the model that says so is right: ``python -m bench.capacity``.

Few sessions measure what a turn costs: seconds at the generator, seconds elsewhere, CPU of every process. From that
``queueing`` predicts the turns a second of 1 to 4 generator workers; each number is then run for real (echo engine,
RabbitMQ, every other service once) and held against its prediction. After the run with three workers comes one in which
one is asked to go (SIGTERM, as a scale-down does) while all of them speak: turns that did not complete are counted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.overhead import Bench, Callers, machine, running
from bench.queueing import Station, closed_throughput, replicas_for, workers_for
from tests.support.processes import REPOSITORY, ServiceProcess

ROWS, WORDS, STEP_MS = 4, 20, 20.0
RECORDS = REPOSITORY / "build" / "bench" / "capacity.json"
PLANNED = (5, 20, 50, 100)


def calibrate(bench: Bench, options: argparse.Namespace) -> dict[str, Any]:
    """What one turn costs: seconds when nobody else is there, CPU in the company of as many as one worker speaks with
    (a step's events travel together, so that a lonely turn costs more), beyond what the processes use while idle."""
    before = sum(bench.cpu_seconds().values())
    time.sleep(options.seconds / 3)
    idle = (sum(bench.cpu_seconds().values()) - before) / (options.seconds / 3)
    load, run = asyncio.run(Callers(bench).talk(1, options.seconds / 2, options.warm_up))
    _, company = asyncio.run(Callers(bench).talk(2 * ROWS, options.seconds / 2, options.warm_up))
    total = sum(load.total_ms) / len(load.total_ms) / 1000
    generation = sum(load.generation_ms) / len(load.generation_ms) / 1000
    return {
        "idle_cores": idle,
        "turn_seconds": total,
        "generation_seconds": generation,
        "elsewhere_seconds": total - generation,
        "cpu_seconds": max(0.001, company["cpu_ms_per_turn"] / 1000 - idle * company["seconds"] / company["turns"]),
        "lonely_cpu_seconds": run["cpu_ms_per_turn"] / 1000,
        "caller_cpu_seconds": company["load_generator_cpu_ms_per_turn"] / 1000,
        "cpu_seconds_by_process": {name: ms / 1000 for name, ms in company["cpu_ms_by_process"].items()},
    }


def predict(cost: dict[str, Any], workers: int, sessions: int) -> float:
    """Turns a second: the rows of all generators, what idling leaves of the machine's cores, and a delay that nobody
    queues for."""
    cores = os.cpu_count() or 1
    own = cost["cpu_seconds"] + cost["caller_cpu_seconds"]
    cpu = own / max(0.1, 1 - cost["idle_cores"] / cores)
    stations = [
        Station("rows", cost["generation_seconds"], workers * ROWS),
        Station("cores", cpu, cores),
    ]
    return closed_throughput(stations, sessions, max(0.0, cost["elsewhere_seconds"] - cpu))


def measure(bench: Bench, options: argparse.Namespace) -> list[dict[str, Any]]:
    """A real run for each number of workers; with three, a second one in which one is taken away."""
    cost = calibrate(bench, options)
    rows: list[dict[str, Any]] = [{"cost": cost}]
    for workers in range(1, options.workers + 1):
        if workers > 1:
            name = f"generator-{workers}"
            started = bench.services.spawn(
                "generator",
                engine="echo",
                max_batch_size=ROWS,
                echo_tokens=WORDS,
                echo_step_ms=STEP_MS,
                worker_name=name,
            )
            bench.programs[name] = started.until_ready(60)
        load, run = asyncio.run(Callers(bench).talk(options.sessions, options.seconds, options.warm_up))
        rows.append(
            {
                "workers": workers,
                "predicted": predict(cost, workers, options.sessions),
                "measured": run["turns_per_s"],
                "failures": len(load.failures),
                "cpu_ms_per_turn": run["cpu_ms_per_turn"],
            }
        )
        if workers == 3:
            rows.append({"removed": asyncio.run(_remove_one(bench, options))})
    return rows


async def _remove_one(bench: Bench, options: argparse.Namespace) -> dict[str, Any]:
    """Load on three workers, one of which drains meanwhile and comes back afterwards."""
    going = bench.programs.pop("generator-3")  # its CPU cannot be read to the end
    assert isinstance(going, ServiceProcess)

    async def remove() -> None:
        await asyncio.sleep(options.warm_up + options.seconds / 3)
        going.terminate()

    removing = asyncio.create_task(remove())
    load, run = await Callers(bench).talk(options.sessions, options.seconds, options.warm_up)
    await removing
    status = await asyncio.to_thread(going.stop, 60)
    going.start()
    bench.programs["generator-3"] = going.until_ready(60)
    return {"turns": run["turns"], "lost": len(load.failures), "exit_status": status}


def plan(cost: dict[str, Any], wait: float) -> list[dict[str, Any]]:
    """Workers for arrivals that do not wait for each other, with the measured costs."""
    planned = []
    for arrivals in PLANNED:
        by_process = cost["cpu_seconds_by_process"]
        planned.append(
            {
                "turns_per_s": arrivals,
                "generators": workers_for(arrivals, cost["generation_seconds"], ROWS, wait),
                **{name: replicas_for(arrivals, by_process[name]) for name in ("gateway", "tracker", "knowledge")},
            }
        )
    return planned


def figures(rows: list[dict[str, Any]]) -> dict[str, float]:
    runs = {row["workers"]: row for row in rows if "workers" in row}
    removed = next((row["removed"] for row in rows if "removed" in row), {"lost": float("nan")})
    errors = {f"error_{n}_workers": round(run["predicted"] / run["measured"] - 1, 3) for n, run in runs.items()}
    gain = runs[3]["measured"] / runs[1]["measured"] if 3 in runs else float("nan")
    return {"gain_1_to_3_workers": round(gain, 2), "lost_when_one_goes": removed["lost"], **errors}


def main() -> None:
    """Measure, print tables, keep the raw records."""
    parser = argparse.ArgumentParser(prog="python -m bench.capacity", description=__doc__)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--sessions", type=int, default=36)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each run, after the warm-up")
    parser.add_argument("--warm-up", type=float, default=3.0)
    parser.add_argument("--wait", type=float, default=0.5, help="planned for: 95 %% of the turns wait less than this")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON on the last line")
    parser.add_argument("--records", type=Path, default=RECORDS, help="where the raw records go")
    options = parser.parse_args()
    about = machine() | {"rows": ROWS, "words": WORDS, "step_ms": STEP_MS, "sessions": options.sessions}
    settings = {"rows": ROWS, "echo_tokens": WORDS, "echo_step_ms": STEP_MS}
    with (
        tempfile.TemporaryDirectory(prefix="antiphon-bench-") as folder,
        running("rabbitmq", Path(folder), **settings) as bench,
    ):
        rows = measure(bench, options)
    cost = rows[0]["cost"]
    options.records.parent.mkdir(parents=True, exist_ok=True)
    options.records.write_text(json.dumps({"machine": about, "rows": rows, "figures": figures(rows)}))
    print(f"{about['cpu']}, {about['cores']} cores, load {about['load_before']:.1f} before")
    print(f"costs: {json.dumps({name: round(v, 4) for name, v in cost.items() if isinstance(v, float)})}")
    print(f"{'workers':>8}{'predicted':>11}{'measured':>10}{'error':>8}  turns/s")
    for row in rows:
        if "workers" in row:
            error = row["predicted"] / row["measured"] - 1
            print(f"{row['workers']:8}{row['predicted']:11.1f}{row['measured']:10.1f}{error:8.0%}")
        elif "removed" in row:
            print(f"one of three asked to go in mid-reply: {row['removed']}")
    print(f"workers for a load, 95 % of the turns waiting less than {options.wait} s:")
    for line in plan(cost, options.wait):
        print("  " + ", ".join(f"{name} {value}" for name, value in line.items()))
    if options.json:
        print(json.dumps({"figures": figures(rows)}))
    failures = sum(row.get("failures", 0) for row in rows)
    if failures:
        sys.exit(f"{failures} turns did not complete")


if __name__ == "__main__":
    main()
