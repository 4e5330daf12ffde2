"""A reply's text for readers who cannot take words back: another worker that begins again is waited for."""

from __future__ import annotations

from antiphon.v1.conversation_pb2 import TurnEvent


class Diverged(Exception):
    """Another worker has begun the reply again and says something else than was told already."""


class SteadyText:
    """Takes a turn's events and gives the words that are new to the reader. What was given is never void.

    Where an attempt begins again, its words count once they reach beyond what was given. Raises Diverged where they
    differ from it.
    """

    def __init__(self, given: int = 0) -> None:
        """``given``: code points that the reader has from before."""
        self.text = ""
        self._skipped = given
        self._given = ""

    def take(self, event: TurnEvent) -> str:
        """The words to give for an event; often none."""
        kind = event.WhichOneof("event")
        if kind == "restarted":
            if event.position.offset < self._skipped:  # words that this process has never seen are void
                raise Diverged
            self.text = self.text[: event.position.offset - self._skipped]
        elif kind == "delta":
            self.text += event.delta.text
            return self._fresh()
        elif kind == "completed":
            self.text = event.completed.draft.text[self._skipped :]
            return self._fresh(whole=True)
        return ""

    def _fresh(self, *, whole: bool = False) -> str:
        if len(self.text) <= len(self._given):
            if (whole and self.text != self._given) or not self._given.startswith(self.text):
                raise Diverged
            return ""
        if not self.text.startswith(self._given):
            raise Diverged
        fresh = self.text[len(self._given) :]
        self._given = self.text
        return fresh
