"""Every message of a turn is delivered twice: it is answered once, and its text comes once."""

from services.common.bus import TurnMessage, topology
from tests.support.stack import Story


def test_each_step_may_get_its_message_twice(story: Story) -> None:
    bus = story.bus()
    story.generators(2)
    told = []
    for caller in story.callers(3):
        told.append(caller.say(40))
        caller.say(10)
    for one in told:
        message = TurnMessage.of_turn(story.stack.store.turns.get(story.tenant, one.turn))
        for queue in topology.TURN_QUEUES:
            bus.publish_turn(queue, message)
        one.wait_for_tokens(5)
        for queue in topology.TURN_QUEUES:
            bus.publish_turn(queue, message)
    bus.close()
    story.check()
    assert all(one.attempts == [1] for one in story.history.told)


def test_messages_of_ended_turns_change_nothing(story: Story) -> None:
    bus = story.bus()
    story.generators(1)
    (caller,) = story.callers(1)
    told = caller.say(10)
    told.wait_for_end()
    message = TurnMessage.of_turn(story.stack.store.turns.get(story.tenant, told.turn))
    for queue in topology.TURN_QUEUES * 2:
        bus.publish_turn(queue, message)
    caller.say(20)
    bus.close()
    story.check()
