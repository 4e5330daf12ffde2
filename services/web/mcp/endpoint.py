"""``/mcp``: MCP's streamable HTTP. It keeps nothing between requests, so that any replica answers any of them.

The package ``mcp`` is imported at the first request: who has no client of MCP pays nothing for it.
"""

from __future__ import annotations

import asyncio
import importlib
from typing import Any

from antiphon.v1.state_pb2 import ListSchemasRequest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from services.web.gateways import Gateways, metadata_of

PATH = "/mcp"


class McpEndpoint:
    """An ASGI application that answers clients of MCP with the four tools."""

    def __init__(self, gateways: Gateways, max_body_bytes: int) -> None:
        self._gateways = gateways
        self._max_body_bytes = max_body_bytes
        self._stopping = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None
        self._app: asyncio.Future[ASGIApp] | None = None

    def routes(self) -> list[Route]:
        """Its path; there are no streams of its own to GET, no sessions to DELETE."""
        return [Route(PATH, self)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":  # said here: a route of one method would leave the others to the console's pages
            raise HTTPException(405, headers={"allow": "POST"})
        # A key that is none is told so by the status, before anything is read.
        await self._gateways.states.ListSchemas(
            ListSchemasRequest(page_size=1), metadata=metadata_of(Request(scope).headers)
        )
        app = await self._started()
        await app(scope, receive, send)

    async def _started(self) -> ASGIApp:
        if self._app is None:
            self._app = asyncio.get_running_loop().create_future()
            self._serving = asyncio.create_task(self._serve(self._app))
        return await asyncio.shield(self._app)

    async def _serve(self, started: asyncio.Future[ASGIApp]) -> None:
        """Hold what the package wants held from one task, until this process ends."""
        try:
            # Importing takes most of a second: other requests go on meanwhile.
            manager: Any = await asyncio.to_thread(self._manager)
            async with manager.run():
                started.set_result(manager.handle_request)
                await self._stopping.wait()
        except Exception as error:
            if started.done():
                raise
            started.set_exception(error)
            self._app = None  # the next request tries again

    def _manager(self) -> Any:
        server = importlib.import_module("services.web.mcp.server")
        http = importlib.import_module("mcp.server.streamable_http_manager")
        return http.StreamableHTTPSessionManager(
            server.mcp_server(self._gateways), stateless=True, max_request_body_size=self._max_body_bytes
        )

    async def close(self) -> None:
        """End what was begun."""
        self._stopping.set()
        if self._serving is not None:
            await asyncio.gather(self._serving, return_exceptions=True)
