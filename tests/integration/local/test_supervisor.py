"""The supervisor keeps a table of programs running: real processes that die, dawdle and refuse to end."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from deploy.local.home import Home, StackRunning
from deploy.local.program import Program
from deploy.local.supervisor import Entry, Supervisor
from tests.support.processes import REPOSITORY
from tests.support.waiting import wait_until

PROGRAMS = Path(__file__).parents[2] / "support" / "programs"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


def entry(home: Home, name: str, script: str, after: tuple[str, ...] = (), grace_s: float = 5.0) -> Entry:
    sign = home.alive / name
    program = Program(name, [sys.executable, str(PROGRAMS / script), str(sign)], home.logs / f"{name}.log")
    return Entry(name, program, ready=sign.exists, after=after, grace_s=grace_s)


@contextmanager
def running(home: Home, *entries: Entry) -> Iterator[Supervisor]:
    supervisor = Supervisor(home, entries, {})
    thread = threading.Thread(target=supervisor.run, kwargs={"tick_s": 0.01})
    thread.start()
    try:
        yield supervisor
    finally:
        supervisor.stop()
        thread.join(20)


def stages(home: Home) -> dict[str, str]:
    if not home.status_file.exists():
        return {}
    return {row["name"]: row["stage"] for row in json.loads(home.status_file.read_text())["processes"]}


def test_a_program_starts_only_when_those_it_needs_are_ready(home: Home) -> None:
    first, second = entry(home, "first", "touches.py"), entry(home, "second", "touches.py", after=("first",))
    first.ready = lambda: (home.root / "go").exists()
    with running(home, first, second):
        wait_until(lambda: stages(home) == {"first": "starting", "second": "waiting"})
        (home.root / "go").touch()
        wait_until(lambda: stages(home) == {"first": "ready", "second": "ready"})


def test_what_is_killed_comes_back(home: Home) -> None:
    row = entry(home, "worker", "touches.py")
    with running(home, row) as supervisor:
        wait_until(supervisor.ready)
        before = row.program.pid
        row.program.kill()
        wait_until(lambda: row.restarts == 1 and supervisor.ready())
        assert row.program.pid not in (None, before)


def test_a_table_that_is_ready_is_left_alone_until_something_dies(home: Home) -> None:
    code = (
        "import sys, pathlib, threading; from deploy.local.home import Home; from deploy.local.program import Program;"
        "from deploy.local.supervisor import Entry, Supervisor;"
        "home = Home(pathlib.Path(sys.argv[1])); sign = home.alive / 'worker';"
        "program = Program('worker', [sys.executable, sys.argv[2], str(sign)], home.logs / 'worker.log');"
        "row = Entry('worker', program, ready=sign.exists, sign=sign);"
        "supervisor = Supervisor(home, [row], {}); rounds = [0];"
        "count = lambda _: (rounds.__setitem__(0, rounds[0] + 1), (home.root / 'rounds').write_text(str(rounds[0])));"
        "threading.Thread(target=lambda: (sys.stdin.read(), supervisor.stop()), daemon=True).start();"
        "supervisor.run(count, tick_s=0.01)"
    )
    argv = [sys.executable, "-c", code, str(home.root), str(PROGRAMS / "touches.py")]

    def rounds() -> int:
        return int((home.root / "rounds").read_text() or 0)

    def worker() -> dict[str, object]:
        return next(iter(json.loads(home.status_file.read_text())["processes"]))

    with subprocess.Popen(argv, stdin=subprocess.PIPE, cwd=REPOSITORY) as process:
        wait_until(lambda: stages(home) == {"worker": "ready"})
        before, seen = worker(), rounds()
        os.kill(int(str(before["pid"])), signal.SIGKILL)
        wait_until(lambda: stages(home) == {"worker": "backoff"}, timeout=1.5)  # sooner than its next look
        wait_until(lambda: stages(home) == {"worker": "ready"} and worker()["restarts"] == 1)
        assert rounds() > seen
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(20) == 0
    assert stages(home) == {"worker": "stopped"}


def test_what_dies_at_once_is_tried_more_and_more_slowly(home: Home) -> None:
    row = entry(home, "bad", "dies.py")
    with running(home, row):
        wait_until(lambda: row.restarts >= 1 and row.stage == "backoff")
        assert row.backoff_s >= 1.0
        assert row.program.returncode == 3
        assert "no use" in row.program.log()


def test_stopping_ends_dependants_first_and_kills_the_stubborn(home: Home) -> None:
    base = entry(home, "base", "touches.py")
    stubborn = entry(home, "stubborn", "stubborn.py", after=("base",), grace_s=0.3)
    ended: list[str] = []
    for row in (base, stubborn):
        _record_end(row, ended)
    with running(home, base, stubborn) as supervisor:
        wait_until(supervisor.ready)
    assert ended == ["stubborn", "base"]
    assert base.program.returncode == 0
    assert stubborn.program.returncode == -signal.SIGKILL
    assert stages(home) == {"base": "stopped", "stubborn": "stopped"}


def _record_end(row: Entry, ended: list[str]) -> None:
    stop: Callable[[float], int | None] = row.program.stop

    def recording(grace_s: float = 15.0) -> int | None:
        status = stop(grace_s)
        ended.append(row.name)
        return status

    row.program.stop = recording  # type: ignore[method-assign]


def test_programs_die_with_a_killed_supervisor(home: Home) -> None:
    code = (
        "import sys, pathlib; from deploy.local.program import Program;"
        "program = Program('x', [sys.executable, *sys.argv[1:]], pathlib.Path(sys.argv[2] + '.log'));"
        "program.start(); print(program.pid, flush=True); sys.stdin.read()"
    )
    sign = home.root / "sign"
    argv = [sys.executable, "-c", code, str(PROGRAMS / "stubborn.py"), str(sign)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=REPOSITORY) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        wait_until(sign.exists)
        os.kill(parent.pid, signal.SIGKILL)
    wait_until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)


def test_one_home_has_one_supervisor(home: Home) -> None:
    assert not home.running()
    with home.claimed():
        assert home.running()
        with pytest.raises(StackRunning, match="already runs"), home.claimed():
            pass
    assert not home.running()


def test_ports_stay_the_same_while_they_are_free(home: Home) -> None:
    assert home.ports() == home.ports()


def test_the_key_is_its_owners_alone(home: Home) -> None:
    home.save_api_key("secret")
    assert home.api_key() == "secret"
    assert home.key_file.stat().st_mode & 0o777 == 0o600
    assert home.root.stat().st_mode & 0o777 == 0o700


def test_waiting_for_a_program_that_died_shows_its_last_words(home: Home) -> None:
    row = entry(home, "bad", "dies.py")
    row.program.start()
    started = time.monotonic()
    with pytest.raises(RuntimeError, match="no use"):
        row.program.wait_ready(lambda: False, timeout_s=10)
    assert time.monotonic() - started < 9
