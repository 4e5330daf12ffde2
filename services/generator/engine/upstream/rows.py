"""Places for drafts that servers write: who waits for one hears that the line moves, and keeps its lease by that."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.generator.engine.request import DraftListener

_LOOK_SECONDS = 1.0


class Rows:
    """So many places; belongs to the client thread. A line that has not moved for `silence` seconds is told of no
    more."""

    def __init__(self, count: int, silence: float) -> None:
        self._places = asyncio.Semaphore(count)
        self._silence = silence
        self._moved = time.monotonic()

    def moved(self) -> None:
        """A server said something, or is healthy."""
        self._moved = time.monotonic()

    @asynccontextmanager
    async def place(self, listener: DraftListener) -> AsyncIterator[None]:
        """Wait for a place and hold it; the listener hears `on_progress` meanwhile."""
        taking = asyncio.ensure_future(self._places.acquire())
        try:
            while not (await asyncio.wait({taking}, timeout=_LOOK_SECONDS))[0]:
                if time.monotonic() - self._moved < self._silence:
                    listener.on_progress()
        except BaseException:
            if not taking.cancel():
                self._places.release()  # it came together with the cancel
            raise
        try:
            yield
        finally:
            self._places.release()
