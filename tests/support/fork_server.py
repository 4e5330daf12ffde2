"""Services of tests begin as forks of a process that has imported what they import: no test pays for it again.

``python -m tests.support.fork_server SOCKET PARENT`` imports once and serves (`deploy.local.fork_server`). The
end-to-end tests, and those that count what a start imports, start their processes anew.
"""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from deploy.local.fork_server import ForkServer, can_fork, die_with, import_all, serve

IMPORTED = (
    "torch",
    "services.finetune.app",
    "services.gateway.app",
    "services.generator.app",
    "services.knowledge.app",
    "services.tracker.app",
    "services.web.app",
)

_fork_server: ForkServer | None = None
_making = threading.Lock()


def fork_server(env: Mapping[str, str]) -> ForkServer | None:
    """The fork server of this process, started when it is first asked for; None where there can be none."""
    global _fork_server
    if not can_fork():
        return None
    with _making:
        if _fork_server is None:
            _fork_server = _start(env)
        return _fork_server


def _start(env: Mapping[str, str]) -> ForkServer:
    """Start a process that serves; `env` is the environment that its imports see."""
    ours, theirs = socket.socketpair()
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, str(theirs.fileno()), str(os.getpid())],
        stdin=subprocess.DEVNULL,
        env={**env, "PYTHONUNBUFFERED": "1"},  # a forked process's output goes to its log at once
        cwd=Path(__file__).parents[2],
        pass_fds=[theirs.fileno()],
    )
    theirs.close()
    atexit.register(process.kill)
    return ForkServer(ours)


if __name__ == "__main__":
    orders, parent = socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])
    die_with(parent)
    import_all(IMPORTED)
    serve(orders, parent)
