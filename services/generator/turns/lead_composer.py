"""Composes what leads a service dialogue on: the tracker's next question, read-back or last word."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from services.common.store import Document
from services.common.text_measures import HAN_CHARACTER
from services.generator.turns.composed import ComposedReply, ReplyComposer

_SURE = 0.6
"""The probability from which a message that only names things is taken to want the answer that the documents have."""


class LeadComposer:
    """Says the tracker's lead: alone, or behind an answer that another composer has where the user asked something or
    wished for it by a question that the documents answer.

    A question that no composer answers is the engine's, and so is everything under the policy `free`.
    """

    revises = False

    def __init__(self, answering: Sequence[ReplyComposer], policy: Callable[[Mapping[str, Any]], str]) -> None:
        """`answering` are asked for the answer, in their order; `policy` tells a turn's."""
        self._answering = answering
        self._policy = policy

    def compose(self, turn: Document) -> ComposedReply | None:
        """The reply; None where nothing is led."""
        lead = (turn.get("state") or {}).get("lead")
        if not lead or not lead.get("text") or self._policy(turn) == "free":
            return None
        about = {"lead": {key: lead.get(key) for key in ("act", "service", "intent", "slot")}}
        alone = ComposedReply((lead["text"],), "lead", about=about)
        asks = str(turn["text"]).rstrip().endswith(("?", "？")) or bool(turn["state"].get("recalled"))
        if lead.get("alone", True) and not asks and (lead.get("wished", True) or not _is_answered(turn)):
            return alone
        answer = next((reply for one in self._answering if (reply := one.compose(turn)) is not None), None)
        if answer is None or answer.handoff:  # what only sounds like a question is a wish: "May I have a table?"
            return alone if lead.get("alone", True) else answer
        joint = "" if HAN_CHARACTER.search(lead["text"]) else " "
        sentences = (*answer.sentences[:-1], answer.sentences[-1] + joint, lead["text"])
        return replace(answer, sentences=sentences, about={**answer.about, **about})


def _is_answered(turn: Document) -> bool:
    """Whether the documents surely answer everything that the message asks."""
    answers = ((turn.get("grounding") or {}).get("evidence") or {}).get("answers") or ()
    return bool(answers) and all(
        answer["verdict"] in ("answered", "several") and answer["probability"] >= _SURE for answer in answers
    )
