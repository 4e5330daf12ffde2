"""Leaves no process behind when a test run ends or is killed: a pytest plugin that starts a reaper.

Everything that a run starts inherits a token in its environment, daemons and detached stacks included. The reaper is a
process of its own that reads a pipe whose other end only the run's first process holds: when that process is gone,
however it went, the pipe ends and the reaper kills what still carries the token.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys

import pytest

from tests.support import reaper

_REAPER = pytest.StashKey[subprocess.Popen[bytes]]()


def pytest_configure(config: pytest.Config) -> None:
    """Start the reaper, in the run's first process alone: the workers of pytest-xdist inherit the token."""
    if hasattr(config, "workerinput") or sys.platform != "linux":
        return
    token = secrets.token_hex(8)
    os.environ[reaper.TOKEN] = token
    env = {name: value for name, value in os.environ.items() if name != reaper.TOKEN}
    config.stash[_REAPER] = subprocess.Popen(
        [sys.executable, "-S", reaper.__file__, token], stdin=subprocess.PIPE, env=env, start_new_session=True
    )


def pytest_unconfigure(config: pytest.Config) -> None:
    """Have the reaper end what is left, and wait for it."""
    process = config.stash.get(_REAPER, None)
    if process is not None and process.stdin is not None:
        process.stdin.close()
        process.wait()
