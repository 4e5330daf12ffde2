"""The database's clock, as every process of an installation reads it.

Deadlines, leases and the order of facts are compared between processes whose own clocks differ. MongoDB tells its time
in every heartbeat (see `services.common.store.connection`); from then on a process counts by its monotonic clock, which
no correction of its wall clock moves. Until the first heartbeat the process's own clock has to do.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta


class Clock:
    """A clock that is told the time now and then."""

    def __init__(self) -> None:
        """Nothing was told yet: `now` answers the wall clock's time."""
        self._lock = threading.Lock()
        self._told: tuple[datetime, float] | None = None

    def tell(self, moment: datetime) -> None:
        """It is `moment` (UTC) now."""
        with self._lock:
            self._told = (moment, time.monotonic())

    def now(self) -> datetime:
        """The time in UTC."""
        with self._lock:
            told = self._told
        if told is None:
            return datetime.now(UTC)
        return told[0] + timedelta(seconds=time.monotonic() - told[1])


CLOCK = Clock()
"""This process's: it talks to one database."""


def now() -> datetime:
    """The database's time in UTC, to the millisecond that MongoDB keeps."""
    moment = CLOCK.now()
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
