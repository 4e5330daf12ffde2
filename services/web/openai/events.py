"""Server-sent events: a body of many messages, kept open by comments, ended when the client goes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any

from starlette.types import Receive, Scope, Send

DONE = b"data: [DONE]\n\n"
PING = b": ping\n\n"
_HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),  # proxies that collect answers would hold the words back
)


def data(value: Mapping[str, Any], event: str = "") -> bytes:
    """One event."""
    name = f"event: {event}\n" if event else ""
    return f"{name}data: {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


class EventStream:
    """An ASGI answer of events. A client that goes is seen at once: what is written stops, then ``left`` is called."""

    def __init__(
        self,
        events: AsyncIterator[bytes],
        *,
        ping_seconds: float,
        headers: Mapping[str, str],
        left: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._events: Any = events
        self._ping_seconds = ping_seconds
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]
        self._left = left
        self._silent = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [*_HEADERS, *self._headers]})
        writing = asyncio.create_task(self._write(send))
        watching = asyncio.create_task(self._watch(receive, send))
        try:
            await asyncio.wait({writing, watching}, return_when=asyncio.FIRST_COMPLETED)
            gone = not writing.done()
        finally:
            for task in (writing, watching):
                task.cancel()
            ended = await asyncio.gather(writing, watching, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error
        if gone and self._left is not None:
            await self._left()

    async def _write(self, send: Send) -> None:
        async with aclosing(self._events) as events:
            async for event in events:
                self._silent = False
                await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _watch(self, receive: Receive, send: Send) -> None:
        """Return when the client has gone; write a comment into silence meanwhile."""
        while True:
            try:
                async with asyncio.timeout(self._ping_seconds):
                    message = await receive()
            except TimeoutError:
                if self._silent:
                    await send({"type": "http.response.body", "body": PING, "more_body": True})
                self._silent = True
                continue
            if message["type"] == "http.disconnect":
                return
