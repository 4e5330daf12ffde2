"""A reply's text for readers who cannot take words back: another worker that begins again is waited for."""

from __future__ import annotations

from antiphon.v1.conversation_pb2 import TurnEvent

from services.web.errors import WebError
from services.web.openai.draft_shown import TAKEN_OVER


class Diverged(Exception):
    """Another worker has begun the reply again, and what the reader has may not be what it says."""


class SteadyText:
    """Takes a turn's events from its beginning and gives the words that are new to the reader; none is ever void.

    Where an attempt begins again, its words count once they reach beyond what was given. Raises Diverged where they
    differ from it.
    """

    def __init__(self, had: int = 0, attempt: int = 1) -> None:
        """``had``: code points that the reader has from before, of the words of this attempt."""
        self.text = ""
        self._had = had
        self._attempt = attempt
        self._given = ""
        self.person = False  # whether a person writes the reply from here on

    def diverged(self) -> WebError:
        """What a reader is told who has words that the reply does not have."""
        if self.person:
            why, code = "a person has taken over and answers in other words", "taken_over"
        else:
            why, code = "another worker has begun the reply again", "reply_restarted"
        return WebError(f"{why}: read it from its start", status=500, code=code, type="server_error")

    def take(self, event: TurnEvent) -> str:
        """The words to give for an event; often none."""
        kind = event.WhichOneof("event")
        if kind == "restarted":
            self.text = self.text[: event.position.offset]
            self.person = event.restarted.reason == TAKEN_OVER
        elif kind == "delta":
            self.text += event.delta.text
            return self._fresh(event.position.attempt)
        elif kind == "completed":
            self.text = event.completed.draft.text
            return self._fresh(event.position.attempt, whole=True)
        return ""

    def _fresh(self, attempt: int, *, whole: bool = False) -> str:
        if self._had and not self._met(attempt, whole):
            return ""
        if len(self.text) <= len(self._given):
            if (whole and self.text != self._given) or not self._given.startswith(self.text):
                raise Diverged
            return ""
        if not self.text.startswith(self._given):
            raise Diverged
        fresh = self.text[len(self._given) :]
        self._given = self.text
        return fresh

    def _met(self, attempt: int, whole: bool) -> bool:
        """Whether the text has reached what the reader has from before, so that it is known from here on."""
        if attempt != self._attempt or (whole and len(self.text) < self._had):
            raise Diverged
        if len(self.text) < self._had:
            return False
        self._given, self._had = self.text[: self._had], 0
        return True
