"""The turns before one, once it is known what an interrupted one among them got to say."""

from __future__ import annotations

import time
from collections import deque

from services.common.drafts import is_settling
from services.common.store import Document, Store

_LOOK_AGAIN, _LOOK_AT_LEAST = 0.005, 0.1  # seconds between two looks: twice as long each time


class History:
    """Reads the history of turns. The turn that interrupted another is often here before the other's engine has stored
    the words that were streamed; so it waits for them, at most ``patience`` seconds, once for each turn."""

    def __init__(self, store: Store, patience: float) -> None:
        self._store = store
        self._patience = patience
        self._given_up: deque[str] = deque(maxlen=1_024)

    def before(self, turn: Document) -> list[Document]:
        """The session's turns before this one, oldest first."""
        if turn["n"] == 1:
            return []
        earlier = self._store.turns.history(turn["tenant"], turn["session"], turn["n"])
        settling = self._settling(earlier)
        if not settling:
            return earlier
        if not self._settle(turn["tenant"], settling):
            self._given_up.extend(settling)  # their worker has died
        return self._store.turns.history(turn["tenant"], turn["session"], turn["n"])

    def _settling(self, turns: list[Document]) -> list[str]:
        return [one["_id"] for one in turns if is_settling(one) and one["_id"] not in self._given_up]

    def _settle(self, tenant: str, turns: list[str]) -> bool:
        """Wait until these turns' words are stored, looking at nothing but that; False where they are not in time."""
        until, pause = time.monotonic() + self._patience, _LOOK_AGAIN
        while self._settling(self._store.turns.ends(tenant, turns)):
            if time.monotonic() >= until:
                return False
            time.sleep(pause)
            pause = min(2 * pause, _LOOK_AT_LEAST)
        return True
