"""A bad service: touches the file it is given and ignores SIGTERM."""

import signal
import sys
from pathlib import Path

signal.signal(signal.SIGTERM, signal.SIG_IGN)
Path(sys.argv[1]).touch()
while True:
    signal.pause()
