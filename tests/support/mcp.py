"""Clients of MCP as tests drive them: the official package's, over HTTP and over a process's input and output."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

T = TypeVar("T")
SECONDS = 60.0


class ToolFailed(AssertionError):
    """A tool said that it failed; ``error`` is what it said."""

    def __init__(self, error: dict[str, Any], words: str) -> None:
        self.error = error
        super().__init__(words)


@asynccontextmanager
async def over_http(url: str, key: str, *, mode: str = "auto") -> AsyncIterator[Client]:
    """A client of the service at ``url`` with this key; ``mode`` is the package's: auto or legacy."""
    headers = {"authorization": f"Bearer {key}"} if key else {}
    async with httpx2.AsyncClient(headers=headers, trust_env=False, timeout=SECONDS) as http:
        transport = streamable_http_client(f"{url}/mcp", http_client=http)
        async with Client(transport, mode=mode, read_timeout_seconds=SECONDS) as client:
            yield client


@asynccontextmanager
async def over_stdio(
    argv: Sequence[str], env: Mapping[str, str], cwd: Path, *, mode: str = "auto"
) -> AsyncIterator[Client]:
    """A client of a command that it starts and ends."""
    server = StdioServerParameters(command=argv[0], args=list(argv[1:]), env=dict(env), cwd=cwd)
    async with Client(server, mode=mode, read_timeout_seconds=SECONDS) as client:
        yield client


async def call(client: Client, tool: str, **arguments: Any) -> Any:
    """What a tool answers. Raises ToolFailed."""
    result = await client.call_tool(tool, arguments)
    if result.is_error:
        raise ToolFailed(result.structured_content["error"], result.content[0].text)  # type: ignore[union-attr]
    return result.structured_content


def talk(connect: Callable[[], Any], say: Callable[[Client], Awaitable[T]]) -> T:
    """Connect, hold one conversation, and return what came of it."""

    async def whole() -> T:
        async with connect() as client:
            return await say(client)

    return asyncio.run(whole())
