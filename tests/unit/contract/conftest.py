"""One test body for the blocking and the asyncio client, against gateways that misbehave."""

import asyncio
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from antiphon.client import AsyncClient, Client, RetryPolicy
from antiphon.v1.conversation_pb2 import TurnEvent

from tests.support.misbehaving_gateway import MisbehavingGateway

HASTY = RetryPolicy(patience=5.0, first=0.001, longest=0.01)

Action = Callable[[Any], Any]


class Reader:
    """Runs an action on one of the two clients and reads what it returns."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def client(self, addresses: str, **options: Any) -> Any:
        options = {"key": "key_1.secret", "policy": HASTY, **options}
        return Client(addresses, **options) if self._kind == "sync" else AsyncClient(addresses, **options)

    def events(self, addresses: str, action: Action, into: list[TurnEvent] | None = None, **options: Any) -> Any:
        """The events of the stream that ``action`` opens; those before an error are in ``into``."""
        seen: list[TurnEvent] = [] if into is None else into
        if self._kind == "sync":
            with self.client(addresses, **options) as client:
                seen.extend(action(client))
            return seen

        async def read() -> None:
            async with self.client(addresses, **options) as client:
                async for event in action(client):
                    seen.append(event)  # noqa: PERF401  what came before an error counts

        asyncio.run(read())
        return seen

    def value(self, addresses: str, action: Action, **options: Any) -> Any:
        """What ``action`` returns, awaited where it has to be."""
        if self._kind == "sync":
            with self.client(addresses, **options) as client:
                return action(client)

        async def get() -> Any:
            async with self.client(addresses, **options) as client:
                value = action(client)
                return await value if inspect.isawaitable(value) else value

        return asyncio.run(get())


@pytest.fixture(params=["sync", "async"])
def reader(request: pytest.FixtureRequest) -> Reader:
    return Reader(request.param)


@pytest.fixture
def gateway() -> Iterator[MisbehavingGateway]:
    server = MisbehavingGateway()
    yield server
    server.stop()


@pytest.fixture
def other_gateway() -> Iterator[MisbehavingGateway]:
    server = MisbehavingGateway()
    yield server
    server.stop()
