"""Each service's broker user may do what its service does, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import amqp
import pytest
from amqp.exceptions import AccessRefused

from deploy import broker
from services.common.bus import Bus, Consumer, Delivery, TurnMessage, start_all, topology
from services.common.bus.asking import Asker
from services.common.bus.events import event
from services.common.bus.search import SearchRequest, search_queue
from services.common.errors import Unavailable
from tests.support.brokers import Brokers
from tests.support.rabbitmq import RabbitServer
from tests.support.waiting import wait_until

VHOST = "rights"
MESSAGE = TurnMessage(tenant="t", session="session_1", turn="turn_1", n=1)


class Guarded:
    """A RabbitMQ with the deployment's users."""

    def __init__(self, server: RabbitServer) -> None:
        self.server = server
        self.urls = {
            name: f"amqp://antiphon-{name}:secret-{name}@127.0.0.1:{server.port}/{VHOST}" for name in broker.SERVICES
        }
        self.management = f"http://guest:guest@127.0.0.1:{server.http_port}"
        self.names = broker.apply(self.management, self.urls, f"http://watch:secret@127.0.0.1:{server.http_port}")

    def channel(self, service: str) -> amqp.Channel:
        connection = amqp.Connection(
            f"127.0.0.1:{self.server.port}", f"antiphon-{service}", f"secret-{service}", virtual_host=VHOST
        )
        connection.connect()
        return connection.channel()

    def waiting(self, queue: str) -> int:
        server = amqp.Connection(f"127.0.0.1:{self.server.port}", "guest", "guest", virtual_host=VHOST)
        server.connect()
        with server:
            return int(server.channel().queue_declare(queue, passive=True).message_count)


@pytest.fixture(scope="module")
def guarded(brokers: Brokers) -> Iterator[Guarded]:
    share = brokers.get("rabbitmq")
    if share.server is None:
        pytest.skip("needs a RabbitMQ of its own, whose users it makes")
    assert isinstance(share.server, RabbitServer)
    made = Guarded(share.server)
    made.server.manage("PUT", f"permissions/{VHOST}/guest", {"configure": ".*", "write": ".*", "read": ".*"})
    yield made
    made.server.drop_vhost(VHOST)
    for name in made.names:
        made.server.manage("DELETE", f"users/{quote(name)}")
    brokers.release(share)


def refused(guarded: Guarded, service: str, method: str, *arguments: Any, **options: Any) -> bool:
    """Whether the broker refuses this to the service."""
    channel = guarded.channel(service)
    try:
        getattr(channel, method)(*arguments, **options)
        channel.queue_declare("turns.track", passive=True)  # a publish is answered by what comes after it
    except AccessRefused:
        return True
    finally:
        channel.connection.close()
    return False


def test_applying_twice_changes_nothing(guarded: Guarded) -> None:
    assert broker.apply(guarded.management, guarded.urls) == guarded.names[:-1]


def test_a_tracker_cannot_read_the_training_queue(guarded: Guarded) -> None:
    assert not refused(guarded, "gateway", "basic_publish", amqp.Message("{}"), "antiphon.jobs", topology.TRAINING_JOBS)
    wait_until(lambda: guarded.waiting(topology.TRAINING_JOBS) == 1, 60)
    assert refused(guarded, "tracker", "basic_get", topology.TRAINING_JOBS)
    assert refused(guarded, "tracker", "basic_consume", topology.TRAINING_JOBS)
    assert refused(guarded, "tracker", "queue_purge", topology.TRAINING_JOBS)
    assert refused(guarded, "tracker", "queue_delete", topology.TRAINING_JOBS)
    assert refused(guarded, "tracker", "basic_publish", amqp.Message("{}"), "antiphon.jobs", topology.TRAINING_JOBS)
    assert refused(guarded, "tracker", "basic_publish", amqp.Message("{}"), "", topology.TRAINING_JOBS)
    assert guarded.waiting(topology.TRAINING_JOBS) == 1
    log = guarded.server.program.log()
    assert "access to queue 'training.run' in vhost 'rights' refused for user 'antiphon-tracker'" in log
    assert not refused(guarded, "training", "basic_get", topology.TRAINING_JOBS)


@pytest.mark.parametrize("service", broker.SERVICES)
def test_events_are_written_by_those_who_say_something_to_users(guarded: Guarded, service: str) -> None:
    publishes = not refused(guarded, service, "basic_publish", amqp.Message("[]"), "antiphon.events", "gateway_x")
    assert publishes == (service in ("gateway", "tracker", "knowledge", "generator"))


@pytest.mark.parametrize("service", broker.SERVICES)
def test_nobody_reads_what_is_not_its_own(guarded: Guarded, service: str) -> None:
    own = {
        "tracker": {"turns.track"},
        "knowledge": {"turns.ground", "knowledge.search"},
        "knowledge-jobs": {"knowledge.ingest"},
        "generator": {"turns.generate", "drafts.replay"},
        "finetune": {"feedback.batch"},
        "training": {"training.run"},
    }
    queues = {one["name"] for one in broker.definitions(VHOST)["queues"]}
    readable = {queue for queue in queues if not refused(guarded, service, "basic_get", queue)}
    assert readable == own.get(service, set())


def test_the_bus_works_with_the_rights_it_has(guarded: Guarded) -> None:
    gateway = Bus(guarded.urls["gateway"], declares=False)
    gateway.declare()
    gateway.publish_turn(topology.TRACK, MESSAGE)
    wait_until(lambda: guarded.waiting(topology.TRACK) == 1, 60)
    gateway.close()
    finetune = Bus(guarded.urls["finetune"], declares=False)
    with pytest.raises(Unavailable):
        finetune.publish_turn(topology.TRACK, MESSAGE)
    finetune.close()
    assert guarded.waiting(topology.TRACK) == 1


def test_a_training_asks_the_knowledge_base_and_hears_its_answer(guarded: Guarded) -> None:
    training, knowledge = (Bus(guarded.urls[name], declares=False) for name in ("training", "knowledge"))

    def answer(delivery: Delivery) -> None:
        request = SearchRequest.decode(delivery.body)
        knowledge.publish_events(request.reply_to, [event(request.id, "searched", 0, evidence={"of": request.query})])
        delivery.ack()

    worker = Consumer(knowledge, search_queue(redis=False), answer, threads=1, prefetch=1)
    assert start_all(worker)
    with Asker(training, "training_1") as asker:
        for query in ("What does it cost?", "Who is there?"):
            request = SearchRequest(f"search_{query}", "t", asker.name, query, weigh=True)
            assert asker.ask(topology.SEARCH, request, 10, "nobody")["evidence"] == {"of": query}
    worker.stop(2)
    with Asker(training, "training_2") as asker, pytest.raises(Unavailable, match="nobody is there"):
        asker.ask(topology.SEARCH, SearchRequest("search_3", "t", asker.name, "Hello?"), 0.2, "nobody is there")
    training.close()
    knowledge.close()


def test_urls_that_do_not_fit_together_are_refused(guarded: Guarded, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="same broker user"):
        broker.users_of({"gateway": guarded.urls["gateway"], "tracker": guarded.urls["gateway"]})
    with pytest.raises(ValueError, match="several virtual hosts"):
        broker.users_of({"gateway": guarded.urls["gateway"], "tracker": "amqp://a:b@host/other"})
    with pytest.raises(SystemExit, match="broker-url-gateway"):
        broker.main(["apply", "--secrets", str(tmp_path)])
