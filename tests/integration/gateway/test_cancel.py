"""Cancelling: prompt, decided by one write, and heard by everyone."""

import time

import grpc
import pytest
from antiphon.v1 import conversation_pb2 as pb

from tests.support.gateway import Client, FakeWorkers, Gateways, Script, events_of, held_script, kinds
from tests.support.waiting import wait_until


def test_a_cancel_stops_the_engine_ends_the_stream_and_keeps_the_text(client: Client, workers: FakeWorkers) -> None:
    workers.script = lambda _text: held_script()
    stream = client.send(client.session(), "hi")
    turn = next(one.event.turn_id for one in stream if one.event.WhichOneof("event") == "delta")
    answer = client.cancel(turn)
    assert answer.outcome == pb.CANCEL_OUTCOME_CANCELLED
    assert [draft.text for draft in answer.turn.drafts] == ["one"], "at once, before any renewal has stored it"
    ended = events_of(stream)[-1].cancelled
    assert (ended.reason, ended.draft.text) == (pb.CANCEL_REASON_REQUESTED, "one")
    kept = wait_until(lambda: client.turn(turn).drafts, message="the partial text")
    assert (kept[0].text, kept[0].finish_reason) == ("one", pb.FINISH_REASON_CANCELLED)
    assert client.cancel(turn).outcome == pb.CANCEL_OUTCOME_ALREADY_CANCELLED


def test_an_interrupted_stream_ends_with_what_it_has_said(client: Client, workers: FakeWorkers) -> None:
    workers.script = lambda text: held_script() if text == "first" else Script()
    session = client.session(policy=pb.DOUBLE_TEXTING_POLICY_INTERRUPT)
    first = client.send(session, "first")
    next(one for one in first if one.event.WhichOneof("event") == "delta")
    assert kinds(events_of(client.send(session, "second")))[-1] == "completed"
    ended = events_of(first)[-1].cancelled
    assert (ended.reason, ended.draft.text) == (pb.CANCEL_REASON_INTERRUPTED, "one")


def test_a_cancel_of_a_turn_that_said_nothing_has_no_draft(client: Client, workers: FakeWorkers) -> None:
    workers.script = lambda _text: Script(pieces=["one"], hold_after=0)
    stream = client.send(client.session(), "hi")
    turn = next(stream).event.turn_id
    wait_until(lambda: turn in workers.taken, message="the take")
    answer = client.cancel(turn)
    assert not answer.turn.drafts
    assert not events_of(stream)[-1].cancelled.HasField("draft")


def test_a_cancel_by_who_does_not_follow_the_turn_tells_the_text_too(
    client: Client, gateways: Gateways, tenant: str, workers: FakeWorkers
) -> None:
    process, address = gateways.start()
    other = gateways.client(address, tenant)
    workers.script = lambda _text: held_script()

    def told() -> list[str]:
        stream = client.send(client.session(), "hi")
        turn = next(one.event.turn_id for one in stream if one.event.WhichOneof("event") == "delta")
        return [draft.text for draft in other.cancel(turn).turn.drafts]

    wait_until(lambda: told() == ["one"], 60, "an answer before which the engine could store its text")
    process.terminate()


def test_what_has_ended_is_not_cancelled(client: Client, workers: FakeWorkers) -> None:
    turn = events_of(client.send(client.session(), "hi"))[0].turn_id
    assert client.cancel(turn).outcome == pb.CANCEL_OUTCOME_ALREADY_COMPLETED


def test_a_cancel_lets_the_next_turn_go(client: Client, workers: FakeWorkers) -> None:
    workers.script = lambda text: held_script() if text == "first" else Script()
    session = client.session()
    first, second = client.send(session, "first"), None
    turn = next(one.event.turn_id for one in first if one.event.WhichOneof("event") == "delta")
    second = client.send(session, "second")
    assert next(second).event.accepted.status == pb.TURN_STATUS_WAITING
    client.cancel(turn)
    assert kinds(events_of(second))[-1] == "completed"


def test_a_cancel_at_another_gateway_is_heard(
    client: Client, gateways: Gateways, tenant: str, workers: FakeWorkers
) -> None:
    process, address = gateways.start()
    other = gateways.client(address, tenant)
    workers.script = lambda _text: held_script()
    stream = client.send(client.session(), "hi")
    turn = next(one.event.turn_id for one in stream if one.event.WhichOneof("event") == "delta")
    started = time.monotonic()
    assert other.cancel(turn).outcome == pb.CANCEL_OUTCOME_CANCELLED
    assert kinds(events_of(stream))[-1] == "cancelled"
    assert time.monotonic() - started < 0.9, "by event, and not by the watch"
    process.terminate()


def test_a_repeated_cancel_is_answered_as_the_first_and_touches_no_later_round(
    client: Client, workers: FakeWorkers
) -> None:
    workers.script = lambda _text: held_script()
    stream = client.send(client.session(), "hi")
    turn = next(one.event.turn_id for one in stream if one.event.WhichOneof("event") == "delta")
    request = pb.CancelTurnRequest(turn_id=turn, request_id="c1")
    later = pb.CancelTurnRequest(turn_id=turn, request_id="c2")
    asked = [request, request, later, later, request]
    outcomes = [client.call("CancelTurn", one).outcome for one in asked]
    now, already = pb.CANCEL_OUTCOME_CANCELLED, pb.CANCEL_OUTCOME_ALREADY_CANCELLED
    assert outcomes == [now, now, already, already, now]

    workers.script = lambda _text: Script()
    done = events_of(client.send(client.session(), "hi"))[0].turn_id
    with pytest.raises(grpc.RpcError) as used:
        client.call("CancelTurn", pb.CancelTurnRequest(turn_id=done, request_id="c1"))
    assert used.value.code() == grpc.StatusCode.ALREADY_EXISTS
    late = pb.CancelTurnRequest(turn_id=done, request_id="c3")
    assert client.call("CancelTurn", late).outcome == pb.CANCEL_OUTCOME_ALREADY_COMPLETED
    workers.script = lambda _text: held_script()
    revised = client.revise(done, resample=pb.Resample())
    next(one for one in revised if one.event.WhichOneof("event") == "delta")
    assert client.call("CancelTurn", late).outcome == pb.CANCEL_OUTCOME_ALREADY_COMPLETED
    assert client.turn(done).status == pb.TURN_STATUS_ACTIVE, "it was the first draft that it was about"
