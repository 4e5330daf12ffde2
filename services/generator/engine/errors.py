"""Why the engine refuses or loses a draft."""

from __future__ import annotations


class EngineError(Exception):
    """The engine could not make the draft."""


class EngineFull(EngineError):
    """The engine's waiting line is full; try another generator or later."""


class EngineClosed(EngineError):
    """The engine is shutting down and takes no more drafts."""


class PromptTooLong(EngineError):
    """The prompt leaves no room for a reply in the context; drop the oldest turns."""


class UnknownVersion(EngineError):
    """The model version is not loaded; load it before submitting its drafts."""


class UnknownHead(EngineError):
    """The fusion head is not loaded; load it before submitting its drafts."""


class EngineLacks(EngineError):
    """The draft asks for what this engine can't do; leave it out, or ask a generator of another engine."""


class DuplicateKey(EngineError):
    """A draft with this key is still open."""
