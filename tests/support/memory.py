"""Folders in memory for the servers of a test run.

Every accepted turn waits for a sync of mongod's journal, and on a disk that others write to one in a hundred takes half
a second. What the tests measure and wait for is the software; a server that is killed keeps its files all the same.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.support import reaper

NEEDED = 4 * 2**30


def server_folder(factory: pytest.TempPathFactory, name: str) -> Path:
    """A new folder: in memory where there is enough of it and somebody to clean up, else where the factory makes it."""
    token = os.environ.get(reaper.TOKEN)
    if not token or not reaper.MEMORY.is_dir() or shutil.disk_usage(reaper.MEMORY).free < NEEDED:
        return factory.mktemp(name)
    own = reaper.memory_folder(token)
    own.mkdir(mode=0o700, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=own))
