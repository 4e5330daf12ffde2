"""Composes the answers that the dialogue's state has: what the user said before, asked back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from services.common.store import Document
from services.common.text_measures import HAN_CHARACTER
from services.generator.turns.composed import ComposedReply


class StateComposer:
    """Tells what the tracker recalled for the message: at once where it surely asks for what was said, otherwise where
    the documents know nothing of it. Under the policy `free` the engine speaks."""

    revises = False

    def __init__(self, policy: Callable[[Mapping[str, Any]], str]) -> None:
        """`policy` tells a turn's."""
        self._policy = policy

    def compose(self, turn: Document) -> ComposedReply | None:
        """The reply; None where nothing was recalled or a document answers."""
        recalled = (turn.get("state") or {}).get("recalled")
        if not recalled or self._policy(turn) == "free" or not (recalled["sure"] or _is_unknown(turn)):
            return None
        *before, last = recalled["sentences"]
        joint = "" if HAN_CHARACTER.search(last) else " "
        about = {"recalled": {"service": recalled["service"], "slots": list(recalled["slots"])}}
        return ComposedReply((*(sentence + joint for sentence in before), last), "state", about=about)


def _is_unknown(turn: Document) -> bool:
    """Whether no document answers any of what the message asks."""
    answers = ((turn.get("grounding") or {}).get("evidence") or {}).get("answers") or ()
    return all(answer["verdict"] == "unknown" for answer in answers)
