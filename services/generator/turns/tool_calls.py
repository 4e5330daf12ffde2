"""What a turn with tools is answered by: a call of one of them, or words as in any other turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.common.store import Document
from services.common.tools.calls import OPENING, called, may_call, offer_hash, offers
from services.generator.engine import DraftListener, FinishedDraft
from services.generator.turns.composed import ComposedReply, ComposedWriter


def only_calls(turn: Document) -> bool:
    """Whether the turn's reply must be a call."""
    return offers(turn) and bool(turn["offer"].get("choice") == "required")


def answers_tools(turn: Document) -> bool:
    """Whether the turn brings what tools answered, which its reply is about."""
    return bool(turn.get("tool_results"))


def revises_call(turn: Document) -> bool:
    """Whether the turn's reply has been a call, so that no rule for texts can revise it."""
    return any(draft.get("tool_calls") for draft in turn["drafts"][: turn["round"]])


def tools_manifest(turn: Document) -> Document | None:
    """What a manifest says of the tools that the turn's reply may call."""
    if not offers(turn):
        return None
    offer = turn["offer"]
    tools = offer["tools"]
    names = [tool["name"] for tool in tools]
    return {"offered": names, "offer_hash": offer_hash(tools), "choice": offer.get("choice") or "auto"}


def call_fields(turn: Document, draft: FinishedDraft, manifest: Document) -> Document:
    """What a finished draft that is a call is stored with beside its text; nothing where it speaks."""
    calls = called(turn, turn["round"], draft.text)
    if not calls:
        return {}
    use = {**(manifest.get("tools") or {}), "called": calls[0]["name"], "arguments": calls[0]["arguments"]}
    return {"tool_calls": calls, "finish_reason": "tool_call", "manifest": {**manifest, "tools": use}}


class CallListener:
    """Passes a call on as it is written, and words to whoever hears words; holds back what may become either."""

    def __init__(self, calls: DraftListener, words: DraftListener) -> None:
        self._calls = calls
        self._words = words
        self._listener: DraftListener | None = None
        self._held = ""
        self._ids: list[int] = []

    def on_delta(self, text: str, token_ids: list[int]) -> None:
        """Tells a call from words by how the draft begins."""
        if self._listener is not None:
            self._listener.on_delta(text, token_ids)
            return
        self._held += text
        self._ids += token_ids
        if not may_call(self._held):
            self._decide(self._words)
        elif self._held.startswith(OPENING):
            self._decide(self._calls)

    def on_progress(self) -> None:
        """The engine advanced."""
        self._calls.on_progress()

    def on_finish(self, draft: FinishedDraft) -> None:
        """The draft ended."""
        if self._listener is None:
            self._decide(self._words)
        assert self._listener is not None
        self._listener.on_finish(draft)

    def on_error(self, error: Exception) -> None:
        """The draft failed."""
        self._calls.on_error(error)

    def _decide(self, listener: DraftListener) -> None:
        self._listener = listener
        if self._held:
            listener.on_delta(self._held, self._ids)


class ComposedInstead:
    """Says a composed reply in the place of the engine's words, which are stopped at the first one."""

    def __init__(
        self, listener: DraftListener, reply: ComposedReply, stop: Callable[[], Any], chosen: Callable[[], None]
    ) -> None:
        """`chosen` is told before the reply is said."""
        self._listener = listener
        self._reply = reply
        self._stop = stop
        self._chosen = chosen
        self._stopped = False

    def on_delta(self, text: str, token_ids: list[int]) -> None:
        """The engine speaks: it need not."""
        if not self._stopped:
            self._stopped = True
            self._stop()

    def on_progress(self) -> None:
        """The engine advanced."""
        self._listener.on_progress()

    def on_finish(self, draft: FinishedDraft) -> None:
        """Says the reply, unless somebody else has cancelled the draft."""
        if draft.finish_reason == "cancelled" and not self._stopped:
            self._listener.on_finish(draft)
            return
        self._chosen()
        ComposedWriter(self._reply, self._listener).submit()

    def on_error(self, error: Exception) -> None:
        """The draft failed."""
        self._listener.on_error(error)
