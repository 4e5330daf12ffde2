"""What all endpoints of a process share beside the gateways."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Serving:
    """``draining``: the process ends and takes no more; ``ping_seconds``: how long an event stream may be silent."""

    ping_seconds: float
    draining: bool = False
