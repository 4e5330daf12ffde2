"""What asks the engine for a draft."""

from __future__ import annotations

from typing import Protocol

from services.generator.engine import DraftListener, DraftRequest, Engine


class Writer(Protocol):
    """Has one draft written; its listener hears of it."""

    def submit(self) -> None:
        """Ask the engine; raises what Engine.submit raises."""
        ...

    def cancel(self) -> bool:
        """Stop; the listener hears a cancelled draft. False: nothing is open."""
        ...


class SequenceWriter:
    """Has a draft written in one row of the engine."""

    def __init__(self, engine: Engine, request: DraftRequest, listener: DraftListener) -> None:
        self._engine = engine
        self._request = request
        self._listener = listener

    def submit(self) -> None:
        """Ask the engine; raises what Engine.submit raises."""
        self._engine.submit(self._request, self._listener)

    def cancel(self) -> bool:
        """Stop the row. False: it is not open."""
        return self._engine.cancel(self._request.key)
