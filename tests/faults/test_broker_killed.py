"""The broker dies in the middle of drafts, with its memory: all turns end once and in order, streams go on."""

from tests.support.stack import Story


def test_drafts_in_work_are_finished_when_it_comes_back_empty(story: Story) -> None:
    story.generators(2)
    callers = story.callers(4)
    told = []
    for caller in callers:
        told.append(caller.say(100))
        caller.say(10)
    told[-1].wait_for_tokens(5)
    story.stack.broker.restart_empty()
    at = story.now()
    for caller in callers:
        caller.say(10)
    story.check()
    assert all(one.attempts == [1] for one in told), "drafts in work need no broker"
    story.assert_answered(told, at, "broker back empty", 10.0)


def test_turns_accepted_while_it_is_away_are_answered(story: Story) -> None:
    story.generators(1)
    callers = story.callers(3)
    story.stack.broker.kill()
    for caller in callers:
        caller.say(10)
        caller.say(10)
    story.stack.broker.start()
    at = story.now()
    story.check()
    story.assert_answered(story.history.told, at, "accepted without a broker", 20.0)


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
