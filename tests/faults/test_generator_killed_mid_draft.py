"""A generator is killed at the n-th token: another one writes the draft, and the user waits no longer than promised."""

from services.common.settings import CommonSettings
from tests.support.stack import Story

LEASE = CommonSettings.model_fields["lease_seconds"].default


def test_another_generator_goes_on_in_the_promised_time(story: Story) -> None:
    defaults = {name: CommonSettings.model_fields[name].default for name in ("renew_seconds", "silent_seconds")}
    killed, _ = story.generators(2, lease_seconds=LEASE, **defaults)
    told = []
    for caller in story.callers(6):
        told.append(caller.say(80))
        caller.say(5)  # waits behind the other
        told[-1].wait_for_tokens(2)  # so that the kill meets each draft at another token
    told[0].wait_for_tokens(25)
    at = story.kill(killed)
    story.check()
    again = [one for one in told if len(one.attempts) > 1]
    assert again, "the killed generator held no turn"
    assert len(again) < len(told), "the other generator's turns began anew too"
    # RabbitMQ hands the message to another generator at once, which waits until its holder was silent for long;
    # Redis forgets what was in hand, and the sweep finds it when the lease is over.
    within = 5.0 if story.stack.kind == "rabbitmq" else LEASE + 3.0
    story.assert_answered(again, at, "generator killed", within, attempt=2)


def test_the_only_generator_dies_again_and_again_and_comes_back(story: Story) -> None:
    (generator,) = story.generators(1, lease_seconds=1, renew_seconds=0.2, silent_seconds=0.5)
    callers = story.callers(3)
    first = [caller.say(30) for caller in callers]
    for caller in callers:
        caller.say(30)
        caller.say(10)
    for told, token in zip(first, (1, 20), strict=False):
        told.wait_for_tokens(token)
        generator.kill()
        generator.start()
        generator.until_ready()
    story.check()


def test_a_generator_that_waits_to_take_a_turn_over_ends_at_once_when_asked_to(story: Story) -> None:
    if story.stack.kind != "rabbitmq":
        return  # Redis hands nothing over: the sweep does, and nobody waits
    patience = {"lease_seconds": 60, "renew_seconds": 2, "silent_seconds": 40}
    (first,) = story.generators(1, **patience)
    (caller,) = story.callers(1)
    told = caller.say(500)
    told.wait_for_tokens(2)
    (second,) = story.generators(1, **patience)
    story.kill(first)
    second.wait_for_log("takeover_waits")
    asked = story.now()
    second.stop(20.0)
    story.measured("drained with a takeover waiting", story.now() - asked)
    assert story.now() - asked < 10.0
    story.generators(1, lease_seconds=3, silent_seconds=1, renew_seconds=0.5)
    told.wait_for_end(60.0)
    story.check()
