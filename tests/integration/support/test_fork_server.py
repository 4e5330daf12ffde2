"""A process that is forked with its imports is as one that was started: its own environment, session, log and end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.processes import REPOSITORY, ModuleProcess, service_environment
from tests.support.waiting import wait_until

PROGRAMS = "tests.support.programs"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every process is started anew")


def process(folder: Path, name: str, *arguments: str, **settings: object) -> ModuleProcess:
    env = service_environment(settings)
    return ModuleProcess(name, f"{PROGRAMS}.{name}", *arguments, log_path=folder / "log", env=env)


def test_each_has_its_own_environment_session_log_and_exit_status(tmp_path: Path) -> None:
    for number in ("one", "two"):
        tells = process(tmp_path / number, "tells", "--number", number, worker_name=number)
        tells.start()
        pid = tells.pid
        wait_until(lambda: not tells.running())  # noqa: B023  (called in this round)
        assert tells.returncode == 3
        told = json.loads(tells.log())
        assert (told["pid"], told["session"], told["parent"]) == (pid, pid, os.getpid())
        assert (told["arguments"], told["folder"]) == (["--number", number], str(REPOSITORY))
        assert told["environment"] == tells.env


def test_each_is_paused_let_go_on_ended_and_killed_as_any_other(tmp_path: Path) -> None:
    sign = tmp_path / "sign"
    for name, grace, status in (("touches", 20, 0), ("stubborn", 0.1, -signal.SIGKILL)):
        forked = process(tmp_path / name, name, str(sign))
        forked.start()
        wait_until(sign.exists)
        forked.pause()
        assert forked.running()
        assert forked.stop(grace) == status
        sign.unlink()


def test_none_outlives_the_process_that_had_it_started(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from tests.integration.support.test_fork_server import process;"
        "forked = process(pathlib.Path(sys.argv[1]), 'stubborn', sys.argv[2]);"
        "forked.start(); print(forked.pid, flush=True); sys.stdin.read()"
    )
    sign = tmp_path / "sign"
    argv = [sys.executable, "-c", code, str(tmp_path), str(sign)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=REPOSITORY) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        wait_until(sign.exists)
        os.kill(parent.pid, signal.SIGKILL)
    wait_until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)


FORKS = (
    "import json, os, sys, pathlib; from deploy.local.fork_server import start_fork_servers;"
    "fork_servers = start_fork_servers(*json.loads(sys.argv[1]));"
    "born = []\n"
    "log = pathlib.Path(sys.argv[2])\n"
    "for number, fork_server in enumerate(fork_servers):\n"
    "    argv = ['tests.support.programs.tells', '--number', str(number)]\n"
    "    try:\n"
    "        born.append(fork_server.start(argv, log / str(number), dict(os.environ), pathlib.Path()))\n"
    "    except OSError:\n"
    "        born.append(None)\n"
    "[fork_server.close() for fork_server in fork_servers]\n"
    "print(json.dumps([one and [one.pid, one.wait(20)] for one in born]))\n"
    "import psutil; assert not psutil.Process().children()"
)


@pytest.mark.parametrize(("second", "expected"), [("decimal", [3, 3]), ("no_such_module", [3, None])])
def test_a_stacks_fork_servers_have_what_is_missing_started_otherwise(
    tmp_path: Path, second: str, expected: list[int | None]
) -> None:
    argv = [sys.executable, "-c", FORKS, json.dumps([["json"], [second]]), str(tmp_path)]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=REPOSITORY, timeout=60, check=True)
    born = json.loads(done.stdout)
    assert [one and one[1] for one in born] == expected
    told = json.loads((tmp_path / "0").read_text())
    assert told["pid"] == born[0][0]
    assert told["arguments"] == ["--number", "0"]
