"""What asks the engine for a draft."""

from __future__ import annotations

import time
from typing import Protocol

from services.generator.engine import DraftEngine, DraftListener, DraftRequest, FinishedDraft, Timings, Usage
from services.generator.revision.beam_draft import submit
from services.generator.revision.beam_search import Beams


class Writer(Protocol):
    """Has one draft written; its listener hears of it."""

    def submit(self) -> None:
        """Ask the engine; raises what Engine.submit raises."""
        ...

    def cancel(self) -> bool:
        """Stop; the listener hears a cancelled draft. False: nothing is open."""
        ...


class SequenceWriter:
    """Has one draft written, or searched for."""

    def __init__(
        self, engine: DraftEngine, request: DraftRequest, listener: DraftListener, beams: Beams | None = None
    ) -> None:
        self._engine = engine
        self._request = request
        self._listener = listener
        self._beams = beams

    def submit(self) -> None:
        """Ask the engine; raises what Engine.submit raises."""
        submit(self._engine, self._request, self._listener, self._beams)

    def cancel(self) -> bool:
        """Stop it. False: it is not open."""
        return self._engine.cancel(self._request.key)


class QuotedReply:
    """Answers with a reply that is written already; the engine's thread tells the listener, as of any other draft."""

    def __init__(self, engine: DraftEngine, request: DraftRequest, listener: DraftListener, text: str) -> None:
        self._engine = engine
        self._request = request
        self._listener = listener
        self._text = text

    def submit(self) -> None:
        """Say it between two steps of the engine. Raises EngineClosed."""
        began = time.monotonic()
        ids = tuple(self._engine.codec.encode(self._text))

        def say() -> None:
            seconds = time.monotonic() - began
            self._listener.on_delta(self._text, list(ids))
            usage, timings = Usage(0, 0, len(ids)), Timings(0.0, 0.0, seconds, 0.0)
            self._listener.on_finish(FinishedDraft(self._text, ids, "stop", usage, timings))

        self._engine.between_steps(say)

    def cancel(self) -> bool:
        """It is said at once: nothing is open."""
        return False
