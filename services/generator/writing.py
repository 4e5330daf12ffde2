"""What a draft is made from, and what asks the engine for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from services.common.store import Document
from services.generator.engine import DraftListener, DraftRequest, Engine
from services.generator.prompt import Prompt


@dataclass(frozen=True)
class Prepared:
    """A turn's current round, ready to be written: its prompt, the engine's request, and the manifest of both."""

    turn: Document
    prompt: Prompt
    request: DraftRequest
    manifest: Document


class Writer(Protocol):
    """Has one draft written; its listener hears of it."""

    def submit(self) -> None:
        """Ask the engine; raises what Engine.submit raises."""
        ...

    def cancel(self) -> bool:
        """Stop; the listener hears a cancelled draft. False: nothing is open."""
        ...


class OneRow:
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
