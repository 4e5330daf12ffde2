"""A test run that is killed leaves no process behind, not even one that had detached itself."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.processes import REPOSITORY
from tests.support.waiting import wait_until

DETACHED = """
import subprocess, sys, pathlib, time

def test_something_long():
    code = "import os,time,pathlib;pathlib.Path(os.environ['MARK']).write_text(str(os.getpid()));time.sleep(600)"
    subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    subprocess.run(["sleep", "600"])
"""


def _ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_killed_run_takes_its_detached_processes_along(tmp_path: Path) -> None:
    (tmp_path / "test_long.py").write_text(DETACHED)
    mark = tmp_path / "mark"
    argv = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "-p", "tests.support.leftovers"]
    env = {**os.environ, "MARK": str(mark), "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'proto'}"}
    run = subprocess.Popen([*argv, str(tmp_path)], env=env, cwd=tmp_path, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: mark.exists() and mark.read_text(), timeout=60, message="the detached process")
        pid = int(mark.read_text())
        assert not _ended(pid)
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait()
    wait_until(lambda: _ended(pid), timeout=20, message="the end of what the run had started")
