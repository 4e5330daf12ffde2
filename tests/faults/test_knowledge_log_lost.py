"""A knowledge worker loses the database in the middle of applying a change: it goes on following the log."""

from collections.abc import Iterator

import pytest
from pymongo.errors import AutoReconnect

from services.common.store.knowledge import Change, Statement
from services.knowledge.indexes import Indexes
from tests.support.stack import Story
from tests.support.waiting import wait_until


@pytest.fixture
def indexes(story: Story) -> Iterator[Indexes]:
    made = Indexes(story.stack.store, "no encoder", 4, 100)
    made.start()
    assert made.connected.wait(20)
    yield made
    made.stop()


def test_what_is_taught_after_a_lost_connection_is_found(
    story: Story, indexes: Indexes, monkeypatch: pytest.MonkeyPatch
) -> None:
    knowledge = story.stack.store.knowledge
    tail, failures = knowledge.log.tail, iter([AutoReconnect("the connection was cut")] * 2)

    def failing_tail(tenant: str, after: int, limit: int = 1000) -> list[Change]:
        for failure in failures:
            raise failure
        return tail(tenant, after, limit)

    monkeypatch.setattr(knowledge.log, "tail", failing_tail)
    for slot in ("price", "colour"):
        knowledge.teach_fact(story.tenant, Statement("Router X", slot, "29"))
    wait_until(lambda: indexes.watermark(story.tenant) >= 2, 20, "both facts in the index")
    assert next(failures, None) is None
