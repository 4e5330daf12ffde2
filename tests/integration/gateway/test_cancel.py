"""Cancelling: prompt, decided by one write, and heard by everyone."""

import time

from antiphon.v1 import conversation_pb2 as pb

from tests.support.gateway import Client, FakeWorkers, Gateways, Script, events_of, held_script, kinds
from tests.support.waiting import wait_until


def test_a_cancel_stops_the_engine_ends_the_stream_and_keeps_the_text(client: Client, workers: FakeWorkers) -> None:
    workers.script = lambda _text: held_script()
    stream = client.send(client.session(), "hi")
    turn = next(one.event.turn_id for one in stream if one.event.WhichOneof("event") == "delta")
    answer = client.cancel(turn)
    assert answer.outcome == pb.CANCEL_OUTCOME_CANCELLED
    assert events_of(stream)[-1].cancelled.reason == pb.CANCEL_REASON_REQUESTED
    kept = wait_until(lambda: client.turn(turn).drafts, message="the partial text")
    assert (kept[0].text, kept[0].finish_reason) == ("one", pb.FINISH_REASON_CANCELLED)
    assert client.cancel(turn).outcome == pb.CANCEL_OUTCOME_ALREADY_CANCELLED


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
