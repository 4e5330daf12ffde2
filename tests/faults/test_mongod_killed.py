"""mongod dies in the middle of drafts and comes back with what was journaled: all turns end once and in order."""

from antiphon.client import Client
from antiphon.v1.conversation_pb2 import CreateSessionRequest
from antiphon.v1.state_pb2 import GetStateRequest, PutSchemaRequest

from tests.support.stack import Story

SCHEMA = """
services:
  visit:
    description: A technician's visit
    intents:
      book: {description: Book a visit}
    slots:
      plan: {description: The plan of the customer, values: [Basic, Family]}
"""


def test_drafts_in_work_are_finished_when_it_comes_back(story: Story) -> None:
    story.generators(2)
    callers = story.callers(4)
    told = []
    for caller in callers:
        told.append(caller.say(100))
        caller.say(10)
    told[-1].wait_for_tokens(5)
    story.stack.mongo.program.kill()
    sent = [caller.send(10) for caller in callers]  # asked for while it is away
    story.stack.mongo.start()
    at = story.now()
    story.check()
    assert all(one.turn for one in sent)
    story.assert_answered(sent, at, "mongod back", 20.0)


def test_drafts_that_end_while_it_is_away_are_stored_when_it_is_back(story: Story) -> None:
    story.generators(1)
    told = [caller.say(40) for caller in story.callers(4)]
    told[-1].wait_for_tokens(5)
    told[0].wait_for_tokens(30)
    story.stack.mongo.program.kill()
    for one in told:
        one.wait_for_text()
    story.stack.mongo.start()
    story.check()


def test_it_and_the_broker_die_together(story: Story) -> None:
    story.generators(1)
    callers = story.callers(3)
    told = []
    for caller in callers:
        told.append(caller.say(60))
        caller.say(10)
    told[-1].wait_for_tokens(5)
    story.stack.mongo.program.kill()
    story.stack.broker.kill()
    story.stack.broker.start()
    story.stack.mongo.start()
    story.check()


def test_a_turn_has_its_state_though_the_database_was_away_when_it_was_read(story: Story) -> None:
    story.generators(1)
    mongo, shared = story.stack.mongo, story.stack.tracker
    assert shared is not None
    shared.kill()
    tracker = story.spawn("tracker", tracker="rules", mongo_url=f"{mongo.url}&serverSelectionTimeoutMS=1000")
    with Client(story.stack.addresses, key=story.key) as client:
        client.states.PutSchema(PutSchemaRequest(name="visits", definition=SCHEMA))
        request = CreateSessionRequest(user_id="ada", schema_name="visits")
        session = client.conversations.CreateSession(request).session.id
        tracker.pause()
        stream = client.send(session, "I have the Family plan.", without_knowledge=True)
        next(stream)
        mongo.program.kill()
        tracker.resume()
        tracker.wait_for_log("database_away")
        mongo.start()
        assert stream.result().text
        state = client.states.GetState(GetStateRequest(session_id=session)).snapshot.state
        assert [slot.value for slot in state.services["visit"].slots.values()] == ["Family"]
