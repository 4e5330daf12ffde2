"""A knowledge worker is killed with turns in its hands: another one, or the sweep, sends them on their way."""

from services.common.settings import CommonSettings
from tests.support.stack import Story
from tests.support.waiting import wait_until

LEASE = CommonSettings.model_fields["lease_seconds"].default


def test_turns_in_its_hands_are_answered_in_the_promised_time(story: Story) -> None:
    story.generators(1)
    killed = story.spawn("knowledge", "ground", ground_threads=1)
    callers = story.callers(6)
    killed.pause()  # what it is given now stays in its hands
    told = [caller.say(30) for caller in callers]
    wait_until(lambda: sum(one.end == "completed" for one in told) >= 2, 30, "turns at the other worker")
    held = [one for one in told if not one.tokens]
    assert held or story.stack.kind == "redis", "the killed worker held no turn"
    at = story.kill(killed)
    story.check()
    story.assert_answered(held, at, "knowledge worker killed", 5.0 if story.stack.kind == "rabbitmq" else LEASE + 3.0)
