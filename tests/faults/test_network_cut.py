"""The network between the services and their broker or database is cut, or lets nothing through for a while."""

from collections.abc import Iterator

import pytest

from deploy.local.ports import free_port
from tests.support.callers import Caller
from tests.support.proxy import Proxy
from tests.support.stack import Story


@pytest.fixture
def to_broker(story: Story) -> Iterator[Proxy]:
    server = story.stack.broker.server
    assert server is not None
    proxy = Proxy(server.port)
    yield proxy
    proxy.close()


@pytest.fixture
def to_mongod(story: Story) -> Iterator[Proxy]:
    proxy = Proxy(story.stack.mongo.port)
    yield proxy
    proxy.close()


@pytest.fixture
def callers(story: Story, to_broker: Proxy, to_mongod: Proxy) -> list[Caller]:
    """Users of a gateway that has no way but the proxies, as the tracker and the generator behind it."""
    url = story.stack.broker.url.replace(f":{to_broker.target}/", f":{to_broker.port}/")
    ways = {
        "broker_url": url,
        "mongo_url": f"mongodb://127.0.0.1:{to_mongod.port}/?directConnection=true",
    }
    port = free_port()
    story.spawn("gateway", gateway_port=port, **ways)
    story.spawn("tracker", tracker="rules", **ways)
    story.generators(1, **ways)
    assert to_broker.connections
    assert to_mongod.connections
    return story.callers(4, [f"127.0.0.1:{port}"])


def test_the_broker_is_cut_off_and_found_again(story: Story, callers: list[Caller], to_broker: Proxy) -> None:
    told = [caller.say(60) for caller in callers]
    told[-1].wait_for_tokens(5)
    to_broker.cut()
    for caller in callers:
        caller.say(10)
    story.wait_for_finished(told)
    to_broker.heal()
    at = story.now()
    story.check()
    assert all(one.attempts == [1] for one in told)
    story.assert_answered(story.history.told, at, "broker found again", 20.0)


def test_the_broker_is_cut_off_for_moments(story: Story, callers: list[Caller], to_broker: Proxy) -> None:
    for caller in callers:
        caller.talk(3, 30)
    told = [caller.say(120) for caller in callers]
    for tokens in (10, 40, 70):
        told[0].wait_for_tokens(tokens)
        to_broker.cut()
        to_broker.heal()
    story.check()


def test_the_database_is_cut_off_for_moments(story: Story, callers: list[Caller], to_mongod: Proxy) -> None:
    told = [caller.say(120) for caller in callers]
    for caller in callers:
        caller.say(10)
    for tokens in (10, 40, 70):
        told[0].wait_for_tokens(tokens)
        to_mongod.cut()
        to_mongod.heal()
    story.check()


def test_the_database_is_cut_off_while_drafts_end(story: Story, callers: list[Caller], to_mongod: Proxy) -> None:
    told = [caller.say(40) for caller in callers]
    for caller in callers:
        caller.say(10)
    told[-1].wait_for_tokens(5)
    to_mongod.cut()
    for one in told:
        one.wait_for_text()
    to_mongod.heal()
    story.check()


def test_packets_vanish_for_a_while(story: Story, callers: list[Caller], to_broker: Proxy, to_mongod: Proxy) -> None:
    told = [caller.say(60) for caller in callers]
    told[-1].wait_for_tokens(5)
    to_broker.freeze()
    for caller in callers:
        caller.say(10)
    story.wait_for_finished(told)
    to_mongod.freeze()
    to_broker.thaw()
    for one in told:
        one.wait_for_text()
    to_mongod.thaw()
    story.check()
