"""The scope as served: to which correction a message belongs, with what the tenant's knowledge base has for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from services.common.bus import Bus, topology
from services.common.bus.asking import Asker
from services.common.bus.search import TIMEOUT, SearchRequest
from services.common.errors import Unavailable
from services.common.ids import new_id
from services.finetune.hold import Hold
from services.finetune.training.judging import Counts
from services.models.scope.rivals import POSSIBLE, Rival, rival_of
from services.models.scope.scope import THRESHOLD, Belongs, ScopeIndex

PATIENCE_S = 120.0
"""How long a training waits for an answer of the knowledge base."""
FindRival = Callable[[str], Rival | None]


class ServedScope:
    """Decides what belongs to a correction as the generator does. A message that belongs to none whatever is known of
    it is not asked about; every other is, once."""

    def __init__(self, index: ScopeIndex, rival: FindRival, counts: Counts | None = None) -> None:
        """`rival` finds what the knowledge base has for a message."""
        self._index = index
        self._rival = rival
        self._counts = counts
        self._nearest: dict[str, Belongs | None] = {}

    def nearest_of(self, messages: Sequence[str]) -> list[Belongs | None]:
        """For each message the correction that it most probably belongs to, however improbable. Raises Unavailable."""
        new = list(dict.fromkeys(message for message in messages if message not in self._nearest))
        if self._counts is not None:
            self._counts.gather(len(new))
        for message, held in zip(new, self._index.held_against(new), strict=True):
            possible = [self._index.belongs(held, rival) for rival in POSSIBLE]
            if any(one is not None and one.probability >= THRESHOLD for one in possible):
                self._nearest[message] = self._index.belongs(held, self._rival(message))
            else:
                self._nearest[message] = possible[0]
            if self._counts is not None:
                self._counts.gathered(1)
        return [self._nearest[message] for message in messages]


@contextmanager
def knowledge_of(hold: Hold) -> Iterator[FindRival]:
    """Finds what the tenant's knowledge base has for a message, as for the first of a session; nothing where it is
    empty, and nobody is asked then."""
    if not hold.store.knowledge.log.head(hold.tenant):
        yield lambda message: None
        return
    bus = Bus(hold.settings.broker_url, declares=hold.settings.broker_declares)
    try:
        with Asker(bus, new_id("training")) as asker:
            yield lambda message: _asked(hold, asker, message)
    finally:
        bus.close()


def _asked(hold: Hold, asker: Asker, message: str) -> Rival | None:
    """Raises Unavailable where no worker answers in time, Stopped."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        hold.check()
        request = SearchRequest(new_id("search"), hold.tenant, asker.name, message, weigh=True)
        try:
            found = asker.ask(topology.SEARCH, request, TIMEOUT, "no knowledge worker has answered the training")
            return rival_of(found["evidence"])
        except Unavailable:
            if time.monotonic() > deadline:
                raise
