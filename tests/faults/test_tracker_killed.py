"""A tracker is killed with turns in its hands: another one, or the sweep, sends them on their way."""

from services.common.settings import CommonSettings
from tests.support.stack import Story
from tests.support.waiting import wait_until

LEASE = CommonSettings.model_fields["lease_seconds"].default


def test_turns_in_its_hands_are_answered_in_the_promised_time(story: Story) -> None:
    story.generators(1)
    killed = story.spawn("tracker", tracker="rules")
    callers = story.callers(6)
    killed.pause()  # what it is given now stays in its hands
    told = [caller.say(30) for caller in callers]
    wait_until(lambda: sum(one.end == "completed" for one in told) >= 2, 30, "turns at the other tracker")
    held = [one for one in told if not one.tokens]
    assert held or story.stack.kind == "redis", "the killed tracker held no turn"
    at = story.kill(killed)
    story.check()
    story.assert_answered(held, at, "tracker killed", 5.0 if story.stack.kind == "rabbitmq" else LEASE + 3.0)


def test_the_only_tracker_dies_and_comes_back(story: Story) -> None:
    story.generators(1)
    tracker = story.stack.tracker
    assert tracker is not None
    callers = story.callers(4)
    tracker.pause()
    for caller in callers:
        caller.say(10)
        caller.say(10)
    tracker.kill()
    tracker.start()
    story.check()
