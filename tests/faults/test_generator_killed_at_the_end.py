"""A generator dies after it has stored a draft's end and before it says so or calls the next turn."""

from datetime import UTC, datetime, timedelta

from services.common.bus import TurnMessage, topology
from services.common.store import Store
from tests.support.stack import Story
from tests.support.waiting import wait_until


def finish_and_die(store: Store, tenant: str, turn: str, text: str) -> None:
    """The writes of a generator that is gone right after them."""
    taken = store.steps.take_step(tenant, turn, 0)
    assert taken is not None
    draft = {
        "text": text,
        "token_ids": [],
        "attempt": 1,
        "finish_reason": "stop",
        "manifest": {"history_draft_ids": []},
    }
    assert store.steps.finish_draft(tenant, turn, taken["holder"], 0, draft)


def test_the_user_hears_the_end_and_the_next_turn_goes(story: Story) -> None:
    store, tenant = story.stack.store, story.tenant
    (caller,) = story.callers(1)
    told = caller.say(10)
    caller.say(10)
    finish_and_die(store, tenant, told.turn, told.words)
    assert told.wait_for_end(5) == "completed"  # no event has said so: a gateway looks after silent streams
    story.generators(1)
    story.check()


def test_the_next_turn_is_looked_at_often_however_long_it_has_waited(story: Story) -> None:
    store, tenant = story.stack.store, story.tenant
    (caller,) = story.callers(1)
    told, waiting = caller.say(10), caller.say(10)
    turns = store.connection.scoped("turns", tenant)
    # as after an hour behind a long turn
    turns.update_one({"_id": waiting.turn}, {"$set": {"dispatches": 8, "next_dispatch_at": datetime.now(UTC)}})
    wait_until(lambda: store.turns.get(tenant, waiting.turn)["dispatches"] > 8, message="a look of the sweep")
    assert store.turns.get(tenant, waiting.turn)["next_dispatch_at"] <= datetime.now(UTC) + timedelta(seconds=10)
    finish_and_die(store, tenant, told.turn, told.words)
    story.generators(1)
    story.check()


def test_a_message_of_an_ended_turn_calls_the_next(story: Story) -> None:
    store, tenant = story.stack.store, story.tenant
    (caller,) = story.callers(1)
    told, waiting = caller.say(10), caller.say(10)
    for gateway in story.stack.gateways:
        gateway.pause()  # no sweep
    finish_and_die(store, tenant, told.turn, told.words)
    bus = story.bus()
    bus.publish_turn(topology.GENERATE, TurnMessage.of_turn(store.turns.get(tenant, told.turn)))
    bus.close()
    story.generators(1)
    wait_until(lambda: store.turns.get(tenant, waiting.turn)["status"] == "completed", 60, "the next turn")
    for gateway in story.stack.gateways:
        gateway.resume()
    story.check()
