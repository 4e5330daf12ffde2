"""The engine against its peers: ``python -m bench.engine [--json] [--quick] [--basis cpu]``.

SmolLM2-135M, prompts of made-up ids, 64 new tokens of every session; prefill and decode apart. Peers, asked in turn
with the engine in every round: transformers' `generate` on one batch (bf16), its continuous batching where it runs,
and llama.cpp in four formats, through a Python that has llama-cpp-python (``--llama-python``; ``pip install
llama-cpp-python`` in a venv of its own). The best of the rounds counts, for everyone.

``--basis wall`` (all cores, seconds by the clock) is what users feel and needs a quiet machine. ``--basis cpu`` runs
everyone on one thread and counts CPU seconds, which a busy machine hardly changes.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from bench.machine import bandwidth, describe, peak_operations
from bench.workers import Worker, WorkerFailed
from services.generator.settings import GeneratorSettings
from services.models.language_model import find_model

REPOSITORY = Path(__file__).parents[1]
NEW = 64
FOUR_BIT, FORMATS = ("Q4_0", "Q4_1", "Q4_K_M"), ("Q4_0", "Q4_1", "Q4_K_M", "Q8_0")
OURS = ("auto", "int8", "bf16")


@dataclass
class Row:
    """One program at one load: tokens a second of prefill and decode, best of the rounds."""

    program: str
    sessions: int
    prompt: int
    prefill: float = 0.0
    decode: float = 0.0
    note: str = ""


@dataclass
class Table:
    """All rows by (program, sessions, prompt)."""

    basis: str
    rows: dict[tuple[str, int, int], Row] = field(default_factory=dict)

    def add(self, program: str, sessions: int, prompt: int, answer: dict[str, Any]) -> None:
        """Take in a measurement."""
        row = self.rows.setdefault((program, sessions, prompt), Row(program, sessions, prompt))
        unit = "_cpu_s" if self.basis == "cpu" else "_s"
        if answer.get("prefill" + unit):
            row.prefill = max(row.prefill, sessions * prompt / answer["prefill" + unit])
        if answer["decode" + unit] > 0:
            row.decode = max(row.decode, sessions * NEW / answer["decode" + unit])
        row.note = str(answer.get("kernel", ""))

    def decode(self, program: str, sessions: int, prompt: int) -> float:
        """Decode tokens a second, 0 where it did not run."""
        row = self.rows.get((program, sessions, prompt))
        return row.decode if row else 0.0

    def best(self, programs: tuple[str, ...], prompt: int, sessions: int = 0) -> float:
        """The best decode figure of several programs, over all loads or at one."""
        fitting = (r.decode for r in self.rows.values() if r.program in programs and r.prompt == prompt)
        if sessions:
            fitting = (self.decode(p, sessions, prompt) for p in programs)
        return max(fitting, default=0.0)


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="print figures and context as a last line")
    parser.add_argument("--quick", action="store_true", help="one round, 1 and 32 sessions")
    parser.add_argument("--basis", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--sessions", type=int, nargs="+", help="instead of 1 8 16 32")
    parser.add_argument("--prompts", type=int, nargs="+", default=[64, 512])
    parser.add_argument("--only", nargs="+", default=[""], help="programs whose name contains one of these")
    parser.add_argument("--no-extras", action="store_true", help="leave fusion heads, adapters out")
    parser.add_argument("--extra-rounds", type=int, default=5, help="rounds of those; medians count")
    parser.add_argument("--llama-python", default=sys.executable, help="a Python with llama-cpp-python")
    options = parser.parse_args()
    threads = 1 if options.basis == "cpu" else torch.get_num_threads()
    sessions = options.sessions or ((1, 32) if options.quick else (1, 8, 16, 32))
    settings = GeneratorSettings()
    folder = find_model(settings.model, settings.cache_dir)
    table = Table(options.basis)
    failures: dict[str, str] = {}
    workers = {
        "ours": Worker([sys.executable, "-m", "bench.subject"], REPOSITORY),
        "transformers": Worker([sys.executable, "-m", "bench.peer_transformers"], REPOSITORY),
        "continuous": Worker([sys.executable, "-m", "bench.peer_transformers"], REPOSITORY),
        "llama.cpp": Worker([options.llama_python, "bench/peer_llamacpp.py"], REPOSITORY),
    }
    with tempfile.TemporaryDirectory() as scratch:
        for _ in range(1 if options.quick else options.rounds):
            for prompt in options.prompts:
                for count in sessions:
                    _round(table, failures, workers, folder, scratch, prompt, count, threads, options.only)
    extras = {} if options.no_extras else _extras(table, workers["ours"], threads, options.extra_rounds)
    for worker in workers.values():
        worker.close()
    torch.set_num_threads(threads)
    floors = {"bandwidth": bandwidth()} | {k: peak_operations(k, settings.cache_dir) for k in ("int4", "int8", "bf16")}
    _print(table, failures, floors, extras)
    if options.json:
        context = describe() | {"basis": options.basis, "threads": threads, "failures": failures, "floors": floors}
        context["rows"] = [vars(row) for row in table.rows.values()]
        print(json.dumps({"figures": _figures(table) | extras, "context": context}))


def _round(
    table: Table,
    failures: dict[str, str],
    workers: dict[str, Worker],
    folder: Path,
    scratch: str,
    prompt: int,
    count: int,
    threads: int,
    only: list[str],
) -> None:
    """Everyone once at one load."""
    common: dict[str, Any] = {"sessions": count, "prompt": prompt, "new": NEW, "threads": threads}
    questions: list[tuple[str, str, dict[str, Any]]] = [
        *((f"antiphon {kernel}", "ours", {"kernel": kernel}) for kernel in OURS),
        ("generate bf16", "transformers", {"folder": str(folder), "how": "generate", "dtype": "bfloat16"}),
        ("continuous bf16", "continuous", {"folder": str(folder), "how": "continuous", "dtype": "bfloat16"}),
        *((f"llama.cpp {f}", "llama.cpp", {"file": _gguf(), "form": f, "folder": scratch}) for f in FORMATS),
    ]
    for program, worker, question in questions:
        if program in failures or not any(part in program for part in only):
            continue
        try:
            limit = 30.0 if worker == "continuous" else 300.0
            table.add(program, count, prompt, workers[worker].ask(limit, **common, **question))
            row = table.rows[program, count, prompt]
            print(f"{program} {count} {prompt}: {row.prefill:.0f} {row.decode:.0f}", file=sys.stderr, flush=True)
        except (WorkerFailed, BrokenPipeError) as reason:
            failures[program] = str(reason)


def _extras(table: Table, ours: Worker, threads: int, rounds: int) -> dict[str, float]:
    """What fusion heads (fixed vectors, and vectors that follow the draft) and two adapters in one batch cost at 32
    sessions: share of throughput lost at prompt 64, from the medians of rounds in
    which the arms take turns."""
    unit = "decode_cpu_s" if table.basis == "cpu" else "decode_s"
    arms: dict[str, dict[str, Any]] = {
        "off": {},
        "fusion": {"fusion": True},
        "followed": {"followed": True},
        "adapters": {"adapters": 2},
    }
    seconds: dict[str, list[float]] = {arm: [] for arm in arms}
    for _ in range(rounds):
        for arm, more in arms.items():
            question: dict[str, Any] = {"kernel": "auto", "sessions": 32, "prompt": 64, "new": NEW} | more
            seconds[arm].append(ours.ask(threads=threads, **question)[unit])
    middle = {arm: statistics.median(found) for arm, found in seconds.items()}
    print({arm: [round(s, 3) for s in found] for arm, found in seconds.items()}, file=sys.stderr)
    compared = {"fusion": "off", "followed": "off", "adapters": "off"}
    return {f"{arm}_throughput_lost": 1 - middle[off] / middle[arm] for arm, off in compared.items()}


def _figures(table: Table) -> dict[str, float]:
    llama = tuple(f"llama.cpp {f}" for f in FORMATS)
    four_bit = tuple(f"llama.cpp {f}" for f in FOUR_BIT)
    pairs = {
        "sessions1_vs_llamacpp": (table.decode("antiphon auto", 1, 64), table.best(four_bit, 64, 1)),
        "sessions32_vs_llamacpp_best": (table.decode("antiphon auto", 32, 64), table.best(llama, 64)),
        "sessions32_vs_generate": (table.decode("antiphon auto", 32, 64), table.decode("generate bf16", 32, 64)),
        "sessions32_bf16_vs_generate": (table.decode("antiphon bf16", 32, 64), table.decode("generate bf16", 32, 64)),
        "sessions32_p512_vs_llamacpp_best": (table.decode("antiphon auto", 32, 512), table.best(llama, 512)),
    }
    return {name: mine / theirs for name, (mine, theirs) in pairs.items() if mine and theirs}


def _print(table: Table, failures: dict[str, str], floors: dict[str, float], extras: dict[str, float]) -> None:
    unit = "tokens a core-second" if table.basis == "cpu" else "tokens a second"
    print(f"{'program':24}{'sessions':>9}{'prompt':>8}{'prefill':>10}{'decode':>10}{'floor':>10}   ({unit})")
    for row in sorted(table.rows.values(), key=lambda r: (r.prompt, r.sessions, r.program)):
        floor = _floor(row, floors)
        shown = f"{floor:10.0f}" if floor else " " * 10
        name = f"{row.program} {row.note}".strip()
        print(f"{name:33}{row.sessions:>4}{row.prompt:>8}{row.prefill:>10.0f}{row.decode:>10.0f}{shown}")
    for program, reason in failures.items():
        print(f"{program}: did not run: {reason}")
    for name, value in (_figures(table) | extras).items():
        print(f"{name}: {value:.2f}")


def _floor(row: Row, floors: dict[str, float]) -> float:
    """Decode tokens a second if nothing but bytes over bandwidth or operations over peak took time (SmolLM2-135M)."""
    kernel = next((k for k in ("int4", "int8", "bf16") if k in row.note), None)
    if kernel is None:
        return 0.0
    layers, head = 106.2e6, 28.3e6
    bits = {"int4": 5.0, "int8": 8.5, "bf16": 16.0}[kernel]
    head_bits = 8.5 if kernel == "int4" else bits
    cache = row.sessions * (row.prompt + NEW / 2) * 2 * 30 * 3 * 64 * 2
    read = (layers * bits + head * head_bits) / 8 + cache
    operations = row.sessions * (layers + head)
    return row.sessions / max(read / floors["bandwidth"], operations / floors[kernel])


def _gguf() -> str:
    """The bundled model's own file, which llama.cpp reads as it is."""
    from services.models.language_model import bundled_file

    return str(bundled_file())


if __name__ == "__main__":
    main()
