"""Quotes a correction that comes near a message which the knowledge base does not answer.

The scope alone is strict, so that no neighbour of a correction changes. Where nothing that was found answers a message,
there is no reply to protect but "I don't know", and a reviewer's words on what comes near are worth more.
"""

from __future__ import annotations

from collections.abc import Callable

from services.common.store import Document
from services.generator.settings import GeneratorSettings
from services.generator.turns.composed import ComposedReply
from services.generator.turns.corrections import CorrectionDesk


class CorrectionComposer:
    """Composes replies to messages that evidence left unanswered."""

    revises = False

    def __init__(
        self,
        desk: CorrectionDesk,
        settings: GeneratorSettings,
        policy: Callable[[Document], str],
        corrected: Callable[[Document], bool],
    ) -> None:
        """`policy`: a turn's policy of replies. `corrected`: whether the message lies in a correction's scope, which is
        the planner's to answer."""
        self._desk = desk
        self._least = settings.corrections_near
        self._policy = policy
        self._corrected = corrected

    def compose(self, turn: Document) -> ComposedReply | None:
        """The reply of the nearest correction; None where evidence answers the message or no correction comes near."""
        record = (turn.get("grounding") or {}).get("evidence") or {}
        answers = [answer for answer in record.get("answers", ()) if answer["kind"] != "chat"]
        if len(answers) != 1 or answers[0]["verdict"] != "unknown" or self._policy(turn) != "quote":
            return None
        near = self._desk.like(turn, self._least)
        if near is None or self._corrected(turn):
            return None
        return ComposedReply((near.correction.reply,), "correction", about={"correction": near.manifest()})
