"""What a run of the tests spends: wall and CPU seconds by kind of test, and the ten slowest, printed at its end.

CPU is that of the test's process and of its children, those that go on running included (on Linux: elsewhere they are
counted where they end). A detached stack is nobody's child, and is not counted.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_STARTED = pytest.StashKey[tuple[float, float]]()
_PROPERTY = "spent"


@dataclass
class Spent:
    """Seconds of some tests."""

    tests: int = 0
    wall: float = 0.0
    cpu: float = 0.0

    def add(self, wall: float, cpu: float) -> None:
        """Add a phase of a test."""
        self.wall += wall
        self.cpu += cpu


def _now() -> tuple[float, float]:
    times = os.times()
    return time.monotonic(), times.user + times.system + times.children_user + times.children_system + _running()


def _running() -> float:
    """The CPU seconds of the children that run, and of theirs that ended; as `os.times` has those of the ended."""
    ticks = 0
    for children in Path("/proc/self/task").glob("*/children"):
        for child in _read(children).split():
            # What follows the name: the state is the first field of it, user and system time the twelfth and so on.
            ticks += sum(map(int, _read(Path("/proc", child, "stat")).rpartition(")")[2].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK") if ticks else 0.0


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:  # it ended meanwhile
        return ""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Take the time at which a test begins."""
    item.stash[_STARTED] = _now()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put into each phase's report what it spent."""
    report = yield
    before, now = item.stash[_STARTED], _now()
    item.stash[_STARTED] = now
    report.user_properties = [*report.user_properties, (_PROPERTY, (now[0] - before[0], now[1] - before[1]))]
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the sums by kind (the folder below tests/) and the ten slowest tests."""
    kinds: defaultdict[str, Spent] = defaultdict(Spent)
    tests: defaultdict[str, Spent] = defaultdict(Spent)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if not isinstance(report, pytest.TestReport):
                continue
            # A phase's report has the figures of the phases before it as well; its own stand last.
            figures: list[Any] = [figure for name, figure in report.user_properties if name == _PROPERTY]
            if not figures:
                continue
            wall, cpu = map(float, figures[-1])
            kind = report.nodeid.split("/")[1]
            kinds[kind].add(wall, cpu)
            kinds[kind].tests += report.when == "call"
            tests[report.nodeid].add(wall, cpu)
    if not kinds:
        return
    terminalreporter.section("spent: seconds of wall and CPU")
    for kind, spent in sorted(kinds.items()):
        terminalreporter.line(f"{kind:12} {spent.tests:5} tests {spent.wall:8.1f} {spent.cpu:8.1f}")
    for nodeid, spent in sorted(tests.items(), key=lambda entry: -entry[1].wall)[:10]:
        terminalreporter.line(f"{spent.wall:8.1f} {spent.cpu:8.1f}  {nodeid}")
