"""The turns before one, once it is known what an interrupted one among them got to say."""

from __future__ import annotations

import time
from collections import deque

from services.common.drafts import is_settling
from services.common.store import Document, Store

_LOOK_AGAIN = 0.01


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
        until = time.monotonic() + self._patience
        while True:
            earlier = self._store.turns.history(turn["tenant"], turn["session"], turn["n"])
            settling = [one["_id"] for one in earlier if is_settling(one) and one["_id"] not in self._given_up]
            if not settling:
                return earlier
            if time.monotonic() >= until:  # its worker has died
                self._given_up.extend(settling)
                return earlier
            time.sleep(_LOOK_AGAIN)
