"""The I/O of the client, blocking and asyncio: the only two places where calls are made and waits are waited."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import Any

import grpc
from grpc import aio

from antiphon.course import Course
from antiphon.follow import Follower
from antiphon.link import Link
from antiphon.v1.common_pb2 import Position
from antiphon.v1.conversation_pb2 import Draft, TurnEvent


class SyncLink(Link[grpc.Channel]):
    """Blocking calls; may be used by many threads."""

    def connect(self, address: str) -> grpc.Channel:
        credentials, options = self.setup.credentials(), self.setup.channel_options()
        if credentials is None:
            return grpc.insecure_channel(address, options)
        return grpc.secure_channel(address, credentials, options)

    def answer(self, course: Course) -> Any:
        while True:
            try:
                return course.open()
            except grpc.RpcError as raw:
                course.failed(raw)
            time.sleep(course.pause)

    def stream(self, course: Course) -> Iterator[Any]:
        while not course.done:
            call = course.open()
            try:
                for response in call:
                    yield from course.take(response)
                    if course.leaving:
                        break
                course.closed()
            except grpc.RpcError as raw:
                course.failed(raw)
            finally:
                call.cancel()
            time.sleep(course.pause)

    def close(self) -> None:
        """Close every connection."""
        for channel in self.pool.close():
            channel.close()


class AioLink(Link[aio.Channel]):
    """Calls of one event loop. What they return is awaitable or an async iterator, and no more."""

    def connect(self, address: str) -> aio.Channel:
        credentials, options = self.setup.credentials(), self.setup.channel_options()
        if credentials is None:
            return aio.insecure_channel(address, options)
        return aio.secure_channel(address, credentials, options)

    async def answer(self, course: Course) -> Any:
        while True:
            try:
                return await course.open()
            except grpc.RpcError as raw:
                course.failed(raw)
            await asyncio.sleep(course.pause)

    async def stream(self, course: Course) -> AsyncIterator[Any]:
        while not course.done:
            call = course.open()
            try:
                async for response in call:
                    for answer in course.take(response):
                        yield answer
                    if course.leaving:
                        break
                course.closed()
            except grpc.RpcError as raw:
                course.failed(raw)
            finally:
                call.cancel()
            await asyncio.sleep(course.pause)

    async def close(self) -> None:
        """Close every connection."""
        for channel in self.pool.close():
            await channel.close(None)


class Followed:
    """What the reader of a turn's events may want to know beside them."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower

    @property
    def turn_id(self) -> str:
        """The turn; empty before the first event."""
        return self._follower.turn_id

    @property
    def position(self) -> Position | None:
        """Where ``attach`` goes on after the last event read; None before the first."""
        return self._follower.position

    @property
    def text(self) -> str:
        """The draft's text so far (from the position that was attached to)."""
        return self._follower.text


class TurnStream(Followed, Iterator[TurnEvent]):
    """A turn's events; also a context manager. Leaving it early cancels nothing at the server."""

    def __init__(self, follower: Follower, events: Iterator[TurnEvent]) -> None:
        super().__init__(follower)
        self._events: Any = events

    def __next__(self) -> TurnEvent:
        event: TurnEvent = next(self._events)
        return event

    def result(self) -> Draft:
        """Read on to the end and return the draft. Raises CallError, TurnNotCompleted."""
        for _ in self:
            pass
        return self._follower.draft()

    def close(self) -> None:
        """Stop reading."""
        self._events.close()

    def __enter__(self) -> TurnStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncTurnStream(Followed, AsyncIterator[TurnEvent]):
    """A turn's events; also an async context manager. Leaving it early cancels nothing at the server."""

    def __init__(self, follower: Follower, events: AsyncIterator[TurnEvent]) -> None:
        super().__init__(follower)
        self._events: Any = events

    async def __anext__(self) -> TurnEvent:
        event: TurnEvent = await anext(self._events)
        return event

    async def result(self) -> Draft:
        """Read on to the end and return the draft. Raises CallError, TurnNotCompleted."""
        async for _ in self:
            pass
        return self._follower.draft()

    async def close(self) -> None:
        """Stop reading."""
        await self._events.aclose()

    async def __aenter__(self) -> AsyncTurnStream:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
