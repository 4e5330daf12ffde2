"""The four tools behind the official package ``mcp``, however its messages come. Import it only where it is used."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

import structlog
from antiphon.errors import CallError
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)

from services.web.errors import WebError, error_body
from services.web.gateways import Gateways, metadata_of
from services.web.mcp.tools import TOOLS
from services.web.openai.body import printable

log = structlog.get_logger(__name__)

INSTRUCTIONS = (
    "A customer-service assistant that answers from its documents and facts. `ask` it what customers ask, `search` "
    "what it knows, ask `why` it said something, and `teach` it a fact where it is wrong."
)


def mcp_server(gateways: Gateways) -> Server[Any]:
    """A server of the tools; a call has the credentials of its HTTP request, else those of ``gateways``."""

    async def list_tools(_: Any, __: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=_LISTED)

    async def call_tool(context: Any, params: CallToolRequestParams) -> CallToolResult:
        tool = TOOLS.get(params.name)
        if tool is None:
            raise MCPError(INVALID_PARAMS, f"no such tool: {printable(params.name)}")
        try:
            metadata = metadata_of(context.request.headers) if context.request is not None else ()
            return _result(await tool.call(gateways, metadata, params.arguments or {}))
        except (CallError, WebError) as error:
            return _result(error_body(error, tool.params)[1], is_error=True)
        except Exception as error:
            log.exception("tool_failed", tool=tool.name, exc_info=error)
            return _result(error_body(error)[1], is_error=True)

    return Server(
        "antiphon",
        title="Antiphon",
        version=version("antiphon"),
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _result(told: dict[str, Any], *, is_error: bool = False) -> CallToolResult:
    """A result as an object, and as the text that models read."""
    words = told["error"]["message"] if is_error else json.dumps(told, ensure_ascii=False)
    return CallToolResult(content=[TextContent(text=words)], structured_content=told, is_error=is_error)


_LISTED = [
    Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.schema,
        annotations=ToolAnnotations(
            title=tool.title, read_only_hint=tool.reads, destructive_hint=False, open_world_hint=False
        ),
    )
    for tool in TOOLS.values()
]
