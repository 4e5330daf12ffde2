"""Waiting for conditions: what the tests do instead of sleeping."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(
    predicate: Callable[[], T | None], timeout: float = 60.0, message: str = "", interval: float = 0.01
) -> T:
    """Call ``predicate`` until it returns something true, and return that.

    Raises AssertionError after ``timeout`` seconds, saying ``message`` and what the predicate last gave or
    raised (an AssertionError inside the predicate counts as "not yet").
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            last: object = (result := predicate())
            if result:
                return result
        except AssertionError as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout:g} s in vain: {message or predicate}; last: {last!r}")
        time.sleep(interval)
