"""A tiny service: touches the file it is given, then waits to be ended; exits 0 on SIGTERM."""

import signal
import sys
from pathlib import Path

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
Path(sys.argv[1]).touch()
print("touched", flush=True)
while True:
    signal.pause()
