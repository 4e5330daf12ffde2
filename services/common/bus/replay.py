"""A draft's replay, asked of any generator by a gateway, and the answer.

The answer is an event of type `replayed`. Where the draft was written again: `same`, `text`, `first_difference` (None
where there is none), `margin` and `manifest`. Where it could not be: `error`, the name of a gRPC status, with `reason`
and `message`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from kombu import Queue

from services.common.bus import topology
from services.common.bus.asking import Question, question_queue

TIMEOUT = 60.0  # seconds after which nobody waits for the answer any more
_LONGEST = 100


@dataclass(frozen=True)
class ReplayRequest(Question):
    """Which draft; `asked_at` is in seconds since 1970."""

    turn: str
    round: int
    asked_at: float = field(default_factory=time.time)

    @property
    def stale(self) -> bool:
        """Whether the asker has given up: brokers without a limit keep a question until a generator comes."""
        return time.time() - self.asked_at > TIMEOUT


def replay_queue(*, redis: bool) -> Queue:
    """Where replays wait for any generator."""
    return question_queue(topology.REPLAY, TIMEOUT, redis=redis, longest=_LONGEST)
