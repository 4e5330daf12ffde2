"""``antiphon mcp``: the assistant as tools of an MCP client that starts this command."""

from __future__ import annotations

import asyncio
import importlib
from typing import Any

import typer
from antiphon.link import Setup

from services.cli.connection import setup_of
from services.cli.output import Failure


def mcp(context: typer.Context) -> None:
    """Serve search, ask, teach and why to an MCP client, over standard input and output."""
    setup = setup_of(context.obj)
    try:
        # What serves them is of the extra `web`; no other command pays for its import.
        gateways = importlib.import_module("services.web.gateways")
        server = importlib.import_module("services.web.mcp.server")
    except ImportError as error:
        raise Failure(f"{error.name} is not installed: the command `mcp` needs antiphon[web]") from None
    asyncio.run(_serve(setup, gateways, server))


async def _serve(setup: Setup, gateways: Any, server: Any) -> None:
    """Answer until the client closes its end."""
    stdio = importlib.import_module("mcp.server.stdio")
    reached = gateways.Gateways(setup)
    serving = server.mcp_server(reached)
    try:
        async with stdio.stdio_server() as (reading, writing):
            await serving.run(reading, writing, serving.create_initialization_options())
    finally:
        await reached.close()
