"""Runs a program that the kernel kills when the process that started it dies.

Called as ``python tether.py PARENT_PID PROGRAM ARGUMENTS…``. It sets the parent-death signal (Linux) and
becomes the program, so no process is left behind when a supervisor or a test run is killed with SIGKILL.
It imports nothing of the project: it has to start in a few milliseconds.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tether this process to its parent and exec the program; exit 127 if the parent is already gone."""
    parent, program = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:  # it died before the signal was set
        raise SystemExit(127)
    os.execvp(program[0], program)


if __name__ == "__main__":
    main()
