"""Memory that a process has freed and its allocator still holds."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any


def give_back() -> None:
    """Have the C library give freed memory back to the system, as after a model was loaded: what was needed once on the
    way would stay with the process. Does nothing where the library is another than glibc."""
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Any:
    try:
        return ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):
        return None
