"""Messages that nobody can read, and a turn that kills every generator: both end, and harm no other turn."""

from services.common.bus import topology
from tests.support.programs.mortal_generator import DEADLY
from tests.support.stack import Story
from tests.support.waiting import wait_until


def test_unreadable_messages_go_to_the_dead_letters(story: Story) -> None:
    bus = story.bus()
    story.generators(1)
    callers = story.callers(3)
    bodies = set()
    for queue in topology.TURN_QUEUES:
        for nonsense in (b"\xff\xfe no json", b"[]", b'{"v": 1, "tenant": 7}'):
            body = nonsense + b" " * (len(bodies) + 1)  # all different
            bodies.add(body)
            bus.publish_raw(queue, body, persistent=True)
        for caller in callers:
            caller.say(10)
    story.check()
    found: set[bytes] = set()

    def all_dead() -> bool:
        with bus.connect() as connection:
            queue = topology.dead_queue(redis=bus.redis)(connection.default_channel)
            while (message := queue.get(no_ack=True)) is not None:
                found.add(message.body if isinstance(message.body, bytes) else str(message.body).encode())
        return len(found) >= len(bodies)

    wait_until(all_dead, 60, f"{len(bodies)} dead letters", interval=0.2)
    bus.close()


def test_a_turn_that_kills_every_generator_fails_and_the_others_are_answered(story: Story) -> None:
    generator = story.program("mortal_generator", engine="echo", lease_seconds=1, renew_seconds=0.2, silent_seconds=0.5)
    callers = story.callers(4)
    before = [caller.say(10) for caller in callers]
    for told in before:
        told.wait_for_end()
    deadly = callers[0].say(words=f"{DEADLY} please", expected=("failed",))
    callers[0].say(10)  # the session goes on after it
    wait_until(lambda: "a life has ended" in generator.log(), 30, "a death", interval=0.05)
    for caller in callers[1:]:
        caller.say(10)
        caller.say(10)
    story.check()
    turn = story.stack.store.turns.get(story.tenant, deadly.turn)
    assert turn["failure"]["reason"] == "ATTEMPTS_EXHAUSTED"
    assert turn["attempt"] == 5
    assert generator.log().count("a life has ended") == 5
