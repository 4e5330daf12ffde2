"""Times between documents and protobuf."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp


def timestamp(value: Any) -> Timestamp | None:
    """A stored time; None where there is none."""
    if not isinstance(value, datetime):
        return None
    made = Timestamp()
    made.FromDatetime(value)
    return made


def duration(seconds: Any) -> Duration | None:
    """Seconds; None where there are none."""
    if seconds is None:
        return None
    made = Duration()
    made.FromNanoseconds(round(float(seconds) * 1e9))
    return made
