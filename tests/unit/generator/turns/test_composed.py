"""Replies that no model writes: who composes them, how they stream."""

from typing import Any

from services.generator.engine import FinishedDraft
from services.generator.turns.composed import ComposedReply, ComposedWriter, compose


class Heard:
    """A listener that keeps what it hears."""

    def __init__(self) -> None:
        self.deltas: list[str] = []
        self.draft: FinishedDraft | None = None

    def on_delta(self, text: str, token_ids: list[int]) -> None:
        self.deltas.append(text)

    def on_progress(self) -> None: ...

    def on_finish(self, draft: FinishedDraft) -> None:
        self.draft = draft

    def on_error(self, error: Exception) -> None:
        raise error


class Fixed:
    """Composes the same reply to every turn, or none."""

    revises = False

    def __init__(self, reply: ComposedReply | None) -> None:
        self._reply = reply

    def compose(self, turn: dict[str, Any]) -> ComposedReply | None:
        return self._reply


REPLY = ComposedReply(("It is free. ", "Ask at the desk."), "test")
TURN: dict[str, Any] = {"round": 0, "drafts": [{"id": "d0"}]}


def test_a_composed_reply_streams_sentence_by_sentence() -> None:
    heard = Heard()
    ComposedWriter(REPLY, heard).submit()
    assert heard.deltas == ["It is free. ", "Ask at the desk."]
    assert heard.draft is not None
    assert heard.draft.text == "It is free. Ask at the desk."
    assert heard.draft.finish_reason == "stop"


def test_a_cancelled_reply_ends_without_more_words() -> None:
    heard = Heard()
    writer = ComposedWriter(REPLY, heard)
    writer.cancel()
    writer.submit()
    assert heard.deltas == []
    assert heard.draft is not None
    assert heard.draft.finish_reason == "cancelled"


def test_the_first_composer_that_has_a_reply_is_heard() -> None:
    other = ComposedReply(("Other.",), "other")
    assert compose([Fixed(None), Fixed(REPLY), Fixed(other)], TURN) is REPLY
    assert compose([Fixed(None)], TURN) is None


def test_a_round_that_obeys_feedback_is_the_engines() -> None:
    revised = {"round": 1, "drafts": [{"id": "d0"}, {"id": "d1", "feedback": {"comment": "shorter"}}]}
    assert compose([Fixed(REPLY)], revised) is None
