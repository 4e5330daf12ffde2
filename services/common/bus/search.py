"""A search from a gateway or a training to a knowledge worker and back.

The answer is an event of type `searched`: `passages` and `facts` (`[{id, revision, score}]`), `watermark`, and
`error`, which is empty or `watermark` (not reached in time). With `weigh` also `evidence`: what of the base answers the
query, as of a session's first message, None where the base is empty.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kombu import Queue

from services.common.bus import topology
from services.common.bus.asking import Question, question_queue

TIMEOUT = 10.0  # seconds after which nobody waits for the answer any more


@dataclass(frozen=True)
class SearchRequest(Question):
    """What is asked; `labels` are the access labels the asker has."""

    query: str
    limit: int = 10
    min_watermark: int = 0
    labels: list[str] = field(default_factory=list)
    weigh: bool = False


def search_queue(*, redis: bool) -> Queue:
    """Where searches wait for any knowledge worker."""
    return question_queue(topology.SEARCH, TIMEOUT, redis=redis)
