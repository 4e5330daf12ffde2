"""A turn that waits inside a generator for others to finish is not taken for a dead one."""

from tests.support.stack import Story


def test_a_wait_longer_than_the_lease_is_no_attempt(story: Story) -> None:
    story.generators(1, max_batch_size=1, lease_seconds=1, renew_seconds=0.2, silent_seconds=0.5)
    told = [caller.say(40) for caller in story.callers(4)]  # each takes the only row for about as long as a lease
    story.check()
    assert [one.attempts for one in told] == [[1]] * 4
