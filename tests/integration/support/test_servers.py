"""The servers that tests stand on behave as their fixtures promise."""

import kombu
import pytest
from pymongo import MongoClient

from deploy.local.mongo import MongoServer
from tests.support.brokers import Broker
from tests.support.waiting import wait_until


def test_mongod_is_a_replica_set_and_keeps_what_was_journaled(mongo: MongoServer, database: str) -> None:
    with MongoClient[dict[str, object]](mongo.url) as client:
        client[database].notes.insert_one({"_id": 1})
        mongo.program.kill()
        mongo.start()
        assert client[database].notes.count_documents({}) == 1
        with client[database].watch() as stream:  # change streams need a replica set
            client[database].notes.insert_one({"_id": 2})
            assert wait_until(stream.try_next)["operationType"] == "insert"


def test_a_broker_carries_a_message_and_comes_back_after_a_kill(broker: Broker) -> None:
    def round_trip() -> str:
        with kombu.Connection(broker.url) as connection:
            queue = connection.SimpleQueue("support")
            queue.clear()
            queue.put("hello")
            queue.put("left behind")
            message = queue.get(timeout=5)
            message.ack()
            queue.put("left behind")
            queue.close()
            return str(message.payload)

    assert round_trip() == "hello"
    broker.restart()
    assert round_trip() == "hello"
    broker.restart_empty()
    assert round_trip() == "hello"


def test_brokers_of_two_tests_do_not_meet(broker: Broker) -> None:
    with kombu.Connection(broker.url) as connection:
        queue = connection.SimpleQueue("support")  # the test before left a queue of this name
        queue.put("mine")
        assert queue.get(timeout=5).payload == "mine"
        queue.close()


def test_waiting_in_vain_says_what_for() -> None:
    with pytest.raises(AssertionError, match="the moon"):
        wait_until(lambda: False, timeout=0.05, message="the moon")
