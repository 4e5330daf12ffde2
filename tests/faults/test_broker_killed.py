"""The broker dies in the middle of drafts, with its memory: all turns end once and in order, streams go on."""

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
    for caller in callers:
        caller.say(10)
    story.wait_for_finished(told)  # the drafts are stored though nobody can be told by event
    story.stack.broker.resume()
    story.check()
