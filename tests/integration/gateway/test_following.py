"""Streams that break, move, miss events or read slowly, and still end with the whole text."""

import json
import time
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from antiphon.v1 import common_pb2
from antiphon.v1 import conversation_pb2 as pb

from services.common.bus.events import event, viewers_of
from tests.support.gateway import Client, FakeWorkers, Gateways, Script, events_of, held_script, kinds, text_of
from tests.support.waiting import wait_until


def read_until(stream: Iterator[Any], kind: str) -> list[pb.TurnEvent]:
    """Events up to the first of this kind."""
    seen = []
    for response in stream:
        seen.append(response.event)
        if response.event.WhichOneof("event") == kind:
            return seen
    raise AssertionError(f"the stream ended without {kind}")


def test_a_client_that_leaves_cancels_nothing(client: Client, workers: FakeWorkers) -> None:
    script = held_script()
    workers.script = lambda _text: script
    stream = client.send(client.session(), "hi")
    turn = read_until(stream, "delta")[0].turn_id
    stream.cancel()
    script.go.set()
    wait_until(lambda: client.turn(turn).status == pb.TURN_STATUS_COMPLETED, message="the turn's completion")


def test_a_stream_resumes_where_it_broke(client: Client, workers: FakeWorkers) -> None:
    script = held_script()
    workers.script = lambda _text: script
    stream = client.send(client.session(), "hi")
    seen = read_until(stream, "delta")
    stream.cancel()
    resumed = client.attach(seen[0].turn_id, position=seen[-1].position)
    read_until(resumed, "accepted")
    script.go.set()
    rest = events_of(resumed)
    assert text_of(seen + rest) == "one two three"
    assert "restarted" not in kinds(rest)


def test_a_stream_resumes_at_another_gateway(
    client: Client, gateways: Gateways, tenant: str, workers: FakeWorkers
) -> None:
    process, address = gateways.start()
    other = gateways.client(address, tenant)
    script = held_script()
    workers.script = lambda _text: script
    stream = client.send(client.session(), "hi")
    seen = read_until(stream, "delta")
    stream.cancel()
    moved = other.attach(seen[0].turn_id, position=seen[-1].position)
    read_until(moved, "accepted")
    script.go.set()
    assert text_of(seen + events_of(moved)) == "one two three"
    process.terminate()


def test_a_killed_gateway_costs_its_callers_no_text(
    client: Client, gateways: Gateways, tenant: str, workers: FakeWorkers
) -> None:
    process, address = gateways.start()
    script = held_script()
    workers.script = lambda _text: script
    doomed = gateways.client(address, tenant)
    stream = doomed.send(client.session(), "hi")
    seen = read_until(stream, "delta")
    process.kill()
    with pytest.raises(grpc.RpcError) as broken:
        events_of(stream)
    assert broken.value.code() == grpc.StatusCode.UNAVAILABLE
    resumed = client.attach(seen[0].turn_id, position=seen[-1].position)
    read_until(resumed, "accepted")
    script.go.set()
    assert text_of(seen + events_of(resumed)) == "one two three"


def test_an_ended_turn_is_told_from_the_start_or_from_a_position(client: Client, workers: FakeWorkers) -> None:
    turn = events_of(client.send(client.session(), "hi"))[0].turn_id
    whole = events_of(client.attach(turn))
    assert text_of(whole) == "Hello there, how are you?"
    assert kinds(whole)[-1] == "completed"
    part = events_of(client.attach(turn, position=common_pb2.Position(round=0, attempt=1, offset=5)))
    assert [one.delta.text for one in part if one.WhichOneof("event") == "delta"] == [" there, how are you?"]
    assert kinds(events_of(client.attach(turn, wait_for_completion=True))) == ["completed"]
    with pytest.raises(grpc.RpcError) as beyond:
        events_of(client.attach(turn, position=common_pb2.Position(round=1)))
    assert beyond.value.code() == grpc.StatusCode.OUT_OF_RANGE


def test_a_position_of_an_earlier_attempt_begins_anew(client: Client, workers: FakeWorkers) -> None:
    turn = events_of(client.send(client.session(), "hi"))[0].turn_id
    events_of(client.revise(turn, resample=pb.Resample()))
    events = events_of(client.attach(turn, position=common_pb2.Position(round=0, attempt=1, offset=7)))
    assert kinds(events) == ["accepted", "restarted", "delta", "completed"]
    assert events[-1].position.round == 1


def test_lost_events_are_asked_for(client: Client, workers: FakeWorkers) -> None:
    script = held_script("one", " two", " three", after=2)
    workers.script = lambda _text: script
    said = workers._say
    dropped = []

    def lossy(turn: dict[str, Any], offset: int, text: str) -> None:
        if text == " two" and not dropped:
            dropped.append(text)
            return
        said(turn, offset, text)

    workers._say = lossy  # type: ignore[method-assign]
    try:
        stream = client.send(client.session(), "hi")
        seen = read_until(stream, "delta")
        # what follows the gap makes it known
        held = wait_until(lambda: list(workers._held.values()), message="a held turn")[0]
        said(held[1], 7, " thr")
        wait_until(lambda: any(one["op"] == "attach" for one in workers.commands), message="the question")
        script.go.set()
        assert text_of(seen + events_of(stream)) == "one two three"
    finally:
        workers._say = said  # type: ignore[method-assign]


def test_an_end_that_no_event_brings_is_found(client: Client, workers: FakeWorkers) -> None:
    put = workers.events.put
    workers.events.put = lambda *_: None  # type: ignore[method-assign]
    try:
        started = time.monotonic()
        events = events_of(client.send(client.session(), "hi"))
        assert text_of(events) == "Hello there, how are you?"
        assert time.monotonic() - started < 4
    finally:
        workers.events.put = put  # type: ignore[method-assign]


def test_another_attempt_is_announced(client: Client, workers: FakeWorkers) -> None:
    script = held_script()
    workers.script = lambda _text: script
    stream = client.send(client.session(), "hi")
    seen = read_until(stream, "delta")
    turn = workers.store.turns.get(wait_until(lambda: list(workers._held.values()))[0][1]["tenant"], seen[0].turn_id)
    workers.events.put(turn["reply_to"], event(turn["_id"], "delta", 0, 2, 0, text="another"))
    later = read_until(stream, "delta")
    assert kinds(later) == ["restarted", "delta"]
    assert (later[0].restarted.reason, later[1].delta.text) == ("WORKER_LOST", "another")
    stream.cancel()


def test_a_slow_client_gets_the_whole_text_and_hinders_nobody(client: Client, workers: FakeWorkers) -> None:
    pieces = [f"{number:05d} " * 40 for number in range(3_000)]  # 720 kB: far more than any buffer on the way
    workers.script = lambda text: Script(pieces) if text == "long" else Script()
    slow = client.send(client.session(), "long")
    read_until(slow, "delta")
    assert kinds(events_of(client.send(client.session(), "quick")))[-1] == "completed"
    turn = workers.taken[0]
    wait_until(lambda: client.turn(turn).status == pb.TURN_STATUS_COMPLETED, 30, "the long turn's completion")
    events = events_of(client.attach(turn))
    assert text_of(events) == "".join(pieces)
    rest = events_of(slow)
    assert rest[-1].completed.draft.text == "".join(pieces)
    assert rest[-1].position.offset == len("".join(pieces))


def test_repeating_a_request_follows_the_turn_it_made(client: Client, workers: FakeWorkers) -> None:
    script = held_script()
    workers.script = lambda _text: script
    session = client.session()
    first = client.send(session, "hi", request_id="once")
    seen = read_until(first, "delta")
    again = client.send(session, "hi", request_id="once")
    repeated = read_until(again, "accepted")[0]
    assert repeated.turn_id == seen[0].turn_id
    assert repeated.accepted.repeated_request
    script.go.set()
    assert text_of(events_of(again)) == "one two three"
    assert text_of(events_of(client.send(session, "hi", request_id="once"))) == "one two three"
    assert len(client.call("ListTurns", pb.ListTurnsRequest(session_id=session)).turns) == 1
    with pytest.raises(grpc.RpcError) as other:
        events_of(client.send(session, "something else", request_id="once"))
    assert other.value.code() == grpc.StatusCode.ALREADY_EXISTS
    assert json.dumps(other.value.details())


def test_a_second_viewer_at_another_gateway_silences_nobody(
    client: Client, gateways: Gateways, tenant: str, workers: FakeWorkers
) -> None:
    process, address = gateways.start()
    other = gateways.client(address, tenant)
    script = held_script()
    workers.script = lambda _text: script
    stream = client.send(client.session(), "hi")
    seen = read_until(stream, "delta")
    second = other.attach(seen[0].turn_id)
    watched = read_until(second, "delta")
    turn = workers.store.turns.get(tenant, seen[0].turn_id)
    workers.events.put_all(viewers_of(turn), event(turn["_id"], "delta", 0, 1, 3, text=" two"))
    seen += read_until(stream, "delta")
    watched += read_until(second, "delta")
    assert text_of(seen) == text_of(watched) == "one two", "while it is written"
    script.go.set()
    assert text_of(seen + events_of(stream)) == text_of(watched + events_of(second)) == "one two three"
    process.terminate()
