"""A process goes by the database's time once it was told it."""

import time
from datetime import UTC, datetime, timedelta

from services.common.clock import Clock


def test_before_it_is_told_it_is_the_wall_clock() -> None:
    assert abs(Clock().now() - datetime.now(UTC)) < timedelta(seconds=1)


def test_once_told_it_counts_on_from_there_whatever_the_wall_clock_says() -> None:
    clock = Clock()
    moment = datetime(2031, 5, 1, 12, 0, tzinfo=UTC)
    before = time.monotonic()
    clock.tell(moment)
    first = clock.now()
    second = clock.now()
    assert moment <= first <= second <= moment + timedelta(seconds=time.monotonic() - before)


def test_the_latest_telling_counts() -> None:
    clock = Clock()
    clock.tell(datetime(2031, 5, 1, tzinfo=UTC))
    clock.tell(datetime(2031, 6, 1, tzinfo=UTC))
    assert clock.now().month == 6
