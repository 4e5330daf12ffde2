"""A turn's stream as a reader sees it, whatever happens to connections, gateways and workers."""

from collections.abc import Callable, Iterable
from typing import Any

import grpc
import pytest
from antiphon.client import CallError, FailedPrecondition, RetryPolicy, TurnNotCompleted, Unavailable
from antiphon.v1 import conversation_pb2 as pb
from antiphon.v1.common_pb2 import Position
from antiphon.v1.conversation_pb2 import TurnEvent
from antiphon.v1.feedback_pb2 import Feedback

from tests.support.misbehaving_gateway import (
    TURN,
    Fail,
    Hang,
    MisbehavingGateway,
    accepted,
    completed,
    delta,
    event,
    failed,
    restarted,
)

BROKEN = Fail(grpc.StatusCode.UNAVAILABLE)


def send(client: Any) -> Any:
    return client.send("session_1", "hello")


def kinds(events: list[TurnEvent]) -> list[str | None]:
    return [one.WhichOneof("event") for one in events]


def text(events: list[TurnEvent]) -> str:
    """What stands on a reader's screen: deltas, cut back by every restart."""
    shown = ""
    for one in events:
        if one.WhichOneof("event") == "restarted":
            shown = shown[: one.position.offset]
        shown += one.delta.text
    return shown


def test_a_smooth_stream_comes_through_as_it_is(reader: Any, gateway: MisbehavingGateway) -> None:
    script = [accepted(), delta("Good ", 0), delta("day", 5), completed("Good day")]
    gateway.script(*script)
    assert reader.events(gateway.address, send) == script
    call = gateway.calls[0]
    assert (call.request.session_id, call.request.text) == ("session_1", "hello")
    assert call.request.request_id
    assert call.metadata["authorization"] == "Bearer key_1.secret"


def test_a_stream_that_breaks_is_resumed_from_the_last_position(reader: Any, gateway: MisbehavingGateway) -> None:
    gateway.script(accepted(), delta("Gründ", 0), BROKEN)
    gateway.script(accepted(), delta("lich 👍", 5), completed("Gründlich 👍"))
    events = reader.events(gateway.address, send)
    assert kinds(events) == ["accepted", "delta", "delta", "completed"]
    assert text(events) == "Gründlich 👍"
    assert gateway.methods == ["SendTurn", "AttachTurn"]
    attach = gateway.calls[1].request
    assert (attach.turn_id, attach.position) == (TURN, Position(round=0, attempt=1, offset=5))


def test_text_that_comes_twice_is_shown_once(reader: Any, gateway: MisbehavingGateway) -> None:
    gateway.script(accepted(), delta("One two", 0), delta("One two", 0), BROKEN)
    gateway.script(accepted(), delta("One two three", 0), completed("One two three"))
    events = reader.events(gateway.address, send)
    assert [one.delta.text for one in events if one.delta.text] == ["One two", " three"]


def test_a_gap_in_the_text_is_asked_for(reader: Any, gateway: MisbehavingGateway) -> None:
    gateway.script(accepted(), delta("One ", 0), delta("three", 8), Hang())
    gateway.script(accepted(), delta("two three", 4), completed("One two three"))
    assert text(reader.events(gateway.address, send)) == "One two three"
    assert gateway.calls[1].request.position.offset == 4


def test_a_higher_attempt_replaces_the_text(reader: Any, gateway: MisbehavingGateway) -> None:
    gateway.script(accepted(), delta("Helo", 0), restarted(2), delta("Hello", 0, attempt=2), completed("Hello", 2))
    events = reader.events(gateway.address, send)
    assert kinds(events) == ["accepted", "delta", "restarted", "delta", "completed"]
    assert text(events) == "Hello"


def test_a_worker_that_lost_its_turn_is_not_heard_any_more(reader: Any, gateway: MisbehavingGateway) -> None:
    gateway.script(
        accepted(),
        delta("A", 0),
        restarted(2),
        delta("zombie", 1, attempt=1),
        delta("B", 0, attempt=2),
        restarted(1),
        completed("B", 2),
    )
    events = reader.events(gateway.address, send)
    assert kinds(events) == ["accepted", "delta", "restarted", "delta", "completed"]
    assert text(events) == "B"


def test_a_higher_attempt_that_nobody_announced_is_announced_by_the_client(
    reader: Any, gateway: MisbehavingGateway
) -> None:
    gateway.script(accepted(), delta("Helo", 0), BROKEN)
    gateway.script(accepted(), delta("Hello", 0, attempt=2), completed("Hello", 2))
    events = reader.events(gateway.address, send)
    assert kinds(events) == ["accepted", "delta", "restarted", "delta", "completed"]
    assert text(events) == "Hello"


def test_a_restart_that_keeps_text_keeps_it(reader: Any, gateway: MisbehavingGateway) -> None:
    gateway.script(
        accepted(),
        delta("Hello wrold", 0),
        restarted(2, kept=6),
        delta("world", 6, attempt=2),
        completed("Hello world", 2),
    )
    assert text(reader.events(gateway.address, send)) == "Hello world"


def test_a_restart_that_goes_on_from_text_never_seen_is_read_from_its_start(
    reader: Any, gateway: MisbehavingGateway
) -> None:
    gateway.script(accepted(), restarted(2, kept=6), Hang())
    gateway.script(accepted(), delta("Hello world", 0, attempt=2), completed("Hello world", 2))
    assert text(reader.events(gateway.address, send)) == "Hello world"
    assert gateway.calls[1].request.position == Position(round=0, attempt=2, offset=0)


def test_the_text_adds_up_to_the_draft_even_where_deltas_were_lost(reader: Any, gateway: MisbehavingGateway) -> None:
    gateway.script(accepted(), delta("Hel", 0), completed("Hello"))
    gateway.script(accepted(), delta("Help", 0), completed("Hello"))
    missing = reader.events(gateway.address, send)
    assert kinds(missing) == ["accepted", "delta", "delta", "completed"]
    assert text(missing) == "Hello"
    other = reader.events(gateway.address, send)
    assert kinds(other) == ["accepted", "delta", "restarted", "delta", "completed"]
    assert text(other) == "Hello"


def test_snapshots_are_shown_once_each(reader: Any, gateway: MisbehavingGateway) -> None:
    state = event(0, 0, 0, state=pb.TurnState(revision=3))
    newer = event(0, 0, 0, state=pb.TurnState(revision=4))
    gateway.script(accepted(), state, BROKEN)
    gateway.script(accepted(), state, newer, delta("x", 0), completed("x"))
    events = reader.events(gateway.address, send)
    assert kinds(events) == ["accepted", "state", "state", "delta", "completed"]


def test_a_stream_that_breaks_before_acceptance_is_sent_again_with_the_same_request_id(
    reader: Any, gateway: MisbehavingGateway
) -> None:
    gateway.script(BROKEN)
    gateway.script(accepted(), completed(""))
    assert kinds(reader.events(gateway.address, send)) == ["accepted", "completed"]
    first, second = gateway.calls
    assert first.method == second.method == "SendTurn"
    assert first.request == second.request


def test_a_stream_that_closes_before_the_end_is_resumed(reader: Any, gateway: MisbehavingGateway) -> None:
    gateway.script(accepted(), delta("a", 0))
    gateway.script(accepted(), delta("b", 1), completed("ab"))
    assert text(reader.events(gateway.address, send)) == "ab"


@pytest.mark.parametrize("code", [grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.CANCELLED])
def test_whatever_breaks_an_accepted_turn_is_followed_through(
    reader: Any, gateway: MisbehavingGateway, code: grpc.StatusCode
) -> None:
    gateway.script(accepted(), Fail(code))
    gateway.script(accepted(), delta("ok", 0), completed("ok"))
    assert text(reader.events(gateway.address, send)) == "ok"


class AtFirstText(list[TurnEvent]):
    """Collects events and does something once, when the first text has come."""

    def __init__(self, do: Callable[[], None]) -> None:
        self._do = do
        self._done = False

    def append(self, one: TurnEvent) -> None:
        super().append(one)
        if one.delta.text and not self._done:
            self._done = True
            self._do()

    def extend(self, events: Iterable[TurnEvent]) -> None:
        for one in events:
            self.append(one)


def test_another_gateway_takes_over_when_one_dies(
    reader: Any, gateway: MisbehavingGateway, other_gateway: MisbehavingGateway
) -> None:
    gateway.script(accepted(), delta("one ", 0), Hang())
    other_gateway.script(accepted(), delta("two", 4), completed("one two"))
    addresses = f"{gateway.address},{other_gateway.address}"
    events = reader.events(addresses, send, into=AtFirstText(gateway.stop))
    assert text(events) == "one two"
    assert other_gateway.methods == ["AttachTurn"]


def test_the_only_gateway_may_come_back(reader: Any, gateway: MisbehavingGateway) -> None:
    gateway.script(accepted(), delta("one ", 0), Hang())
    reborn: list[MisbehavingGateway] = []

    def restart() -> None:
        gateway.stop()
        reborn.append(MisbehavingGateway(port=gateway.port))
        reborn[0].script(accepted(), delta("two", 4), completed("one two"))

    try:
        assert text(reader.events(gateway.address, send, into=AtFirstText(restart))) == "one two"
        assert reborn[0].methods == ["AttachTurn"]
    finally:
        reborn[0].stop()


def test_a_position_that_the_gateways_have_forgotten_is_given_up(reader: Any, gateway: MisbehavingGateway) -> None:
    gateway.script(accepted(), delta("Lost", 0, attempt=2), BROKEN)
    gateway.script(Fail(grpc.StatusCode.OUT_OF_RANGE))
    gateway.script(accepted(0, 1), delta("Kept", 0, attempt=1), completed("Kept"))
    events = reader.events(gateway.address, send)
    assert kinds(events) == ["accepted", "delta", "restarted", "delta", "completed"]
    assert text(events) == "Kept"
    assert not gateway.calls[2].request.HasField("position")


def test_a_refusal_is_raised_and_not_repeated(reader: Any, gateway: MisbehavingGateway) -> None:
    gateway.script(Fail(grpc.StatusCode.FAILED_PRECONDITION, "a turn is open", reason="SESSION_BUSY"))
    with pytest.raises(FailedPrecondition, match="a turn is open") as raised:
        reader.events(gateway.address, send)
    assert raised.value.reason == "SESSION_BUSY"
    assert gateway.methods == ["SendTurn"]


def test_patience_ends(reader: Any, gateway: MisbehavingGateway) -> None:
    address = gateway.address
    gateway.stop()
    with pytest.raises(Unavailable):
        reader.events(address, send, policy=RetryPolicy(patience=0.2, first=0.01, longest=0.05))


def test_a_timeout_bounds_the_whole_stream(reader: Any, gateway: MisbehavingGateway) -> None:
    gateway.script(accepted(), Hang())
    with pytest.raises(CallError) as raised:
        reader.events(gateway.address, lambda client: client.send("session_1", "hello", timeout=0.3))
    assert raised.value.code is grpc.StatusCode.DEADLINE_EXCEEDED


def test_attaching_begins_where_it_is_told(reader: Any, gateway: MisbehavingGateway) -> None:
    start = Position(round=0, attempt=1, offset=4)
    gateway.script(accepted(), delta("two", 4), completed("one two"))
    events = reader.events(gateway.address, lambda client: client.attach(TURN, start))
    assert kinds(events) == ["accepted", "delta", "completed"]
    assert text(events) == "two"
    assert gateway.calls[0].request.position == start


def test_a_position_of_an_older_round_is_restarted(reader: Any, gateway: MisbehavingGateway) -> None:
    start = Position(round=0, attempt=3, offset=4)
    script = [accepted(1), restarted(1, round_number=1), delta("new", 0, 1, 1), completed("new", 1, 1)]
    gateway.script(*script)
    assert reader.events(gateway.address, lambda client: client.attach(TURN, start)) == script


def test_a_reply_can_simply_be_awaited(reader: Any, gateway: MisbehavingGateway) -> None:
    gateway.script(completed("42"))
    draft = reader.value(gateway.address, lambda client: client.send("session_1", "?", wait=True).result())
    assert draft.text == "42"
    assert gateway.calls[0].request.wait_for_completion


def test_awaiting_a_turn_that_fails_raises(reader: Any, gateway: MisbehavingGateway) -> None:
    gateway.script(accepted(), failed("ATTEMPTS_EXHAUSTED"))
    with pytest.raises(TurnNotCompleted, match="ATTEMPTS_EXHAUSTED") as raised:
        reader.value(gateway.address, lambda client: send(client).result())
    assert raised.value.event.turn_id == TURN


def test_a_stream_knows_its_turn_and_position(gateway: MisbehavingGateway, reader: Any) -> None:
    gateway.script(accepted(), delta("abc", 0), completed("abc"))

    def read(client: Any) -> Any:
        stream = send(client)
        result = stream.result()
        if not hasattr(result, "__await__"):
            return stream

        async def awaited() -> Any:
            await result
            return stream

        return awaited()

    stream = reader.value(gateway.address, read)
    assert (stream.turn_id, stream.text) == (TURN, "abc")
    assert stream.position == Position(round=0, attempt=1, offset=3)


@pytest.mark.parametrize(
    ("feedback", "basis"),
    [("shorter", "feedback"), (Feedback(rating=2), "feedback"), (None, "resample")],
)
def test_revising_goes_by_words_by_feedback_or_by_chance(
    reader: Any, gateway: MisbehavingGateway, feedback: Any, basis: str
) -> None:
    gateway.script(accepted(1), delta("x", 0, 1, 1), completed("x", 1, 1))
    reader.events(gateway.address, lambda client: client.revise(TURN, feedback, expected_round=0))
    request = gateway.calls[0].request
    assert request.WhichOneof("basis") == basis
    assert request.HasField("expected_round")
    assert request.expected_round == 0


def test_editing_and_retrying_are_streams_too(reader: Any, gateway: MisbehavingGateway) -> None:
    gateway.script(accepted(), completed(""))
    gateway.script(accepted(1), BROKEN)
    gateway.script(accepted(1), completed("", 1, 1))
    reader.events(gateway.address, lambda client: client.edit(TURN, "other words"))
    reader.events(gateway.address, lambda client: client.retry(TURN))
    assert gateway.methods == ["EditTurn", "RetryTurn", "AttachTurn"]
    assert gateway.calls[0].request.text == "other words"
