"""A gateway is killed: its users go on at another one with no text lost, doubled or mixed."""

from antiphon.client import Client
from antiphon.v1.conversation_pb2 import CreateSessionRequest, GetSessionRequest

from services.common.ids import new_id
from services.common.store import NewTurn, Request, TurnLimits
from tests.support.stack import Story
from tests.support.waiting import wait_until


def test_users_go_on_at_another_gateway_from_where_they_stood(story: Story) -> None:
    story.generators(2)
    told = []
    for caller in story.callers(6):
        told.append(caller.say(80))
        caller.say(10)  # waits behind the other, and its gateway will be gone when it begins
        told[-1].wait_for_tokens(2)
    told[0].wait_for_tokens(25)
    at = story.kill(story.stack.gateways[0])
    story.check()
    assert all(one.streams >= 2 for one in told)
    assert all(one.attempts == [1] for one in told), "a gateway's death is none of the generators' business"
    story.assert_answered(told, at, "gateway killed", 5.0, stream=2)


def test_what_was_asked_in_the_moment_of_its_death_is_answered_once(story: Story) -> None:
    story.generators(1)
    callers = story.callers(8)
    turns = story.stack.store.connection.scoped("turns", story.tenant)
    for caller in callers:
        caller.send(10)
    wait_until(lambda: turns.count({}) >= 2, message="some turns accepted, others on their way")
    story.stack.gateways[0].kill()
    story.check()


def test_what_a_gateway_accepted_and_never_sent_is_answered(story: Story) -> None:
    story.generators(1)
    (caller,) = story.callers(1)
    # The write of a gateway that died right after it.
    request = Request("SendTurn", new_id("request"), "")
    new = NewTurn(session=caller.session, text="said to a dead gateway", request=request, user=caller.name)
    turn = story.stack.store.turns.accept_turn(story.tenant, new, TurnLimits()).turn
    caller.attach(turn["_id"], turn["text"])
    story.check()


def test_the_client_leaves_a_gateway_that_hangs_with_its_sockets_open(story: Story) -> None:
    story.generators(1)
    with Client(story.stack.addresses, key=story.key) as client:
        session = client.conversations.CreateSession(CreateSessionRequest(user_id="ada")).session.id
        stream = client.send(session, "word " * 400, without_knowledge=True)
        while "word word" not in stream.text:
            next(stream)
        hung = story.now()
        story.stack.gateways[0].pause()
        assert stream.result().text.split() == ["word"] * 400
        story.measured("gateway hangs: to the reply's end at another one", story.now() - hung)
        other = client.conversations.GetSession(GetSessionRequest(session_id=session)).session.id
        assert other == session
    assert story.now() - hung <= 30.0
    story.stack.gateways[0].resume()
