"""What a gateway that is gone leaves in the broker."""

import redis as server

from services.common.bus import Bus, EventPublisher
from services.common.bus.events import event
from tests.support.brokers import Broker


def test_events_that_nobody_reads_are_forgotten_after_a_while(redis: Broker) -> None:
    bus = Bus(redis.url)
    publisher = EventPublisher(bus)
    publisher.put_all(("gateway-a", "gateway-b"), event("turn", "delta", 0, text="hello"))
    publisher.close()
    client = server.Redis.from_url(redis.url)
    assert [client.llen(name) for name in ("gateway-a", "gateway-b")] == [1, 1]
    assert all(0 < client.ttl(name) <= 60 for name in ("gateway-a", "gateway-b"))
    client.delete("gateway-a", "gateway-b")
    bus.close()
