"""A series of backups in one folder, such as a volume that a scheduled job writes to: the newest are kept."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.common.clock import now
from services.common.errors import AntiphonError, FailedPrecondition, InvalidArgument
from services.common.store.backup import BackedUp, read_manifest, write_backup
from services.common.store.connection import Connection

_NAME = re.compile(r"backup-\d{8}T\d{6}Z")
_UNFINISHED = re.compile(r"\.backup-\d{8}T\d{6}Z\.unfinished")


def add_backup(connection: Connection, place: Path, keep: int) -> tuple[Path, BackedUp]:
    """Write ``place/backup-TIME`` (UTC), read it again as a restore would, and then delete all but the newest ``keep``.

    A backup that cannot be written or read deletes no other one, and a damaged one goes at once. Raises
    InvalidArgument (``keep`` below one, a damaged backup) and FailedPrecondition (another one is being written here,
    or what ``write_backup`` raises).
    """
    if keep < 1:
        raise InvalidArgument("keep", "at least one backup is kept")
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(place):
        for left in place.iterdir():
            if _UNFINISHED.fullmatch(left.name):
                shutil.rmtree(left)
        folder = place / f"backup-{now():%Y%m%dT%H%M%SZ}"
        done = write_backup(connection, folder)
        try:
            read_manifest(folder)
        except AntiphonError:
            shutil.rmtree(folder)
            raise
        for older in backups_in(place)[:-keep]:
            shutil.rmtree(older)
    return folder, done


def backups_in(place: Path) -> list[Path]:
    """The backups of a series, the oldest first; what else lies there is left out."""
    return sorted(path for path in place.iterdir() if _NAME.fullmatch(path.name) and path.is_dir())


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    handle = os.open(place / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FailedPrecondition(f"another backup is being written to {place}", reason="BACKUP_RUNS") from None
        yield
    finally:
        os.close(handle)
