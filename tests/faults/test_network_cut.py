"""The network between the services and their broker or database is cut, or lets nothing through for a while."""

from collections.abc import Iterator

import pytest

from deploy.local.ports import free_port
from services.verify.proxy import Proxy
from tests.support.callers import Caller
from tests.support.stack import Stack, Story


class Island:
    """A gateway, a tracker and a generator that have no way to broker and mongod but the proxies."""

    def __init__(self, stack: Stack) -> None:
        """They are started, and ended by `close`."""
        server = stack.broker.server
        assert server is not None
        self.to_broker, self.to_mongod = Proxy(server.port), Proxy(stack.mongo.port)
        ways = {
            "broker_url": stack.broker.url.replace(f":{server.port}/", f":{self.to_broker.port}/"),
            "mongo_url": f"mongodb://127.0.0.1:{self.to_mongod.port}/?directConnection=true",
        }
        port = free_port()
        self.address = f"127.0.0.1:{port}"
        self.services = [
            stack.services.spawn("gateway", gateway_port=port, **ways),
            stack.services.spawn("tracker", tracker="rules", **ways),
            stack.generator(**ways),
        ]
        for service in self.services:
            service.until_ready()
        assert self.to_broker.connections
        assert self.to_mongod.connections

    def close(self) -> None:
        """Kill them, and the proxies after them."""
        for service in self.services:
            service.kill()
        self.to_broker.close()
        self.to_mongod.close()


@pytest.fixture(scope="module")
def island(stack: Stack) -> Iterator[Island]:
    """One for the stories of this file."""
    stack.whole()
    running = Island(stack)
    yield running
    running.close()


@pytest.fixture
def to_broker(island: Island) -> Proxy:
    return island.to_broker


@pytest.fixture
def to_mongod(island: Island) -> Proxy:
    return island.to_mongod


@pytest.fixture
def callers(story: Story, island: Island) -> list[Caller]:
    """Users of the island's gateway."""
    return story.callers(4, [island.address])


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
    told = [caller.say(120) for caller in callers]
    for caller in callers:
        caller.say(30)
        caller.say(10)
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
