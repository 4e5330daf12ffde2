"""What a stack takes while nobody talks to it: ``python -m bench.footprint [--tree DIR …] [--json]``.

The embedded stack runs in a home of its own, made for it, once for every tree (another checkout to compare with; this
one where none is named), one after the other. Of each:

- ``first_reply_s``: from the supervisor's start to the end of the first reply, in an empty home; ``again_s``: at the
  second start, with ``again_cpu_s`` of CPU by then, which a busy machine changes little. The model has been converted
  before, as once on every machine.
- ``rss_mb``, ``pss_mb``: of all processes of the stack: "idle" after the second start, after ten "turns" on documents,
  and after a "training" on twelve corrections (of a few steps, with few rehearsals: what it takes of memory and disk is
  the same). RSS counts a page that processes share once for each of them, PSS once.
- ``peak_mb``: the highest PSS during the training.
- ``cpu_percent``: of one core, all processes, over a minute without a call.
- ``disk_mb``: the home folder, before and after the training and ninety seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psutil
from antiphon.client import Client, Unavailable
from antiphon.v1 import conversation_pb2, feedback_pb2, model_pb2
from antiphon.v1.common_pb2 import DecodingSettings

from bench.machine import cpu_name
from deploy.local.home import Home
from services.cli.documents import choose, ingest
from services.cli.scripts import ENGLISH

HERE = Path(__file__).resolve().parents[1]
TURNS = (
    "Hello! How much does the Family plan cost?",
    "What does a red light on the router mean?",
    "How long is the trial period?",
    "Which plan is the fastest?",
    "What does it cost to cancel?",
    "When is the hotline open?",
    "Can I keep my telephone number?",
    "How do I reset the router?",
    "Do you have a plan for students?",
    "Thank you, that was all.",
)
CORRECTIONS = tuple(
    (f"Who looks after the {place} branch?", f"{person} looks after it.")
    for place, person in zip(
        "Alder Birch Cedar Dogwood Elm Fir Gorse Hazel Ivy Juniper Larch Maple".split(),
        "Ada Bert Cleo Dan Eve Finn Gina Hugo Ida Jonas Kira Liam".split(),
        strict=True,
    )
)
SHORT = {"ANTIPHON_REHEARSALS": "16", "ANTIPHON_JUDGED_REPLIES": "16"}
STEPS = 24
AFTER_TRAINING_S = 90.0  # a database gives its journal back at its next checkpoint
SINGLE = ("first_reply_s", "again_s", "again_cpu_s", "peak_mb", "training_s")
T = TypeVar("T")


@dataclass
class Look:
    """Memory of all processes at one moment, megabytes by process."""

    rss: dict[str, float] = field(default_factory=dict)
    pss: dict[str, float] = field(default_factory=dict)

    def total(self) -> tuple[float, float]:
        """(RSS, PSS) of all."""
        return sum(self.rss.values()), sum(self.pss.values())


class Stack:
    """One tree's stack in one home."""

    def __init__(self, tree: Path, home: Path) -> None:
        self.tree = tree
        self.home = Home(home)
        self._supervisor: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the supervisor, by the code of the tree; returns at once."""
        self.home.prepare()
        self.home.status_file.unlink(missing_ok=True)
        paths = os.pathsep.join((str(self.tree), str(self.tree / "proto")))
        with (self.home.logs / "supervisor.log").open("ab") as log:
            self._supervisor = subprocess.Popen(
                [sys.executable, "-m", "deploy.local", "--home", str(self.home.root)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.tree,
                env={**os.environ, **SHORT, "PYTHONPATH": paths},
            )

    def stop(self) -> None:
        """End it as its user would."""
        if self._supervisor is not None:
            self._supervisor.terminate()
            self._supervisor.wait(120)
            self._supervisor = None

    @contextmanager
    def client(self) -> Iterator[Client]:
        """A client of the owner's, once there is a gateway and a key."""
        status = wait(lambda: self.home.api_key() and self.home.status(), 300, "no gateway came")
        assert status
        with Client(status["endpoint"]["address"], key=self.home.api_key() or "") as client:
            yield client

    def processes(self) -> Iterator[tuple[str, psutil.Process]]:
        """All processes by the names of the stack's table; what a program started counts as its own."""
        assert self._supervisor is not None
        yield "supervisor", psutil.Process(self._supervisor.pid)
        for row in (self.home.status() or {"processes": []})["processes"]:
            if row["pid"]:
                process = psutil.Process(row["pid"])
                yield row["name"], process
                for child in process.children(recursive=True):
                    yield row["name"], child

    def look(self) -> Look:
        """Memory by process now."""
        look = Look()
        for name, process in self.processes():
            try:
                memory = process.memory_full_info()
            except psutil.NoSuchProcess:
                continue
            look.rss[name] = look.rss.get(name, 0.0) + memory.rss / 2**20
            look.pss[name] = look.pss.get(name, 0.0) + memory.pss / 2**20
        return look

    def cpu(self) -> dict[str, float]:
        """Seconds of CPU used so far by process."""
        used: dict[str, float] = {}
        for name, process in self.processes():
            times = process.cpu_times()
            used[name] = used.get(name, 0.0) + times.user + times.system
        return used

    def disk(self) -> dict[str, float]:
        """Megabytes on disk below the home by its first folders."""
        sizes: dict[str, float] = {}
        for file in self.home.root.rglob("*"):
            try:
                if file.is_file():
                    part = "/".join(file.relative_to(self.home.root).parts[:-1][:3]) or "."
                    sizes[part] = sizes.get(part, 0.0) + file.stat().st_blocks * 512 / 2**20
            except FileNotFoundError:
                continue
        return sizes


class Peak:
    """Looks at a stack's memory again and again in a thread of its own; `pss` is the highest sum seen."""

    def __init__(self, stack: Stack) -> None:
        self.pss = 0.0
        self._stack = stack
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(1.0):
            try:
                self.pss = max(self.pss, self._stack.look().total()[1])
            except psutil.NoSuchProcess:
                continue


def wait(ready: Callable[[], T], seconds: float, message: str) -> T:
    """The first true answer. Raises RuntimeError after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := ready()):
        if time.monotonic() > deadline:
            raise RuntimeError(f"{message} within {seconds:.0f} s")
        time.sleep(0.05)
    return found


def first_reply(stack: Stack) -> float:
    """Start the stack and ask until it answers: seconds to the end of the first reply."""
    started = time.monotonic()
    stack.start()
    with stack.client() as client:
        while True:
            try:
                request = conversation_pb2.CreateSessionRequest(user_id="first")
                session = client.conversations.CreateSession(request, timeout=2).session
                break
            except Unavailable:
                if time.monotonic() > started + 300:
                    raise
        client.send(session.id, TURNS[0], settings=DecodingSettings(max_tokens=24)).result()
    taken = time.monotonic() - started
    wait(lambda: _all_ready(stack), 300, "not everything was ready")
    return taken


def _all_ready(stack: Stack) -> bool:
    status = stack.home.status()
    return status is not None and all(row["stage"] == "ready" for row in status["processes"])


def idle_cpu(stack: Stack, seconds: float) -> dict[str, float]:
    """Percent of a core by process over so many seconds without a call."""
    before = stack.cpu()
    started = time.monotonic()
    time.sleep(seconds)
    elapsed = time.monotonic() - started
    return {name: 100 * (used - before.get(name, 0.0)) / elapsed for name, used in stack.cpu().items()}


def talk(client: Client) -> None:
    """Ten turns on the demonstration's documents, in one session."""
    ingest(client, choose([ENGLISH.folder]).files, show=False)
    request = conversation_pb2.CreateSessionRequest(user_id="talker", system_text=ENGLISH.system)
    session = client.conversations.CreateSession(request).session
    for text in TURNS:
        client.send(session.id, text, settings=DecodingSettings(max_tokens=40)).result()


def train(client: Client, seconds: float) -> model_pb2.Training:
    """Import the corrections and train on them, to the end."""
    lines = [
        json.dumps({"prompt": asked, "reply": "I do not know.", "userId": "reviewer", "feedback": {"editedText": said}})
        for asked, said in CORRECTIONS
    ]
    opened = getattr(client.feedback.OpenImport(feedback_pb2.OpenImportRequest(name="corrections")), "import")
    items = [feedback_pb2.ImportItem(json=line) for line in lines]
    client.feedback.AppendImport(feedback_pb2.AppendImportRequest(import_id=opened.id, first_line=1, items=items))
    client.feedback.CloseImport(feedback_pb2.CloseImportRequest(import_id=opened.id, total_lines=len(lines)))
    request = feedback_pb2.GetImportRequest(import_id=opened.id)

    def done() -> bool:
        found = getattr(client.feedback.GetImport(request), "import")
        return bool(found.status == feedback_pb2.IMPORT_STATUS_DONE)

    wait(done, 60, "the import was not processed")
    begin = model_pb2.StartTrainingRequest(settings=model_pb2.TrainingSettings(max_steps=STEPS))
    training = client.models.StartTraining(begin).training
    watched = model_pb2.WatchTrainingRequest(training_id=training.id)
    last = training
    for answer in client.models.WatchTraining(watched, timeout=seconds):
        last = answer.training
    if last.status != model_pb2.TRAINING_STATUS_COMPLETED:
        raise RuntimeError(f"the training did not complete: {last.error}")
    return last


def measure(tree: Path, options: argparse.Namespace) -> dict[str, Any]:
    """One tree's figures."""
    with tempfile.TemporaryDirectory(prefix="antiphon-footprint-") as folder:
        stack = Stack(tree, Path(folder) / "home")
        try:
            return _measure(stack, options)
        except Exception:
            for log in stack.home.logs.glob("*.log"):
                print(f"== {log.name}\n{log.read_text(errors='replace')[-1500:]}", file=sys.stderr)
            raise
        finally:
            stack.stop()


def _measure(stack: Stack, options: argparse.Namespace) -> dict[str, Any]:
    def tell(text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {stack.tree.name}: {text}", file=sys.stderr, flush=True)

    found: dict[str, Any] = {"first_reply_s": first_reply(stack)}
    stack.stop()
    found["again_s"] = first_reply(stack)
    found["again_cpu_s"] = sum(stack.cpu().values())
    tell(f"first reply after {found['first_reply_s']:.1f} s, again after {found['again_s']:.1f} s")
    time.sleep(options.settle)
    found["cpu"] = idle_cpu(stack, options.seconds)
    looks = {"idle": stack.look()}
    tell("idle looked at")
    with stack.client() as client:
        talk(client)
        time.sleep(options.settle)
        looks["turns"] = stack.look()
        found["disk"] = {"turns": stack.disk()}
        tell("turns looked at")
        if not options.no_training:
            with Peak(stack) as peak:
                started = time.monotonic()
                train(client, options.training_seconds)
                found["training_s"] = time.monotonic() - started
            found["peak_mb"] = peak.pss
            found["disk"]["trained"] = stack.disk()
            time.sleep(AFTER_TRAINING_S)
            looks["training"] = stack.look()
            found["disk"]["training"] = stack.disk()
            found["cpu_after"] = idle_cpu(stack, options.seconds)
            tell("training looked at")
    found["rss"] = {name: look.rss for name, look in looks.items()}
    found["pss"] = {name: look.pss for name, look in looks.items()}
    return found


def figures(found: dict[str, Any]) -> dict[str, float]:
    """One tree's sums."""
    sums = {name: found[name] for name in SINGLE if name in found}
    sums["cpu_percent"] = sum(found["cpu"].values())
    if "cpu_after" in found:
        sums["cpu_after_training_percent"] = sum(found["cpu_after"].values())
    for kind in ("rss", "pss"):
        sums |= {f"{when}_{kind}_mb": sum(by.values()) for when, by in found[kind].items()}
    sums |= {f"{when}_disk_mb": sum(by.values()) for when, by in found["disk"].items()}
    return {name: round(value, 1) for name, value in sums.items()}


def table(found: dict[str, Any]) -> str:
    """One tree's figures for people: a line a process."""
    whens = list(found["rss"])
    lines = [f"{'MB, RSS / PSS':16}" + "".join(f"{when:>15}" for when in whens) + f"{'CPU %':>8}"]
    for name in found["rss"][whens[0]]:
        cells = (f"{found['rss'][when].get(name, 0):7.0f} /{found['pss'][when].get(name, 0):6.0f}" for when in whens)
        lines.append(f"{name:16}" + "".join(cells) + f"{found['cpu'].get(name, 0):8.2f}")
    lines += [f"{name}: {value:.1f}" for name, value in figures(found).items()]
    for when, sizes in found["disk"].items():
        parts = sorted(sizes.items(), key=lambda item: -item[1])[:4]
        lines.append(f"disk, {when}: " + ", ".join(f"{part} {size:.0f} MB" for part, size in parts))
    return "\n".join(lines)


def main() -> None:
    """Measure each tree and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.footprint", description=__doc__)
    parser.add_argument("--tree", type=Path, action="append", help="a checkout; several are measured in turn")
    parser.add_argument("--seconds", type=float, default=60.0, help="of watching the idle CPU")
    parser.add_argument("--settle", type=float, default=20.0, help="seconds of rest before a look")
    parser.add_argument("--no-training", action="store_true", help="leave the training out")
    parser.add_argument("--training-seconds", type=float, default=1800.0, help="the longest a training may take")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON on the last line")
    options = parser.parse_args()
    print(f"{cpu_name()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before")
    sums: dict[str, Any] = {}
    for tree in [one.resolve() for one in options.tree or [HERE]]:
        found = measure(tree, options)
        print(f"\n{tree.name}\n{table(found)}", flush=True)
        sums[tree.name] = figures(found)
    if options.json:
        print(json.dumps({"figures": next(iter(sums.values())) if len(sums) == 1 else sums}))


if __name__ == "__main__":
    main()
