"""How fast feedback goes in: ``python -m bench.feedback [--lines 20000] [--large 0] [--json]``.

Over gRPC into a real gateway, mongod and fine-tune worker: lines accepted a second (sent in chunks of 1,000), lines
processed a second (an example or a refusal stored; rules only), and, with ``--large N``, the peak memory of gateway and
worker above idle while a file of N lines goes through.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import psutil
from antiphon.v1 import feedback_pb2
from rich.console import Console
from rich.table import Table

from tests.support.loop import Pipeline, pipeline

CHUNK = 1_000
WATCHED = ("gateway", "finetune")


def lines(count: int) -> Iterator[str]:
    """A file of corrections in the proto3 JSON form; every hundredth line is broken."""
    for n in range(count):
        if n % 100 == 99:
            yield "{not json"
            continue
        item = {
            "prompt": f"Where is parcel number {n} of my order?",
            "reply": "I do not know where it is, please wait.",
            "userId": f"user-{n % 5000}",
            "feedback": {"editedText": f"Parcel {n} left our warehouse and arrives on day {n % 28 + 1}."},
        }
        yield json.dumps(item)


class Peak(threading.Thread):
    """Watches the resident memory of processes."""

    def __init__(self, pids: dict[str, int]) -> None:
        super().__init__(daemon=True)
        self._processes = {name: psutil.Process(pid) for name, pid in pids.items()}
        self.idle = self._now()
        self.peak = dict(self.idle)
        self._ended = threading.Event()

    def _now(self) -> dict[str, float]:
        return {name: process.memory_info().rss / 2**20 for name, process in self._processes.items()}

    def run(self) -> None:
        while not self._ended.wait(0.05):
            for name, size in self._now().items():
                self.peak[name] = max(self.peak[name], size)

    def above_idle(self) -> dict[str, float]:
        """Megabytes by process."""
        self._ended.set()
        self.join()
        return {name: self.peak[name] - self.idle[name] for name in self.peak}


def send(pipe: Pipeline, count: int) -> tuple[str, float]:
    """Send a file; answers the import's id and the seconds until its last line was accepted."""
    feedback = pipe.client.feedback
    started = time.monotonic()
    opened = getattr(feedback.OpenImport(feedback_pb2.OpenImportRequest(name=f"{count} lines")), "import")
    chunk: list[feedback_pb2.ImportItem] = []
    first = 1
    for line in lines(count):
        chunk.append(feedback_pb2.ImportItem(json=line))
        if len(chunk) == CHUNK:
            feedback.AppendImport(feedback_pb2.AppendImportRequest(import_id=opened.id, first_line=first, items=chunk))
            first, chunk = first + CHUNK, []
    if chunk:
        feedback.AppendImport(feedback_pb2.AppendImportRequest(import_id=opened.id, first_line=first, items=chunk))
    feedback.CloseImport(feedback_pb2.CloseImportRequest(import_id=opened.id, total_lines=count))
    return opened.id, time.monotonic() - started


def measure(count: int, large: int, patience: float) -> dict[str, float]:
    """The figures. The large file's processing is watched for ``patience`` seconds at most."""
    with pipeline(generators=0) as pipe:
        send(pipe, CHUNK)  # warms the paths
        started = time.monotonic()
        import_id, seconds = send(pipe, count)
        pipe.processed(import_id, 3600)
        figures = {"accepted_per_s": count / seconds, "processed_per_s": count / (time.monotonic() - started)}
        if large:
            watched = {name: p.pid for p in pipe.services.started if (name := p.name.split()[0]) in WATCHED and p.pid}
            peak = Peak(watched)
            peak.start()
            import_id, seconds = send(pipe, large)
            with suppress(AssertionError):
                pipe.processed(import_id, patience)
            request = feedback_pb2.GetImportRequest(import_id=import_id)
            figures["large_accepted_per_s"] = large / seconds
            figures["large_processed"] = getattr(pipe.client.feedback.GetImport(request), "import").processed
            figures |= {f"peak_mb_above_idle_{name}": size for name, size in peak.above_idle().items()}
        return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=20_000, help="lines of the file that is timed")
    parser.add_argument("--large", type=int, default=0, help="lines of the file whose memory is measured; 0: none")
    parser.add_argument("--patience", type=float, default=36_000, help="seconds to wait for the large file's end")
    parser.add_argument("--json", action="store_true", help="print the figures as a last line of JSON")
    options = parser.parse_args()
    figures = measure(options.lines, options.large, options.patience)
    table = Table(title=f"{options.lines} lines of feedback, {platform.processor() or platform.machine()}")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value in figures.items():
        table.add_row(name, f"{value:,.0f}")
    Console().print(table)
    if options.json:
        context = {"lines": options.lines, "large": options.large, "python": platform.python_version()}
        sys.stdout.write(json.dumps({"figures": figures, "context": context}) + "\n")


if __name__ == "__main__":
    main()
