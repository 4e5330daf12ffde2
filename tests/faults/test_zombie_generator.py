"""A generator stands still past its lease and then goes on: another one has its turns, its own writes match nothing."""

from tests.support.stack import Story
from tests.support.waiting import wait_until


def test_a_generator_that_wakes_after_its_lease_says_and_writes_nothing(story: Story) -> None:
    zombie, _ = story.generators(2)
    told = []
    for caller in story.callers(6):
        told.append(caller.say(150))
        caller.say(5)
        told[-1].wait_for_tokens(5)
    told[0].wait_for_tokens(30)
    zombie.pause()
    at = story.now()
    rescued = wait_until(lambda: [one for one in told if one.place[1] >= 2 and one.tokens >= 5], 30, "a rescue")
    zombie.resume()
    story.check()
    story.assert_answered(rescued, at, "generator stands still (lease 3 s)", 3.0 + 3.0, attempt=2)
    for one in rescued:
        assert one.attempts[:2] == [1, 2]
        assert story.stack.store.turns.get(story.tenant, one.turn)["drafts"][0]["attempt"] == 2


def test_no_write_of_a_former_holder_counts(story: Story) -> None:
    store, tenant = story.stack.store, story.tenant
    (caller,) = story.callers(1)
    told = caller.say(10)
    former = store.steps.take_step(tenant, told.turn, 0)
    assert former is not None
    store.connection.scoped("turns", tenant).update_one(
        {"_id": told.turn}, [{"$set": {"lease_until": "$$NOW", "next_dispatch_at": "$$NOW"}}]
    )
    story.generators(1)
    told.wait_for_attempt(2)
    draft = {"text": "of the dead", "token_ids": [], "attempt": 1, "finish_reason": "stop"}
    holder = former["holder"]
    assert store.steps.renew(tenant, told.turn, holder, "of the dead") is None
    assert not store.steps.finish_draft(tenant, told.turn, holder, 0, draft)
    assert store.steps.fail_turn(tenant, told.turn, "INTERNAL", "of the dead", holder=holder) is None
    assert not store.steps.keep_partial(tenant, told.turn, holder, 0, "of the dead", [])
    story.check()
