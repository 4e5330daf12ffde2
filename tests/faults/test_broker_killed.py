"""The broker dies in the middle of drafts, with its memory: all turns end once and in order, streams go on."""

import pytest
from antiphon.v1 import conversation_pb2 as pb

from services.common.bus import connection
from services.common.errors import Unavailable
from tests.support.stack import Story


def test_all_turns_are_answered_when_it_comes_back_empty(story: Story) -> None:
    story.generators(2)
    callers = story.callers(4)
    told = []
    for caller in callers:
        told.append(caller.say(100))
        caller.say(10)
    told[-1].wait_for_tokens(5)
    story.stack.broker.kill()
    accepted = [caller.say(10) for caller in callers]
    (newcomer,) = story.callers(1)
    accepted.append(newcomer.say(10))  # nobody is sent anything about this one
    story.wait_for_finished(told)
    story.stack.broker.restart_empty()
    at = story.now()
    story.check()
    assert all(one.attempts == [1] for one in told), "drafts in work need no broker"
    story.assert_answered(accepted, at, "broker back empty", 20.0)


def test_a_broker_that_hangs_delays_and_loses_nothing(story: Story) -> None:
    story.generators(1)
    callers = story.callers(3)
    told = [caller.say(60) for caller in callers]
    told[-1].wait_for_tokens(5)
    story.stack.broker.pause()
    at = story.now()
    for _ in range(12):  # more than there are threads: none of them waits for the broker
        for caller in callers:
            caller.say(2)
            caller.call("GetSession", pb.GetSessionRequest(session_id=caller.session))
    story.measured("broker hangs: 36 turns accepted after", story.now() - at)
    assert story.now() - at < 10.0
    story.wait_for_finished(told)  # the drafts are stored though nobody can be told by event
    story.stack.broker.resume()
    story.check()


def test_publishing_to_a_broker_that_hangs_ends_at_its_deadline(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PUBLISH_DEADLINE", 1.0)
    bus = story.bus()
    bus.publish_raw("nobody.reads.this", b"{}", persistent=True)
    story.stack.broker.pause()

    def publish_until_refused() -> float:
        for _ in range(10):  # the first ones may still get through
            begun = story.now()
            try:
                bus.publish_raw("nobody.reads.this", b"{}", persistent=True)
            except Unavailable:
                return story.now() - begun
        raise AssertionError("a broker that hangs has confirmed ten messages")

    assert publish_until_refused() < 5.0
    story.stack.broker.resume()
    bus.publish_raw("nobody.reads.this", b"{}", persistent=True)
    bus.close()
