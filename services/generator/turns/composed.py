"""Replies put together without the engine's words: quoted evidence, a question back, an honest "I don't know".

A composer looks at a turn that was taken and either composes its reply or leaves it to the next one; what none of them
composes the engine writes. A composed reply is a draft like any other: it streams, sentence by sentence, is fenced and
stored, enters history and can be revised.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from services.common.store import Document
from services.generator.engine import DraftListener, FinishedDraft, FinishReason, Timings, Usage


@dataclass(frozen=True)
class ComposedReply:
    """A reply's sentences in order, each with the white space that follows it, so that joined they are the reply.

    `by` names what composed it, such as "evidence", and stands in the manifest; `about` are further fields of the
    manifest. `citations` are those of the draft. `handoff`: a human should take over from here.
    """

    sentences: tuple[str, ...]
    by: str
    citations: tuple[Document, ...] = ()
    about: Document = field(default_factory=dict)
    handoff: bool = False

    @property
    def text(self) -> str:
        """The whole reply."""
        return "".join(self.sentences)


class ReplyComposer(Protocol):
    """Composes replies to turns that need no engine: first ones, or, where it `revises`, those that obey feedback."""

    @property
    def revises(self) -> bool: ...

    def compose(self, turn: Document) -> ComposedReply | None:
        """The reply to the turn as it was taken, with its state and grounding; None leaves it to the next composer."""
        ...


def compose(composers: Sequence[ReplyComposer], turn: Document) -> ComposedReply | None:
    """What the first of the composers that has a reply composes, of those that revise for a round that obeys feedback;
    None where none has one: then it is the engine's, with the reply before it in the prompt."""
    revision = bool(turn["drafts"][turn["round"]].get("feedback"))
    replies = (composer.compose(turn) for composer in composers if composer.revises == revision)
    return next((reply for reply in replies if reply is not None), None)


class ComposedWriter:
    """Tells a listener of a composed reply as the engine would of one that it wrote."""

    def __init__(self, reply: ComposedReply, listener: DraftListener) -> None:
        self._reply = reply
        self._listener = listener
        self._began = time.monotonic()
        self._cancelled = False

    def submit(self) -> None:
        """Streams the reply and ends it, on the caller's thread. It has no token ids: a prompt encodes its text."""
        first = 0.0
        spoken: list[str] = []
        for sentence in self._reply.sentences:
            if self._cancelled:
                break
            self._listener.on_delta(sentence, [])
            spoken.append(sentence)
            first = first or time.monotonic() - self._began
        timings = Timings(0.0, 0.0, first, time.monotonic() - self._began - first)
        reason: FinishReason = "cancelled" if self._cancelled else "stop"
        self._listener.on_finish(FinishedDraft("".join(spoken), (), reason, Usage(0, 0, 0), timings))

    def cancel(self) -> bool:
        """Stops before the next sentence."""
        self._cancelled = True
        return True
