"""A response's events can be gone on with after any of them; words that were given are never taken back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest
from antiphon.v1 import conversation_pb2 as pb
from antiphon.v1.common_pb2 import PassageRef, Position

from services.web.openai.response_events import Reader, ResponseEvents, read_reader
from services.web.openai.response_id import ResponseId
from services.web.openai.response_shown import Asked, status_of
from services.web.openai.steady import Diverged, SteadyText
from tests.support.described import check_described

ID = ResponseId("turn_1")
ASKED = Asked("antiphon", "session_1")
WORDS = ["Owls ", "hunt ", "at ", "night – ", "🦉."]
TEXT = "".join(WORDS)


def delta(text: str, offset: int, attempt: int = 1) -> pb.TurnEvent:
    position = Position(attempt=attempt, offset=offset + len(text))
    return pb.TurnEvent(turn_id="turn_1", position=position, delta=pb.TurnDelta(text=text))


def restarted(offset: int, attempt: int) -> pb.TurnEvent:
    position = Position(attempt=attempt, offset=offset)
    return pb.TurnEvent(turn_id="turn_1", position=position, restarted=pb.TurnRestarted(reason="WORKER_LOST"))


def completed(text: str, attempt: int = 1) -> pb.TurnEvent:
    source = pb.Citation(mark="1", passage=PassageRef(id="p"), start=0, end=4, marked=True, supported=True)
    draft = pb.Draft(text=text, finish_reason=pb.FINISH_REASON_STOP, citations=[source])
    position = Position(attempt=attempt, offset=len(text))
    return pb.TurnEvent(turn_id="turn_1", position=position, completed=pb.TurnCompleted(draft=draft))


def deltas(words: Iterable[str] = WORDS, attempt: int = 1, offset: int = 0) -> list[pb.TurnEvent]:
    events = []
    for word in words:
        events.append(delta(word, offset, attempt))
        offset += len(word)
    return events


def read(events: list[pb.TurnEvent], reader: Reader | None = None) -> list[dict[str, Any]]:
    async def source() -> AsyncIterator[pb.TurnEvent]:
        for event in events:
            yield event

    async def written() -> list[bytes]:
        return [event async for event in ResponseEvents(ID, ASKED, 0, reader).written(source())]

    return parsed(asyncio.run(written()))


def parsed(events: list[bytes]) -> list[dict[str, Any]]:
    """What a stream says; every event of it is as the description has it, under the name that its type is."""
    assert events[-1] == b"data: [DONE]\n\n"
    halves = [event.partition(b"data: ") for event in events[:-1]]
    said: list[dict[str, Any]] = [json.loads(data) for _, _, data in halves]
    assert [name.decode() for name, _, _ in halves] == [f"event: {event['type']}\n" for event in said]
    for event in said:
        check_described(event, "ResponseEvent")
    return said


def text_of(events: list[dict[str, Any]]) -> str:
    return "".join(event["delta"] for event in events if event["type"].endswith("text.delta"))


def test_numbers_rise_and_any_of_them_is_a_place_to_go_on_from() -> None:
    whole = read([*deltas(), completed(TEXT)])
    numbers = [event["sequence_number"] for event in whole]
    assert numbers == sorted(set(numbers))
    assert text_of(whole) == TEXT
    assert [event["type"] for event in whole][:4] == [
        "response.created", "response.in_progress", "response.output_item.added", "response.content_part.added"
    ]  # fmt: skip
    assert whole[-1]["response"]["output"][0]["content"][0]["annotations"][0]["end_index"] == 4
    draft = completed(TEXT).completed.draft
    for at, number in enumerate(numbers):
        reader = Reader(number)
        if reader.offset <= len(TEXT):  # while the turn is open, and below after its end
            assert read([*deltas(), completed(TEXT)], reader) == whole[at + 1 :]
        ended = parsed(list(ResponseEvents(ID, ASKED, 0, reader).of_draft(draft, "completed", 1, {})))
        assert text_of(whole[: at + 1]) + text_of(ended) == TEXT
        assert [e for e in ended if "delta" not in e] == [e for e in whole[at + 1 :] if "delta" not in e]


def test_another_attempt_that_says_the_same_is_not_noticed() -> None:
    events = [*deltas(WORDS[:3]), restarted(0, 2), *deltas(WORDS, attempt=2), completed(TEXT, 2)]
    told = read(events)
    assert text_of(told) == TEXT
    assert told[-1]["type"] == "response.completed"


def test_another_attempt_that_says_something_else_ends_the_stream() -> None:
    told = read(
        [*deltas(WORDS[:3]), restarted(0, 2), *deltas(["Cats ", "hunt "], attempt=2), completed("Cats hunt ", 2)]
    )
    assert text_of(told) == "".join(WORDS[:3])
    assert (told[-1]["type"], told[-1]["code"]) == ("error", "reply_restarted")


def test_who_stands_in_an_attempt_that_is_void_is_told_so() -> None:
    reader = Reader(3 + 5)
    for events in (deltas(WORDS, attempt=2), [completed(TEXT, 2)], [*deltas(["Owl"]), completed("Owl")]):
        told = read(events, reader)
        assert [event["code"] for event in told if event["type"] == "error"] == ["reply_restarted"]
    # but who has come back before the worker died is told on, as long as the words are the same
    events = [*deltas(WORDS[:3]), restarted(0, 2), *deltas(WORDS, attempt=2), completed(TEXT, 2)]
    assert text_of(read(events, reader)) == TEXT[5:]
    ended = parsed(list(ResponseEvents(ID, ASKED, 0, reader).of_draft(pb.Draft(text=TEXT), "completed", 2, {})))
    assert [event["type"] for event in ended] == ["error"]


def test_what_failed_and_what_was_cancelled_without_a_word_end_too() -> None:
    failed = pb.TurnEvent(failed=pb.TurnFailed(error=pb.TurnError(reason="INTERNAL", message="broken")))
    (*_, end) = read([failed])
    assert (end["type"], end["response"]["error"]["code"]) == ("response.failed", "internal")
    (*_, end) = read([pb.TurnEvent(cancelled=pb.TurnCancelled())])
    assert (end["type"], end["response"]["status"]) == ("response.incomplete", "cancelled")


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5", "9" * 30, "٣"])
def test_a_place_that_is_none_is_refused(text: str) -> None:
    from services.web.errors import WebError

    with pytest.raises(WebError, match="starting_after"):
        read_reader(text)


def test_words_are_given_once_over_any_number_of_attempts() -> None:
    steady = SteadyText()
    given = [steady.take(event) for event in [*deltas(WORDS[:2]), restarted(5, 2), *deltas(WORDS[1:], 2, 5)]]
    assert "".join(given) == TEXT
    assert steady.take(completed(TEXT, 2)) == ""
    with pytest.raises(Diverged):
        steady.take(completed("Owls", 2))


@pytest.mark.parametrize(
    ("status", "round", "reason", "shown"),
    [
        (pb.TURN_STATUS_HELD, 1, None, "in_progress"),
        (pb.TURN_STATUS_HELD, 1, pb.FINISH_REASON_CANCELLED, "in_progress"),
        (pb.TURN_STATUS_HELD, 1, pb.FINISH_REASON_STOP, "completed"),
        (pb.TURN_STATUS_ACTIVE, 1, pb.FINISH_REASON_CANCELLED, "cancelled"),
        (pb.TURN_STATUS_COMPLETED, 0, pb.FINISH_REASON_STOP, "completed"),
        (pb.TURN_STATUS_WAITING, 0, None, "queued"),
    ],
)
def test_a_response_whose_turn_a_person_has_taken_over_waits_for_them(
    status: pb.TurnStatus, round: int, reason: pb.FinishReason | None, shown: str
) -> None:
    turn = pb.Turn(id="turn_1", status=status, position=Position(round=round))
    draft = None if reason is None else pb.Draft(round=0, finish_reason=reason)
    assert status_of(turn, ID, draft) == shown
