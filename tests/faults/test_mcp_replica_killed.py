"""An HTTP replica is killed while a client of MCP waits: what it asks again at another is the same turn."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from deploy.local.ports import free_port
from tests.support.callers import words_of
from tests.support.mcp import call, over_http
from tests.support.stack import Story
from tests.support.waiting import wait_until

pytestmark = pytest.mark.parametrize("stack", ["redis"], indirect=True)
WORDS = 80


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_what_was_asked_of_a_killed_replica_is_answered_once_by_another(story: Story, mode: str) -> None:
    story.generators(1)
    gateways = ",".join(story.stack.addresses)
    ports = [free_port(), free_port()]
    replicas = [story.spawn("web", web_port=port, web_gateways=gateways) for port in ports]
    said = words_of(f"mcp{mode}", WORDS)
    turns = story.stack.store.connection.scoped("turns", story.tenant)

    async def ask(port: int) -> Any:
        async with over_http(f"http://127.0.0.1:{port}", story.key, mode=mode) as client:
            return await call(client, "ask", question=said, request_id="once")

    async def first() -> None:
        asking = asyncio.create_task(ask(ports[0]))
        await asyncio.to_thread(wait_until, lambda: turns.count({}) == 1, 60, "an accepted turn")
        story.kill(replicas[0])
        asking.cancel()  # when a client gives up is its own matter
        await asyncio.gather(asking, return_exceptions=True)

    asyncio.run(first())
    answer = asyncio.run(ask(ports[1]))
    assert (answer["status"], answer["reply"]) == ("complete", said)
    assert asyncio.run(ask(ports[1])) == answer
    assert turns.count({}) == 1
